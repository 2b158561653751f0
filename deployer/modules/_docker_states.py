"""What `docker_engine` finds on a host and leaves to a person: each with what to do. docs/docker.md has the table."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from deployer.facts.docker import DAEMON_JSON, EngineSeen
from deployer.facts.system import OsSeen
from deployer.modules._daemon_json import MOVES_DATA
from deployer.modules._docker_service import INITS
from deployer.modules._docker_source import Wish
from deployer.modules._refusals import HostRefusedError


def check_place(engine: EngineSeen, wish: Wish) -> None:
    """Raise HostRefusedError where Docker may not be asked, or something else is in its place."""
    if engine.place == "podman":
        raise HostRefusedError(
            "`docker` is podman here, and podman is no Docker Engine",
            hint="remove podman-docker by hand (podman itself may stay), then run this again",
        )
    if engine.place == "snap" and wish != "existing":
        raise HostRefusedError(
            "Docker is a snap here, and a snap reads no project outside of home folders",
            hint="move to Docker's packages by hand (docs/docker.md); or take it as it is: docker_source: existing",
        )
    if engine.denied:
        raise HostRefusedError(
            "Docker is there, and this user may not talk to it", hint="say become: true in the play or task"
        )


def check_wish(os: OsSeen, engine: EngineSeen, wish: Wish, lacking: Mapping[str, str]) -> None:
    """Raise HostRefusedError where the engine is not the one that is asked for."""
    if wish == "existing" and lacking:
        raise HostRefusedError(
            f"{'; '.join(lacking.values())}: docker_source: existing installs nothing",
            hint="install it by hand, or say docker_source: auto (source: auto)",
        )
    if wish in ("docker", "distro") and engine.version is not None and engine.origin != wish:
        names = {"docker": "Docker's own", "distro": f"{os.name}'s", None: "of no package that this tool knows"}
        raise HostRefusedError(
            f"Docker Engine {engine.version} is {names[engine.origin]}, and {names[wish]} is asked for",
            hint="leave it as it is: docker_source: auto; or replace it by hand: docs/docker.md",
        )


def check_service(os: OsSeen, engine: EngineSeen) -> None:
    """Raise HostRefusedError where the engine cannot be started, or told of settings."""
    if os.init not in INITS:
        raise HostRefusedError(
            f"Docker Engine must be started here, and {os.init or 'process 1'} is neither systemd, OpenRC nor sysvinit",
            hint="install and start it by hand; a Docker that answers is left alone",
        )
    if engine.running and not engine.unit:
        raise HostRefusedError(
            "Docker Engine runs, and not as the service docker of this host (snap? rootless?)",
            hint="change it the way it was installed, and leave out daemon",
        )
    if not engine.running and engine.unit == "masked":
        raise HostRefusedError(
            "Docker Engine does not run, and docker.service is masked",
            hint="somebody wanted it so; if it shall run: systemctl unmask docker.service",
        )
    if not engine.running and engine.version is not None and not engine.unit:
        raise HostRefusedError(
            "Docker Engine does not run, and the host has no service docker to start it",
            hint="start it the way it was installed; a Docker that answers is left alone",
        )


def check_data(engine: EngineSeen, changed: Collection[str]) -> None:
    """Raise HostRefusedError where the engine would no longer find its volumes."""
    moved = MOVES_DATA.intersection(changed)
    if moved and engine.version is not None:
        raise HostRefusedError(
            f"{min(moved)} would change on a host that has a Docker Engine already: its volumes would seem empty",
            hint=f"move the data and set {min(moved)} in {DAEMON_JSON} by hand, then run this again",
        )


def shortfalls(engine: EngineSeen, minimum: str, compose_minimum: str) -> dict[str, str]:
    """The parts that are missing or too old, each with the reason."""
    found = {
        "engine": _shortfall("Docker Engine", engine.version, minimum),
        "compose": _shortfall("Docker Compose", engine.compose, compose_minimum),
        "buildx": None if engine.buildx else "buildx not found",
    }
    return {part: sentence for part, sentence in found.items() if sentence is not None}


def is_at_least(version: str | None, minimum: tuple[int, ...]) -> bool:
    """Whether a version is known, and not older."""
    return version is not None and _numbers(version) >= minimum


def _shortfall(name: str, version: str | None, minimum: str) -> str | None:
    """Why a part must be installed; None: it is there and new enough, or of a version without numbers."""
    if version is None:
        return f"{name} not found"
    has = _numbers(version)
    return f"{name} {version} is older than {minimum}" if has and has < _numbers(minimum) else None


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
