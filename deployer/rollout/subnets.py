"""Subnets that a release's networks ask for and those that a host has already, to the ones that clash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network


def clashes(wanted: Mapping[str, tuple[str, ...]], there: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A sentence for each subnet that overlaps with one of something else; networks of the same name are the same."""
    return tuple(_clashes(wanted, there))


def _clashes(wanted: Mapping[str, tuple[str, ...]], there: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name, subnets in wanted.items():
        if f"network {name}" in there:
            continue  # Compose leaves a network that is there as it is, or says that its definition has changed
        for subnet in subnets:
            for other, theirs in there.items():
                found = next((one for one in theirs if _overlap(subnet, one)), None)
                if found:
                    yield f"network {name}: subnet {subnet} overlaps with {found} of {other}"


def _overlap(one: str, other: str) -> bool:
    first, second = _network(one), _network(other)
    return bool(first and second and first.version == second.version and first.overlaps(second))


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
