"""The jump hosts on the way to a host, each a host of its own: its key, its user, its part of ssh_config."""

from __future__ import annotations

import re
from dataclasses import replace

from deployer.errors import ConnectError
from deployer.model.connection import Endpoint
from deployer.model.ssh_options import CONFIG_FILE
from deployer.transport.route import Route, route_to

MOST = 8  # hosts on one way: more is a loop
HOP = re.compile(r"(?:(?P<user>[^@]+(?:@[^@]+)*?)@)?(?:\[(?P<literal>[^\]]+)\]|(?P<name>[^:@]+))(?::(?P<port>\d+))?")

Hop = tuple[Route, Endpoint]


def way_to(route: Route, endpoint: Endpoint) -> list[Hop]:
    """Every jump host on the way, the first to connect to at the front. Raises ConnectError for a way without end.

    The first one is reached by its own ProxyJump or ProxyCommand, as with ssh; the others through the one before them.
    """
    way: list[Hop] = []
    pending, target = route, endpoint
    while pending.jumps:
        hops = [_hop(text, target, pending) for text in pending.jumps]
        way[:0] = [_reached_before(hop) for hop in hops[1:]]
        first, place = hops[0]
        if len(way) >= MOST:
            raise ConnectError(f"more than {MOST} jump hosts: ProxyJump goes in a circle", host=route.host)
        own = () if _is_itself(first, place) else first.jumps
        way.insert(0, (replace(first, jumps=()), place))
        pending, target = replace(first, jumps=own), place
    return way


def _reached_before(hop: Hop) -> Hop:
    return replace(hop[0], jumps=(), proxy_command=None), hop[1]


def _is_itself(route: Route, endpoint: Endpoint) -> bool:
    """`Host *` with a ProxyJump holds for the jump host too."""
    return len(route.jumps) == 1 and _hop(route.jumps[0], endpoint, route)[0].label == route.label


def _hop(text: str, target: Endpoint, route: Route) -> Hop:
    """A jump host as it is written. What the inventory says about its target, secrets above all, is not for it."""
    found = HOP.fullmatch(text)
    if found is None:
        raise ConnectError(f"`{text}` is no jump host", host=route.host, hint="write `user@host:port`")
    place = Endpoint(
        name=target.name,
        address=found["literal"] or found["name"],
        port=int(found["port"]) if found["port"] else None,
        user=found["user"],
        known_hosts=target.known_hosts,
        ssh_options=tuple(option for option in target.ssh_options if option[0] == CONFIG_FILE),
    )
    return replace(route_to(place, route.options), is_jump=True), place
