"""What a host says about itself, asked without SSH and without the tool: files, containers, rows, a fingerprint."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import ndiff
from typing import Any

from host_engine import PROJECT_LABEL, engine, has_engine, inspected

from deployer.lab.host import LabHost

# Whoever asks, and connections that are being closed.
_PASSING = "sshd|sshd-session|sshd-auth|sudo|sh|bash|sleep|sed|.*runc.*"
FINGERPRINT = {
    "files": (
        "find /etc /srv /root /home /opt /usr/local /usr/bin /usr/sbin /var/spool/cron /var/tmp /tmp -xdev"
        " -not -path '*/systemd-private-*' -not -name 'runc-process*'"  # the second: a health check that begins
        r" \( -type f -printf '%p %m %u:%g %s\n' -o -printf '%p %y %m %u:%g %l\n' \) | sort"
    ),
    "contents": "find /etc /srv /root /home /usr/local -xdev -type f -exec sha256sum {} + | sort -k 2",
    "changed at": r"find /etc /srv /root /home -xdev -printf '%p %T@\n' | sort",
    "packages": "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n'",
    "units": "systemctl list-unit-files --no-legend --no-pager | awk '{ print $1, $2 }' | sort",
    "running units": "systemctl list-units --no-legend --no-pager --plain --state=running --type=service"
    " | awk '{ print $1 }' | grep -v '^user' | sort",
    "processes": (  # that live for a while: health checks begin and end all the time
        'before=$(ps -eo pid=,comm=); sleep 0.5; { echo "$before"; ps -eo pid=,comm=; } | sort | uniq --repeated'
        f" | awk '{{ print $2 }}' | grep -vxE '{_PASSING}' | sort | uniq --count"
    ),
}


def ask(host: LabHost, command: str) -> str:
    """What a line of shell prints on a host, as root; AssertionError if it fails."""
    status, output = host.exec(command)
    assert status == 0, f"{host.name}: {command!r} ended with {status}: {output}"
    return output


def fingerprint(host: LabHost) -> tuple[str, ...]:
    """All that a host is, line by line, but for what changes by itself."""
    script = "\n".join(f"{{ {text}; }} | sed {shlex.quote(f's|^|{name}: |')}" for name, text in FINGERPRINT.items())
    return (*ask(host, script).splitlines(), *_engine_fingerprint(host))


def _engine_fingerprint(host: LabHost) -> list[str]:
    """The same of its Docker Engine; nothing where none answers."""
    if not has_engine(host):
        return []
    images, volumes, networks = engine(host, "/images/json?all=1", "/volumes", "/networks")
    containers = map(ContainerSeen.from_inspect, inspected(host))
    return sorted((
        *(f"container: {one.name} {one.id} {one.image} {one.status} {one.started_at}" for one in containers),
        *(f"image: {one['Id']} {tag}" for one in images for tag in one["RepoTags"] or ("untagged",)),
        *(f"volume: {one['Name']} {one['CreatedAt']}" for one in volumes["Volumes"] or ()),
        *(f"network: {one['Name']} {one['Id']}" for one in networks),
    ))  # fmt: skip


def fingerprints(hosts: Collection[LabHost]) -> dict[str, tuple[str, ...]]:
    with ThreadPoolExecutor() as pool:
        return dict(zip((host.name for host in hosts), pool.map(fingerprint, hosts), strict=True))


def differences(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Two fingerprints' lines that are not in the other, as `-` and `+`."""
    return [line for line in ndiff(before, after) if line[0] in "-+"] if before != after else []


@contextmanager
def untouched(hosts: Collection[LabHost]) -> Iterator[None]:
    """Whatever happens inside changes none of these hosts; AssertionError with the differences if it does."""
    before = fingerprints(hosts)
    yield
    after = fingerprints(hosts)
    found = {name: differences(lines, after[name]) for name, lines in before.items()}
    assert not any(found.values()), "\n".join(f"{name}: {line}" for name, lines in found.items() for line in lines)


@dataclass(frozen=True, kw_only=True)
class ContainerSeen:
    """A container as `docker inspect` on its host has it."""

    id: str
    name: str
    service: str
    image: str  # as the container was asked for
    image_id: str
    status: str  # running, exited, restarting …
    health: str | None  # healthy, unhealthy, starting; None: no health check
    started_at: str
    restarts: int
    environment: Mapping[str, str]
    address: str = field(default="", compare=False)  # in one of its networks; empty where it does not run

    @property
    def is_well(self) -> bool:
        return self.status == "running" and self.health in (None, "healthy")

    @classmethod
    def from_inspect(cls, raw: Mapping[str, Any]) -> ContainerSeen:
        state, config = raw["State"], raw["Config"]
        return cls(
            id=raw["Id"],
            name=raw["Name"].lstrip("/"),
            service=config["Labels"].get("com.docker.compose.service", ""),
            image=config["Image"],
            image_id=raw["Image"],
            status=state["Status"],
            health=(state.get("Health") or {}).get("Status"),
            started_at=state["StartedAt"],
            restarts=raw["RestartCount"],
            address=_address(raw["NetworkSettings"]["Networks"]),
            environment=dict(line.partition("=")[::2] for line in config.get("Env") or ()),
        )


def _address(networks: Mapping[str, Any]) -> str:
    return next((str(one["IPAddress"]) for one in networks.values() if one.get("IPAddress")), "")


def containers_of(host: LabHost, project: str) -> tuple[ContainerSeen, ...]:
    """All containers of a compose project on a host, stopped and one-off ones too, by name."""
    return tuple(sorted(map(ContainerSeen.from_inspect, inspected(host, project)), key=lambda one: one.name))


def volumes_of(host: LabHost, project: str) -> dict[str, str]:
    """A compose project's named volumes on a host: name without the project -> when it was created."""
    (found,) = engine(host, "/volumes")
    mine = [one for one in found["Volumes"] or () if (one["Labels"] or {}).get(PROJECT_LABEL) == project]
    return {one["Name"].removeprefix(f"{project}_"): one["CreatedAt"] for one in mine}
