"""What a host's Docker says of itself, its networks and its volumes. Containers and images are asked for elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

DAEMON_JSON = "/etc/docker/daemon.json"

# A docker command costs 30 to 60 ms, twice that where it hands over to a plugin: plugins are asked themselves, in the
# folders where the docker command looks for them; the daemon's own version is asked for only if it does not answer.
_ENGINE = """\
plugin() {
  for d in "${DOCKER_CONFIG:-${HOME:-}/.docker}" /usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker \\
    /usr/libexec/docker; do
    if [ -x "$d/cli-plugins/docker-$1" ]; then printf '%s\\n' "$d/cli-plugins/docker-$1"; return 0; fi
  done
  return 1
}
engine= state=stopped compose= buildx=
if command -v docker >/dev/null 2>&1; then
  if engine=$(docker version --format '{{.Server.Version}}' 2>&1); then
    state=running
  else
    case $engine in *'permission denied'*) state=denied ;; esac
    engine=
  fi
  p=$(plugin compose) || p='docker compose'
  compose=$($p version --short 2>/dev/null) || compose=
  if plugin buildx >/dev/null || docker buildx version >/dev/null 2>&1; then buildx=yes; fi
fi
if [ "$state" != running ] && command -v dockerd >/dev/null 2>&1; then
  engine=$(dockerd --version 2>/dev/null) || engine=unknown
fi
unit=$(systemctl is-enabled docker.service 2>/dev/null) || :
printf '%s\\n' "$state" "$engine" "$compose" "$buildx" "$unit"
"""


@dataclass(frozen=True, kw_only=True)
class EngineSeen:
    """A host's Docker Engine and its plugins; a version is None where the part is not installed."""

    version: str | None = None  # of the server, as it names itself: 26.1.5+dfsg1
    running: bool = False  # it answered
    denied: bool = False  # there is one, and whoever asked may not talk to it
    compose: str | None = None
    buildx: bool = False  # it is installed; any version will do
    unit: str = ""  # what `systemctl is-enabled docker.service` says; empty: no such unit, or no systemd


@dataclass(frozen=True)
class DockerEngine:
    """Docker Engine, Compose v2 and buildx, judged by whether they answer, not by package names."""

    constant: ClassVar[bool] = False

    def script(self) -> str:
        return _ENGINE

    def parse(self, output: str, status: int) -> EngineSeen:
        state, engine, compose, buildx, unit = ([line.strip() for line in output.split("\n")] + [""] * 5)[:5]
        return EngineSeen(
            version=_version(engine), running=state == "running", denied=state == "denied",
            compose=_version(compose), buildx=buildx == "yes", unit=unit if unit != "not-found" else "",
        )  # fmt: skip


def _version(text: str) -> str | None:
    """The version in what a program printed, `v` and name taken off; the whole text if there is no number in it."""
    found = re.search(r"(?:^|\s)v?(\d+\.\d[^\s,]*)", text)
    return found.group(1) if found else text or None


@dataclass(frozen=True)
class DaemonJson:
    """The engine's daemon.json as raw text; None if there is none."""

    constant: ClassVar[bool] = False

    def script(self) -> str:
        return f"[ -e {DAEMON_JSON} ] || exit 1\ncat {DAEMON_JSON}"

    def parse(self, output: str, status: int) -> str | None:
        return output if status == 0 else None


@dataclass(frozen=True, kw_only=True)
class NetworkSeen:
    """A Docker network as the engine describes it."""

    driver: str = "bridge"
    internal: bool = False
    attachable: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DockerNetwork:
    """The network of this name; None if there is none, or no Docker that answers."""

    constant: ClassVar[bool] = False

    name: str

    def script(self) -> str:
        return _inspect("network", self.name, ("Name", "Driver", "Internal", "Attachable", "Labels"))

    def parse(self, output: str, status: int) -> NetworkSeen | None:
        raw = _named(output, status, self.name)
        if raw is None:
            return None
        return NetworkSeen(
            driver=raw["Driver"], internal=raw["Internal"], attachable=raw["Attachable"], labels=raw["Labels"] or {}
        )


@dataclass(frozen=True, kw_only=True)
class VolumeSeen:
    """A Docker volume as the engine describes it."""

    driver: str = "local"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DockerVolume:
    """The volume of this name; None if there is none, or no Docker that answers."""

    constant: ClassVar[bool] = False

    name: str

    def script(self) -> str:
        return _inspect("volume", self.name, ("Name", "Driver", "Labels"))

    def parse(self, output: str, status: int) -> VolumeSeen | None:
        raw = _named(output, status, self.name)
        return None if raw is None else VolumeSeen(driver=raw["Driver"], labels=raw["Labels"] or {})


def _inspect(kind: str, name: str, keys: tuple[str, ...]) -> str:
    """Shell that prints some keys of a Docker object as JSON; status 1 without Docker."""
    template = "{" + ",".join(f'"{key}":{{{{json .{key}}}}}' for key in keys) + "}"
    return (
        "command -v docker >/dev/null 2>&1 || exit 1\n"
        f"docker {kind} inspect --format {shlex.quote(template)} -- {shlex.quote(name)} 2>/dev/null"
    )


def _named(output: str, status: int, name: str) -> dict[str, Any] | None:
    """What inspect printed, if it is about the thing of this name: the engine also takes the start of an ID for one."""
    if status != 0 or not output.strip():
        return None
    raw: dict[str, Any] = json.loads(output)
    return raw if raw["Name"] == name else None
