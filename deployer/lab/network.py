"""A lab's network: a bridge of this machine's engine, with fixed addresses."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from deployer.errors import LabError
from deployer.lab.recipe import LABEL

_ROOM = IPv4Network("10.210.0.0/16")  # where subnets for tests are taken from
FIRST_HOST = 10  # .1 is this machine, .2 the registry


def free_subnet(client: docker.DockerClient) -> str:
    """Return a /24 of 10.210.0.0/16 that overlaps neither an engine's network nor a route of this machine."""
    taken = [*_engine_subnets(client), *parse_routes(Path("/proc/net/route").read_text())]
    return str(choose_subnet(taken, start=os.getpid() * 37))  # far apart: neighbours choose at the same moment


def choose_subnet(taken: Iterable[IPv4Network], *, start: int = 0) -> IPv4Network:
    """Return the first free /24 from number `start` on; raises LabError if all overlap with what is taken."""
    busy = list(taken)
    rooms = list(_ROOM.subnets(new_prefix=24))
    start %= len(rooms)
    for room in rooms[start:] + rooms[:start]:
        if not any(room.overlaps(other) for other in busy):
            return room
    raise LabError(f"no free subnet in {_ROOM}", hint="end labs that nobody uses: `deploy lab down`")


def parse_routes(table: str) -> list[IPv4Network]:
    """Return the destinations in a /proc/net/route, the default route apart."""
    rows = [line.split() for line in table.splitlines()[1:] if line.strip()]
    return [IPv4Network((_address(row[1]), str(_address(row[7])))) for row in rows if row[7] != "00000000"]


def choose_address(subnet: IPv4Network, taken: Iterable[str]) -> str:
    """Return the first address for a host that is not taken; raises LabError if the subnet is full."""
    busy = set(taken)
    for number in range(FIRST_HOST, subnet.num_addresses - 1):
        if str(subnet[number]) not in busy:
            return str(subnet[number])
    raise LabError(f"no free address in {subnet}")


def ensure_network(client: docker.DockerClient, name: str, subnet: IPv4Network, *, lab: str) -> Network:
    """Return the network, made if it is not there; raises LabError if its name or its subnet belongs to others."""
    found = find_network(client, name)
    if found is None:
        pool = IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
        try:
            ipam = IPAMConfig(pool_configs=[pool])
            return client.networks.create(name, driver="bridge", ipam=ipam, labels={LABEL: lab})
        except APIError as error:
            hint = "choose another lab_subnet"
            raise LabError(f"no network {subnet} for lab {lab}: {error.explanation}", hint=hint) from error
    if found.attrs.get("Labels", {}).get(LABEL) != lab:
        raise LabError(f"network {name} is not ours", hint="choose another lab_name")
    if subnet not in _subnets(found):
        raise LabError(f"lab {lab} is up with another subnet than {subnet}", hint="`deploy lab down` first")
    return found


def fixed_address(network: Network, address: str) -> dict[str, Any]:
    """Return the networking part of a container's config; only low-level calls take a fixed address."""
    return {"EndpointsConfig": {network.name: {"IPAMConfig": {"IPv4Address": address}}}}


def create_container(client: docker.DockerClient, name: str, config: Mapping[str, Any]) -> Container:
    """Create a container from a config as the Engine API has it: the SDK has no words for all that hosts need."""
    create: Any = client.api.create_container_from_config
    try:
        return client.containers.get(create(config, name)["Id"])
    except APIError as error:
        raise LabError(f"container {name} cannot be made: {error.explanation}") from error


def find_network(client: docker.DockerClient, name: str) -> Network | None:
    """Return the network of exactly this name, if there is one."""
    try:
        return client.networks.get(name)
    except NotFound:
        return None


def _engine_subnets(client: docker.DockerClient) -> list[IPv4Network]:
    return [subnet for network in client.networks.list() for subnet in _subnets(network)]


def _subnets(network: Network) -> list[IPv4Network]:
    pools = (network.attrs.get("IPAM") or {}).get("Config") or []
    subnets = [ip_network(pool["Subnet"]) for pool in pools if pool.get("Subnet")]
    return [subnet for subnet in subnets if isinstance(subnet, IPv4Network)]


def _address(little_endian_hex: str) -> IPv4Address:
    return IPv4Address(struct.unpack("<I", struct.pack(">I", int(little_endian_hex, 16)))[0])
