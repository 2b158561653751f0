"""Opens TCP connections: names are looked up apart, so that a slow look-up keeps no other host waiting."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from paramiko.ssh_exception import NoValidConnectionsError

from deployer.frozen import dataclass

Address = tuple[str, int]


@dataclass(frozen=True)
class Place:
    """One address of a host, as getaddrinfo gives it."""

    family: socket.AddressFamily
    address: tuple[str, int] | tuple[str, int, int, int]


def look_up_host(host: str, port: int, family: str = "any") -> tuple[Place, ...]:
    """All addresses of a host, in the system's order. Raises OSError (socket.gaierror) if it has none."""
    wanted = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(family, socket.AF_UNSPEC)
    found = socket.getaddrinfo(host, port, wanted, socket.SOCK_STREAM)
    return tuple(dict.fromkeys(Place(kind, address) for kind, _, _, _, address in found))  # type: ignore[arg-type]


def connect(places: Sequence[Place], timeout: float, bind: str | None = None) -> socket.socket:
    """A connection to the first address that answers.

    Raises TimeoutError if the last one stayed silent, NoValidConnectionsError with what each one said otherwise.
    """
    errors: dict[Address, OSError] = {}
    silent: TimeoutError | None = None
    for place in places:
        try:
            return _connected(place, timeout, bind)
        except TimeoutError as fault:
            silent = fault
        except OSError as fault:
            errors[place.address[0], place.address[1]] = fault
    if silent is not None and not errors:
        raise silent
    raise NoValidConnectionsError(errors)  # type: ignore[arg-type]


def _connected(place: Place, timeout: float, bind: str | None) -> socket.socket:
    made = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout)
        if bind is not None:
            made.bind((bind, 0))
        made.connect(place.address)
    except OSError:
        made.close()
        raise
    return made
