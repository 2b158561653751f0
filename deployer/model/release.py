"""A release: one state of a project on a host, with everything that going back to it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from deployer.frozen import dataclass

DEFAULT_RETRIES = 3  # the Engine's, for health checks
FORMAT = 1  # of release.json and of the folder's layout; a part of every digest


_HEALTH = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)$")  # in "Up 5 minutes (healthy)"
PROJECT_LABEL = "com.docker.compose.project"  # on all that Compose makes for a project
PLUGIN_FOLDERS = (  # where docker looks for its plugins, below a folder of the user's own
    "/usr/local/lib/docker", "/usr/local/libexec/docker", "/usr/lib/docker", "/usr/libexec/docker",
)  # fmt: skip
# `docker compose` starts three large programs to run one: itself, the plugin to learn that it is one, and the plugin
_COMPOSE = (
    f'for d in "${{DOCKER_CONFIG:-${{HOME-}}/.docker}}" {" ".join(PLUGIN_FOLDERS)}; do '
    'p=$d/cli-plugins/docker-compose; [ ! -x "$p" ] || exec "$p" "$@"; done; exec docker compose "$@"'
)


@dataclass(frozen=True, kw_only=True)
class Release:
    """What release.json says. Secrets are not in it: only their effect on the digest."""

    id: str  # 20261122T063000Z-3f9a2c1
    project: str  # the compose project name
    root: str  # deploy_root/deploy_project
    digest: str = ""  # of tree, compose settings and environment: equal means there is nothing to bring
    compose_files: tuple[str, ...] = ()  # relative to the tree
    profiles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()  # that this host runs
    built: tuple[str, ...] = ()  # of `services`, those with a `build` section
    support: tuple[str, ...] = ()  # of `services`, those that others depend on and that are not built here
    images: Mapping[str, str] = field(
        default_factory=dict
    )  # service -> image that the compose files name (pulled ones)
    whole: bool = True  # this host runs every service of the project
    networks: tuple[str, ...] = ()  # external ones, by name: created if missing
    volumes: tuple[str, ...] = ()  # external ones, by name
    mounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # service -> what it writes to: `volume:/target` by the volume's real name, `/folder:/target`, `:/target` anonymous
    data_directories: Mapping[str, str] = field(default_factory=dict)  # service -> where its environment puts the data
    ports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # service -> what it publishes on the host: `127.0.0.1:8000/tcp`, without an address on all of them
    subnets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # network by its real name -> subnets
    environment: str = ""  # that it was deployed for: the inventory's name
    commit: str | None = None
    dirty: bool = False
    branch: str | None = None
    by: str = ""  # user@machine
    created: str = ""  # RFC 3339, UTC
    tool: str = ""

    @property
    def path(self) -> str:
        return f"{self.root}/releases/{self.id}"

    @property
    def tree_path(self) -> str:
        """The synced tree; the tool's own files lie beside it, so no build context ever holds a secret."""
        return f"{self.path}/project"

    def compose(self) -> tuple[str, ...]:
        """The argv of Docker Compose that means this release, to be followed by a sub-command."""
        files = [f"{self.tree_path}/{name}" for name in self.compose_files] + [f"{self.path}/compose.release.yaml"]
        return (
            "sh", "-c", _COMPOSE, "compose", "--project-name", self.project,
            "--project-directory", self.tree_path,
            "--env-file", f"{self.tree_path}/.env", "--env-file", f"{self.path}/.env",
            *(part for name in files for part in ("--file", name)),
            *(part for name in self.profiles for part in ("--profile", name)),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The releases of one project on one host, as a look finds them."""

    root: str
    current: str | None = None  # id that the `current` link names
    releases: Mapping[str, Release] = field(default_factory=dict)  # by id, oldest first
    healthy: frozenset[str] = frozenset()  # ids that a gate has passed
    failed: frozenset[str] = frozenset()  # ids that were put back
    pins: Mapping[str, str] = field(default_factory=dict)  # the current release's service -> pinned image
    pinned: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # the same of every release, by id
    hashes: Mapping[str, str] = field(default_factory=dict)  # the current release's service -> compose config hash
    parts: tuple[str, ...] = ()  # folders that interrupted transfers have left

    @property
    def serving(self) -> Release | None:
        return self.releases.get(self.current) if self.current else None

    @property
    def fallback(self) -> Release | None:
        """What a rollout that fails goes back to: what serves, unless that was put back and only its link is left."""
        serving = self.serving
        return self.last_healthy(serving.id) if serving and serving.id in self.failed else serving

    def last_healthy(self, before: str) -> Release | None:
        """The newest release before another one that a gate has passed and that did not fail later."""
        ids = [one for one in self.healthy - self.failed if one < before and one in self.releases]
        return self.releases[max(ids)] if ids else None


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of a project, as the Engine API describes it."""

    id: str
    name: str
    service: str
    state: str  # created, running, restarting, exited, dead, paused
    health: str | None = None  # starting, healthy, unhealthy; None: no health check
    exit_code: int = 0
    restarts: int = 0
    restart_policy: str = "no"
    started_at: str = ""
    image: str = ""
    config_hash: str = ""
    oneoff: bool = False
    health_log: str = ""  # the last health check's output
    fell_at: tuple[str, ...] = ()  # when it became unhealthy, as far as the Engine remembers: its last five checks

    @classmethod
    def from_list(cls, raw: Mapping[str, Any]) -> Container:
        """From an item of GET /containers/json of the Engine API: one that runs, of which that says enough."""
        labels, health = raw.get("Labels") or {}, _HEALTH.search(raw.get("Status", ""))
        return cls(
            id=raw["Id"],
            name=next((name for name in raw.get("Names") or () if name.count("/") == 1), "/?")[1:],  # others are links
            service=labels.get("com.docker.compose.service", ""),
            state=raw["State"],
            health=health[1] if health else None,
            image=raw.get("Image", ""),
            config_hash=labels.get("com.docker.compose.config-hash", ""),
            oneoff=labels.get("com.docker.compose.oneoff", "False") == "True",
        )

    @classmethod
    def from_inspect(cls, raw: Mapping[str, Any]) -> Container:
        """From GET /containers/{id}/json of the Engine API."""
        state, labels = raw["State"], raw["Config"].get("Labels") or {}
        health = state.get("Health") or {}
        log = health.get("Log") or []
        return cls(
            id=raw["Id"],
            name=raw["Name"].lstrip("/"),
            service=labels.get("com.docker.compose.service", ""),
            state=state["Status"],
            health=health.get("Status") if health.get("Status") not in (None, "none", "") else None,
            exit_code=state.get("ExitCode", 0),
            restarts=raw.get("RestartCount", 0),
            restart_policy=(raw.get("HostConfig", {}).get("RestartPolicy") or {}).get("Name") or "no",
            started_at=state.get("StartedAt", ""),
            image=raw["Config"].get("Image", ""),
            config_hash=labels.get("com.docker.compose.config-hash", ""),
            oneoff=labels.get("com.docker.compose.oneoff", "False") == "True",
            health_log=(log[-1].get("Output", "") if log else ""),
            fell_at=_falls(log, (raw["Config"].get("Healthcheck") or {}).get("Retries") or DEFAULT_RETRIES),
        )


def _falls(log: Sequence[Mapping[str, Any]], retries: int) -> tuple[str, ...]:
    """The ends of the checks with which as many had failed in a row as make a container unhealthy."""
    found, failed = [], 0
    for check in log:
        failed = failed + 1 if check.get("ExitCode") else 0
        if failed == retries:
            found.append(str(check.get("End", "")))
    return tuple(found)
