"""What a service publishes on its host, and the subnets of networks, as text that a host can be compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from deployer.config.interpolation import interpolate
from deployer.model.project import ComposeProject, Service

MOST = 200  # ports of a range that are looked at
_PUBLISHED = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:.%]+\]|[0-9.]+):)?(?P<first>\d+)(?:-(?P<last>\d+))?:(?P<target>\d+(?:-\d+)?)(?:/(?P<kind>\w+))?"
)


def ports_of(service: Service, variables: Mapping[str, str]) -> tuple[str, ...]:
    """`address:port/protocol` of each port that the service publishes; without an address it is all of them.

    A range of which Docker picks one (`8000-8010:80`) and what no number can be made of are left out.
    """
    found = (port for text in service.ports for port in _single(interpolate(text, variables)))
    return tuple(dict.fromkeys(found))


def subnets_of(compose: ComposeProject, project: str, variables: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The networks that ask for certain subnets, by the names that they have on a host."""
    return {
        f"{project}_{name[1:]}" if name.startswith(":") else interpolate(name, variables): tuple(
            interpolate(one, variables) for one in subnets
        )
        for name, subnets in compose.subnets.items()
    }


def _single(text: str) -> Iterator[str]:
    found = _PUBLISHED.fullmatch(text)
    if found is None:
        return
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if last != first and "-" not in found["target"]:
        return
    address = f"{found['ip']}:" if found["ip"] else ""
    for number in range(first, min(last, first + MOST) + 1):
        yield f"{address}{number}/{found['kind'] or 'tcp'}"
