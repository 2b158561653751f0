"""What on a host is not of one project: who has which port, which containers mount what, which subnets are given away.

Each question is answered only where the release that is asked for does not serve yet.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deployer.facts.releases import unless_serving
from deployer.model.ports import Taken

_CONTAINERS = (
    '{"name":{{json .Name}},"project":{{json (index .Config.Labels "com.docker.compose.project")}},'
    '"ports":{{json .NetworkSettings.Ports}},"mounts":{{json .Mounts}}}'
)
_NETWORKS = (
    '{"name":{{json .Name}},"pools":{{json .IPAM.Config}},'
    '"project":{{json (index .Labels "com.docker.compose.project")}}}'
)
_PROC = ("/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6")
_USER = re.compile(r'\("([^"]+)",pid=(\d+)')
_ENGINE = re.compile(r"docker\w*|br-[0-9a-f]+|veth\w+|lo")  # interfaces of the engine
LISTEN = "0A"


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

    root: str
    project: str
    digest: str = ""

    def script(self) -> str:
        return (
            f"{unless_serving(self.root, self.digest)}command -v docker >/dev/null || exit 0\n"
            'ids=$(docker ps --quiet --no-trunc) && [ -n "$ids" ] || exit 0\n'
            f"docker inspect --format {shlex.quote(_CONTAINERS)} $ids"
        )

    def parse(self, output: str, status: int) -> ContainersSeen:
        found = [_stranger(json.loads(line)) for line in output.splitlines() if line.startswith("{")]
        return ContainersSeen(
            strangers=tuple(sorted((one for one in found if one.project != self.project), key=lambda one: one.name)),
            own=tuple(port for one in found if one.project == self.project for port in one.ports),
        )


def _stranger(raw: Mapping[str, Any]) -> Stranger:
    name, project = raw["name"].lstrip("/"), raw["project"] or ""
    who = str(Stranger(name=name, project=project))
    return Stranger(
        name=name,
        project=project,
        ports=tuple(
            Taken(address=bound["HostIp"], number=int(bound["HostPort"]), protocol=inner.partition("/")[2], by=who)
            for inner, bindings in sorted((raw["ports"] or {}).items())
            for bound in bindings or ()
        ),
        volumes=tuple(
            sorted(one["Name"] for one in raw["mounts"] or () if one.get("Type") == "volume" and one.get("RW"))
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

    root: str
    project: str
    digest: str = ""

    def script(self) -> str:
        return (
            f"{unless_serving(self.root, self.digest)}"
            "if command -v ip >/dev/null; then ip -o -4 route show scope link; ip -o -6 route show; fi\n"
            "command -v docker >/dev/null || exit 0\n"
            f"docker network inspect --format {shlex.quote(_NETWORKS)} $(docker network ls --quiet --no-trunc)"
        )

    def parse(self, output: str, status: int) -> SubnetsSeen:
        by: dict[str, tuple[str, ...]] = {}
        own = []
        for line in output.splitlines():
            if line.startswith("{"):
                raw = json.loads(line)
                if raw["project"] == self.project:
                    own.append(raw["name"])
                else:
                    by[f"network {raw['name']}"] = tuple(one["Subnet"] for one in raw["pools"] or () if "Subnet" in one)
            else:
                for interface, subnet in _route(line.split()):
                    by[interface] = (*by.get(interface, ()), subnet)
        return SubnetsSeen(by=by, own=tuple(own))


def _route(words: list[str]) -> Iterator[tuple[str, str]]:
    if "dev" in words[:-1] and "/" in words[0] and not words[0].startswith("fe80:"):
        device = words[words.index("dev") + 1]
        if not _ENGINE.fullmatch(device):
            yield f"interface {device}", words[0]
