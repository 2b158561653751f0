"""What on a host is not of one project: who has which port, which containers mount what, which subnets are given away.

Each question is answered only where the release that is asked for does not serve yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, ClassVar

from deployer.facts._engine_api import ENGINE, IF_THERE, packed, unpacked
from deployer.facts.releases import unless_serving
from deployer.frozen import dataclass
from deployer.model.ports import Taken
from deployer.model.release import PROJECT_LABEL

_PROC = ("/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6")
_USER = re.compile(r'\("([^"]+)",pid=(\d+)')
_ENGINE = re.compile(r"docker\w*|br-[0-9a-f]+|veth\w+|lo")  # interfaces of the engine
LISTEN = "0A"
_NETWORKS = "networks:"  # between both halves of an answer


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A container that runs and is not of the project."""

    name: str
    project: str = ""  # its own compose project, if it has one
    ports: tuple[Taken, ...] = ()
    volumes: tuple[str, ...] = ()  # that it may write to

    def __str__(self) -> str:
        return f"container {self.name}" + (f" of project {self.project}" if self.project else "")


@dataclass(frozen=True, kw_only=True)
class ContainersSeen:
    """The containers that run on a host, the project's own apart."""

    strangers: tuple[Stranger, ...] = ()
    own: tuple[Taken, ...] = ()  # ports of the project itself


@dataclass(frozen=True)
class RunningContainers:
    """The containers that run on a host; nothing without an engine."""

    constant: ClassVar[bool] = False
    functions: ClassVar[str] = ENGINE

    root: str
    project: str
    digest: str = ""

    def script(self) -> str:
        return f"{unless_serving(self.root, self.digest)}{IF_THERE}{packed('/containers/json')}"

    def parse(self, output: str, status: int) -> ContainersSeen:
        found = [_stranger(raw) for raw in unpacked(output)]
        return ContainersSeen(
            strangers=tuple(sorted((one for one in found if one.project != self.project), key=lambda one: one.name)),
            own=tuple(port for one in found if one.project == self.project for port in one.ports),
        )


def _stranger(raw: Mapping[str, Any]) -> Stranger:
    name, project = (raw.get("Names") or ["?"])[0].lstrip("/"), (raw.get("Labels") or {}).get(PROJECT_LABEL, "")
    who = str(Stranger(name=name, project=project))
    return Stranger(
        name=name,
        project=project,
        ports=tuple(
            Taken(address=port.get("IP", ""), number=port["PublicPort"], protocol=port["Type"], by=who)
            for port in sorted(raw.get("Ports") or (), key=lambda one: (one["PrivatePort"], one["Type"]))
            if "PublicPort" in port
        ),
        volumes=tuple(
            sorted(one["Name"] for one in raw.get("Mounts") or () if one.get("Type") == "volume" and one.get("RW"))
        ),
    )


@dataclass(frozen=True)
class Listeners:
    """The ports that programs of a host listen on, containers' proxies apart."""

    constant: ClassVar[bool] = False

    root: str
    digest: str = ""

    def script(self) -> str:
        return (
            f"{unless_serving(self.root, self.digest)}"
            f"if command -v ss >/dev/null; then ss -Hltunp; else cat {' '.join(_PROC)} | sed 's/^/proc /'; fi"
        )

    def parse(self, output: str, status: int) -> tuple[Taken, ...]:
        return tuple(dict.fromkeys(one for line in output.splitlines() if (one := _listener(line.split()))))


def _listener(words: list[str]) -> Taken | None:
    """From a line of `ss`: family, state, two queues, address:port, peer, users."""
    if words[:1] == ["proc"]:
        return _from_proc(words[1:])
    if len(words) < 6 or words[0] not in ("tcp", "udp"):
        return None
    address, _, number = words[4].rpartition(":")
    user = _USER.search(" ".join(words[6:]))
    if not number.isdigit() or (user and user[1] == "docker-proxy"):
        return None
    by = f"{user[1]} (pid {user[2]})" if user else "another program"
    return Taken(address=address.partition("%")[0].strip("[]"), number=int(number), protocol=words[0], by=by)


def _from_proc(words: list[str]) -> Taken | None:
    """From a line of /proc/net/tcp: number, address:port in hexadecimal, peer, state. UDP has no state of its own."""
    if len(words) < 4 or ":" not in words[1] or words[3] != LISTEN:
        return None
    address, _, number = words[1].rpartition(":")
    four = len(address) == 8
    named = ".".join(str(int(address[at : at + 2], 16)) for at in (6, 4, 2, 0)) if four else "*"
    return Taken(address=named, number=int(number, 16), protocol="tcp", by="another program")


@dataclass(frozen=True, kw_only=True)
class SubnetsSeen:
    """The subnets that a host has given away, by who has them."""

    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "network foreign", "interface eth0", or a name
    own: tuple[str, ...] = ()  # networks of the project that are there


@dataclass(frozen=True)
class Subnets:
    """The subnets of the engine's networks and of the host's own interfaces."""

    constant: ClassVar[bool] = False
    functions: ClassVar[str] = ENGINE

    root: str
    project: str
    digest: str = ""

    def script(self) -> str:
        return (
            f"{unless_serving(self.root, self.digest)}"
            "if command -v ip >/dev/null; then ip -o -4 route show scope link; ip -o -6 route show; fi\n"
            f"{IF_THERE}echo {_NETWORKS}\n{packed('/networks')}"
        )

    def parse(self, output: str, status: int) -> SubnetsSeen:
        by: dict[str, tuple[str, ...]] = {}
        own = []
        routes, _, networks = output.partition(f"{_NETWORKS}\n")
        for line in routes.splitlines():
            for interface, subnet in _route(line.split()):
                by[interface] = (*by.get(interface, ()), subnet)
        for raw in unpacked(networks):
            if (raw.get("Labels") or {}).get(PROJECT_LABEL) == self.project:
                own.append(raw["Name"])
            else:
                pools = raw["IPAM"].get("Config") or ()
                by[f"network {raw['Name']}"] = tuple(one["Subnet"] for one in pools if "Subnet" in one)
        return SubnetsSeen(by=by, own=tuple(own))


def _route(words: list[str]) -> Iterator[tuple[str, str]]:
    if "dev" in words[:-1] and "/" in words[0] and not words[0].startswith("fe80:"):
        device = words[words.index("dev") + 1]
        if not _ENGINE.fullmatch(device):
            yield f"interface {device}", words[0]
