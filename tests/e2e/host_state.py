"""What a host says about itself, asked without SSH and without the tool: files, containers, rows, a fingerprint."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import ndiff
from typing import Any

from deployer.lab.host import LabHost

PROJECT_LABEL = "com.docker.compose.project"

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
    "containers": "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.Image}} {{.State}}' | sort",
    "started": "docker ps --quiet --no-trunc | xargs -r docker inspect --format '{{.Id}} {{.State.StartedAt}}' | sort",
    "images": "docker image ls --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort",
    "volumes": "docker volume ls --quiet | xargs -r docker volume inspect --format '{{.Name}} {{.CreatedAt}}' | sort",
    "networks": "docker network ls --no-trunc --format '{{.ID}} {{.Name}}' | sort",
}
_DOCKER = ("containers", "started", "images", "volumes", "networks")


def ask(host: LabHost, command: str) -> str:
    """What a line of shell prints on a host, as root; AssertionError if it fails."""
    status, output = host.exec(command)
    assert status == 0, f"{host.name}: {command!r} ended with {status}: {output}"
    return output


def fingerprint(host: LabHost) -> tuple[str, ...]:
    """All that a host is, line by line, but for what changes by itself."""
    has_docker = host.exec("docker version")[0] == 0
    asked = {name: text for name, text in FINGERPRINT.items() if has_docker or name not in _DOCKER}
    script = "\n".join(f"{{ {text}; }} | sed {shlex.quote(f's|^|{name}: |')}" for name, text in asked.items())
    return tuple(ask(host, script).splitlines())


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
            environment=dict(line.partition("=")[::2] for line in config.get("Env") or ()),
        )


def containers_of(host: LabHost, project: str) -> tuple[ContainerSeen, ...]:
    """All containers of a compose project on a host, stopped and one-off ones too, by name."""
    listed = f"docker ps --all --quiet --no-trunc --filter label={PROJECT_LABEL}={shlex.quote(project)}"
    status, output = host.exec(f'ids=$({listed} 2>/dev/null) && [ -n "$ids" ] && docker inspect $ids 2>/dev/null')
    raw = json.loads(output) if status == 0 and output.strip() else []
    return tuple(sorted((ContainerSeen.from_inspect(one) for one in raw), key=lambda one: one.name))


def volumes_of(host: LabHost, project: str) -> dict[str, str]:
    """A compose project's named volumes on a host: name without the project -> when it was created."""
    line = f"docker volume ls --quiet --filter label={PROJECT_LABEL}={shlex.quote(project)}"
    inspect = "docker volume inspect --format '{{.Name}} {{.CreatedAt}}'"
    lines = ask(host, f"{line} | xargs -r {inspect}").splitlines()
    return {name.removeprefix(f"{project}_"): created for name, _, created in (line.partition(" ") for line in lines)}
