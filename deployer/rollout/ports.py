"""Ports that a release wants to publish and ports that a host has given away, to the ones that clash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from deployer.model.ports import Taken

ALL = ("", "*")  # addresses that are all of them, of both families
ALL_OF = {"0.0.0.0": False, "::": True}  # noqa: S104 those of one family; whether it is IPv6


def taken_ports(wanted: Mapping[str, Iterable[str]], given_away: Iterable[Taken]) -> tuple[str, ...]:
    """A sentence for each port that a service wants and something else has: "web: port 80 is taken by nginx"."""
    taken = tuple(given_away)
    return tuple(dict.fromkeys(sentence for service in wanted for sentence in _of(service, wanted[service], taken)))


def _of(service: str, wanted: Iterable[str], taken: Iterable[Taken]) -> Iterator[str]:
    for text in wanted:
        address, number, protocol = parse_port(text)
        by = [one for one in taken if (one.number, one.protocol) == (number, protocol)]
        found = next((one for one in by if overlap(address, one.address)), None)
        if found:
            what = f"port {text.removesuffix('/tcp')}"
            yield f"{service}: {what} is taken by {found.by}"


def parse_port(text: str) -> tuple[str, int, str]:
    """Address, number and protocol of `[address:]number/protocol`."""
    place, _, protocol = text.partition("/")
    address, _, number = place.rpartition(":")
    return address.strip("[]"), int(number), protocol or "tcp"


def overlap(one: str, other: str) -> bool:
    """Whether who listens on one address keeps others from the other: all addresses, of a family or both, are any."""
    if one in ALL or other in ALL or one == other:
        return True
    for every, rest in ((one, other), (other, one)):
        if every in ALL_OF:
            return ALL_OF[every] == (":" in rest)
    return False
