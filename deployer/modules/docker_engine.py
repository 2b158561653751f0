"""`docker_engine`: Docker Engine, Compose v2 and buildx are there, run, and start at boot.

Who may talk to the engine is left as it is: no user is added to a group. Nothing is ever removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.facts.docker import DAEMON_JSON, DaemonJson, DockerEngine, EngineSeen
from deployer.facts.files import FileState
from deployer.facts.system import Os, OsSeen
from deployer.model.action import Action, Put, Script, run
from deployer.modules._daemon_json import (
    MOVES_DATA,
    RELOADABLE,
    changed_keys,
    merge,
    parse_settings,
    render_settings,
    with_rotation,
)
from deployer.modules._docker_packages import ENV, INSTALL_TIMEOUT, distribution_packages, install_script
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_VALIDATES = (23, 0)  # the engine's version from which `dockerd --validate` exists

_AWAIT = """\
left=60
until docker version >/dev/null 2>&1; do
  left=$((left - 1))
  if [ "$left" -le 0 ]; then
    docker version >&2 || :
    journalctl --unit docker --lines 20 --no-pager >&2 || :
    exit 1
  fi
  sleep 1
done
"""


@module("docker_engine")
@dataclass(frozen=True, kw_only=True)
class DockerEngineInstalled:
    """Make sure that Docker Engine, Compose v2 and buildx are installed, run, and start at boot.

    What is missing or too old comes from the distribution's packages; what is there and new enough is left alone,
    wherever it came from. On a host where the engine does not run yet, container logs are rotated at 3 × 10 MB
    unless its daemon.json says anything about logs; a running engine is never restarted for that.

    Examples:
        - name: Docker Engine runs, and asks our mirror first
          docker_engine:
            daemon:
              registry-mirrors: ["https://mirror.example"]
              log-opts: {max-file: 3}
    """

    minimum: str = "20.10"  # oldest Docker Engine that is left alone; in quotes, YAML would make a number of it
    compose_minimum: str = "2.17"  # oldest Compose that is left alone; in quotes
    daemon: Mapping[str, Any] = field(default_factory=dict)  # merged over the host's daemon.json, whose keys stay
    packages: tuple[str, ...] = ()  # installed if any part is missing; default: the distribution's names for it

    def __post_init__(self) -> None:
        for key, value in (("minimum", self.minimum), ("compose_minimum", self.compose_minimum)):
            if not re.fullmatch(r"\d+(\.\d+)*", value):
                raise ArgumentRefusedError(f"{key}: {value!r} is no version", hint=f'write it as {key}: "24.0"')
        for name in self.packages:
            if not re.fullmatch(r"[a-z0-9][a-z0-9+.:-]*(=[A-Za-z0-9.+:~-]+)?", name):
                raise ArgumentRefusedError(f"packages: {name!r} is no package", hint="write names as apt knows them")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (Os(), DockerEngine(), DaemonJson(), FileState(DAEMON_JSON))

    def plan(self, seen: Facts) -> Iterator[Action]:
        os, engine = seen[Os()], seen[DockerEngine()]
        if engine.denied:
            raise HostRefusedError(
                "Docker is there, and this user may not talk to it", hint="say become: true in the play or task"
            )
        lacking = self._lacking(engine)
        wanted, changed = self._settings(seen[DaemonJson()], engine)
        if not (lacking or changed or not engine.running or engine.unit == "disabled"):
            return
        if changed or not engine.running:
            _check_systemd(os, engine)
            _check_data(engine, changed)
        if changed:
            yield from self._plan_daemon_json(seen, wanted, changed)
        if lacking:
            yield self._plan_install(os, lacking)
        yield from _plan_start(engine, lacking, changed)

    def _lacking(self, engine: EngineSeen) -> dict[str, str]:
        """The parts that must be installed, each with the reason."""
        return {
            part: sentence
            for part, sentence in (
                ("engine", _shortfall("Docker Engine", engine.version, self.minimum)),
                ("compose", _shortfall("Docker Compose", engine.compose, self.compose_minimum)),
                ("buildx", None if engine.buildx else "buildx not found"),
            )
            if sentence is not None
        }

    def _settings(self, text: str | None, engine: EngineSeen) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The settings as they should be, and which of them differ from the host's."""
        foreign = engine.running and not engine.unit
        if foreign and not self.daemon:
            return {}, ()  # not started by systemd's docker.service: its settings may be anywhere
        has = parse_settings(text)
        wanted = merge(has, self.daemon)
        if not engine.running:
            wanted = with_rotation(wanted)
        return wanted, changed_keys(has, wanted)

    def _plan_daemon_json(self, seen: Facts, wanted: Mapping[str, Any], changed: tuple[str, ...]) -> Iterator[Action]:
        engine, has, found = seen[DockerEngine()], seen[DaemonJson()], seen[FileState(DAEMON_JSON)]
        text = render_settings(wanted)
        if engine.version is not None and _numbers(engine.version) >= _VALIDATES:
            yield run(
                "dockerd", "--validate", "--config-file=/dev/stdin", stdin=text,
                because="with settings that it refuses the engine would not start again",
            )  # fmt: skip
        before = None if has is None else has.encode(errors="surrogateescape")
        when = "not set as wanted" if engine.running else "to be set before the engine starts"
        because = f"{', '.join(changed)} {'is' if len(changed) == 1 else 'are'} {when}"
        mode = found.mode if found is not None and found.kind == "file" else 0o644
        yield Put(
            path=DAEMON_JSON, content=text.encode(errors="surrogateescape"), mode=mode, before=before, because=because
        )

    def _plan_install(self, os: OsSeen, lacking: Mapping[str, str]) -> Script:
        if os.packages != "apt":
            raise HostRefusedError(
                f"{next(iter(lacking.values()))}, and {os.name} has no apt to install it with",
                hint="install it by hand: docs.docker.com/engine/install",
            )
        packages = self.packages or distribution_packages(os, tuple(lacking))
        return Script(
            label=f"install {' '.join(packages)}", because="; ".join(lacking.values()), env=ENV,
            text=install_script(packages, {"engine": self.minimum, "compose": self.compose_minimum}),
            timeout=INSTALL_TIMEOUT,
        )  # fmt: skip


