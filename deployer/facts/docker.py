"""What a host's Docker says of itself, its networks and its volumes. Containers and images are asked for elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar, Literal

from deployer.facts._engine_api import ENGINE
from deployer.frozen import dataclass
from deployer.model.release import PLUGIN_FOLDERS

DAEMON_JSON = "/etc/docker/daemon.json"

VENDOR_PACKAGES = ("docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin")
DISTRIBUTION_PACKAGES = (  # of any of them: those that have Docker's parts, or that Docker's own cannot stand beside
    "docker.io", "docker-cli", "docker-compose", "docker-compose-v2", "docker-buildx", "containerd", "runc",
    "moby-engine", "docker", "docker-engine", "docker-cli-compose", "docker-cli-buildx",
)  # fmt: skip

# A docker command is dear, and dearer where it hands over to a plugin: plugins are asked themselves, in the folders
# where the docker command looks for them; the daemon's own version is asked for only if it does not answer.
# podman-docker's `docker` is never run: it would make podman's folders. A package that is removed and not purged has
# no md5sums any more, so that no program has to ask dpkg.
_SCRIPT = """\
plugin() {
  for d in "${DOCKER_CONFIG:-${HOME:-}/.docker}" @FOLDERS@; do
    if [ -x "$d/cli-plugins/docker-$1" ]; then printf '%s\\n' "$d/cli-plugins/docker-$1"; return 0; fi
  done
  return 1
}
engine= state=stopped compose= buildx= place= unit= packages=
if ! command -v dockerd >/dev/null 2>&1; then
  d=$(command -v docker 2>/dev/null) || d=
  case $(readlink -f -- "$d" 2>/dev/null) in */podman) place=podman ;; esac
  if [ -n "$d" ] && head -c 512 "$d" 2>/dev/null | grep -q podman 2>/dev/null; then place=podman; fi
  if [ -e /snap/bin/docker ]; then place=snap; fi
fi
if [ "$place" != podman ] && command -v docker >/dev/null 2>&1; then
  said=$(engine /_ping 2>&1) || :
  case $said in
    HTTP/*' 200 '*[Ss]'erver: '*) state=running engine=${said#*[Ss]erver: } engine=${engine%%[!!-~]*} ;;
    *'permission denied'*) state=denied ;;
  esac
  p=$(plugin compose) || p='docker compose'
  compose=$($p version --short 2>/dev/null) || compose=
  if plugin buildx >/dev/null || docker buildx version >/dev/null 2>&1; then buildx=yes; fi
fi
if [ "$state" != running ] && command -v dockerd >/dev/null 2>&1; then
  engine=$(dockerd --version 2>/dev/null) || engine=unknown
fi
if command -v systemctl >/dev/null 2>&1; then
  unit=$(systemctl is-enabled docker.service 2>/dev/null) || :
elif [ -x /etc/init.d/docker ]; then
  unit=disabled
  for f in /etc/runlevels/*/docker /etc/rc[2345].d/S[0-9][0-9]docker; do if [ -e "$f" ]; then unit=enabled; fi; done
fi
names='@NAMES@'
if [ -d /var/lib/dpkg/info ]; then
  for n in $names; do if [ -e "/var/lib/dpkg/info/$n.md5sums" ]; then packages="$packages $n"; fi; done
elif [ -e /lib/apk/db/installed ]; then
  for n in $names; do if grep -qx "P:$n" /lib/apk/db/installed; then packages="$packages $n"; fi; done
elif command -v rpm >/dev/null 2>&1; then
  packages=$(rpm -q --qf '%{NAME} ' $names 2>/dev/null | sed 's/package [^ ]* is not installed//g' | tr '\\n' ' ')
fi
printf '%s\\n' "$state" "$engine" "$compose" "$buildx" "$unit" "$place" "$packages"
""".replace("@NAMES@", " ".join((*VENDOR_PACKAGES, *DISTRIBUTION_PACKAGES, "podman-docker"))).replace(
    "@FOLDERS@", " ".join(PLUGIN_FOLDERS)
)


@dataclass(frozen=True, kw_only=True)
class EngineSeen:
    """A host's Docker Engine and its plugins; a version is None where the part is not installed."""

    version: str | None = None  # of the server, as it names itself: 26.1.5+dfsg1
    running: bool = False  # it answered
    denied: bool = False  # there is one, and whoever asked may not talk to it
    compose: str | None = None
    buildx: bool = False  # it is installed; any version will do
    unit: str = ""  # what `systemctl is-enabled docker.service` says, or the like; empty: no such service
    place: Literal["", "snap", "podman"] = ""  # who is in Docker's place
    packages: tuple[str, ...] = ()  # those with parts of Docker

    @property
    def origin(self) -> Literal["docker", "distro"] | None:
        """Whose packages these are, Docker's own or the distribution's; None: there are none."""
        if {"docker-ce", "docker-ce-cli", "containerd.io"}.intersection(self.packages):
            return "docker"
        return "distro" if self.rivals else None

    @property
    def rivals(self) -> tuple[str, ...]:
        """Packages of the distribution's that Docker's own cannot stand beside."""
        return tuple(name for name in self.packages if name in DISTRIBUTION_PACKAGES)


@dataclass(frozen=True)
class DockerEngine:
    """Docker Engine, Compose v2 and buildx, judged by whether they answer, not by package names."""

    constant: ClassVar[bool] = False
    functions: ClassVar[str] = ENGINE

    def script(self) -> str:
        return _SCRIPT

    def parse(self, output: str, status: int) -> EngineSeen:
        lines = [line.strip() for line in output.split("\n")] + [""] * 7
        state, engine, compose, buildx, unit, place, packages = lines[:7]
        running = state == "running"
        server, _, version = engine.partition("/")  # Docker/26.1.5+dfsg1
        api = running and server == "Libpod"  # podman's service, asked by a real `docker`
        return EngineSeen(
            version=_version(version if running else engine), running=running,
            denied=state == "denied", compose=_version(compose), buildx=buildx == "yes",
            unit=unit if unit != "not-found" else "",
            place="podman" if api or place == "podman" else "snap" if place == "snap" else "",
            packages=tuple(packages.split()),
        )  # fmt: skip


def _version(text: str) -> str | None:
    """The version in what a program printed, `v` and name taken off; the whole text if there is no number in it."""
    found = re.search(r"(?:^|\s)v?(\d+\.\d[^\s,]*)", text)
    return found.group(1) if found else text or None


@dataclass(frozen=True, kw_only=True)
class LiveRestoreSeen:
    """How containers would take it if their engine was restarted."""

    enabled: bool = False  # they go on
    swarm: bool = False  # the engine is a node of a swarm, where that cannot be
    containers: int = 0  # that run


@dataclass(frozen=True)
class LiveRestore:
    """Whether containers go on without their engine; always an answer."""

    constant: ClassVar[bool] = False

    def script(self) -> str:
        return "docker info --format '{{.LiveRestoreEnabled}} {{.Swarm.LocalNodeState}} {{.ContainersRunning}}'"

    def parse(self, output: str, status: int) -> LiveRestoreSeen:
        enabled, swarm, containers, *_ = [*output.split(), "", "", ""]
        return LiveRestoreSeen(
            enabled=enabled == "true", swarm=swarm in ("active", "pending", "locked"),
            containers=int(containers) if containers.isdigit() else 0,
        )  # fmt: skip


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