def _plan_start(engine: EngineSeen, lacking: Mapping[str, str], changed: tuple[str, ...]) -> Iterator[Action]:
    """Enable and start, or take the settings over; then wait until the engine answers."""
    if not engine.running:
        because = "Docker Engine does not run" if engine.version else "Docker Engine is to run, and to start at boot"
        yield run("systemctl", "enable", "--now", "docker", because=because)
    elif engine.unit == "disabled":
        yield run("systemctl", "enable", "docker", because="Docker Engine would not start at boot")
    if engine.running and changed:
        verb = "reload" if RELOADABLE.issuperset(changed) else "restart"
        how = "takes these settings over as it runs" if verb == "reload" else "reads these settings only as it starts"
        yield run("systemctl", verb, "docker", because=f"the engine {how}: {', '.join(changed)}")
    if changed or lacking or not engine.running:
        yield Script(text=_AWAIT, label="wait until Docker Engine answers", because="what comes next talks to it")


def _check_systemd(os: OsSeen, engine: EngineSeen) -> None:
    if os.init != "systemd":
        raise HostRefusedError(
            f"Docker Engine must be started here, and {os.init or 'process 1'} is not systemd",
            hint="install and start it by hand; a Docker that answers is left alone",
        )
    if engine.running and not engine.unit:
        raise HostRefusedError(
            "Docker Engine runs, and not as systemd's docker.service (snap? rootless?)",
            hint="change it the way it was installed, and leave out daemon",
        )


def _check_data(engine: EngineSeen, changed: tuple[str, ...]) -> None:
    moved = MOVES_DATA.intersection(changed)
    if moved and engine.version is not None:
        raise HostRefusedError(
            f"{min(moved)} would change on a host that has a Docker Engine already: its volumes would seem empty",
            hint=f"move the data and set {min(moved)} in {DAEMON_JSON} by hand, then run this again",
        )


def _shortfall(name: str, version: str | None, minimum: str) -> str | None:
    """Why a part must be installed; None: it is there and new enough, or of a version without numbers."""
    if version is None:
        return f"{name} not found"
    has = _numbers(version)
    return f"{name} {version} is older than {minimum}" if has and has < _numbers(minimum) else None


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
