"""A small fleet for tests of the engine: this machine under several names, each with a folder, and tiny modules.

The shell is real, and so are templates and conditions; only what a project needs Docker for is left out.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, ClassVar

from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.engine import room
from deployer.engine.ports import Options, Questions, Session, Target
from deployer.engine.run import execute
from deployer.facts.lock import LastLease, LockHolder, RolloutState
from deployer.facts.releases import InstalledReleases
from deployer.model.action import Action, Outcome, Put, Script
from deployer.model.connection import Endpoint
from deployer.model.event import Event
from deployer.model.lock import Holder
from deployer.model.playbook import Playbook
from deployer.model.release import Release
from deployer.model.release_json import to_json
from deployer.model.report import Report, TaskResult
from deployer.protocols import Fact, Facts, Remote
from deployer.rollout.choose import choose_release
from deployer.transport.local import LocalRemote

HOLDER = Holder(run="0123456789abcdef", who="ann@laptop (pid 1)", since="2026-11-22T06:30:00Z", release="new")


@dataclass(frozen=True)
class Text:
    """A file's text; None if there is none."""

    constant: ClassVar[bool] = False

    path: str

    def script(self) -> str:
        return f"cat {shlex.quote(self.path)}"

    def parse(self, output: str, status: int) -> str | None:
        return output if status == 0 else None


@dataclass(frozen=True, kw_only=True)
class Write:
    """Write a file, if it has another text."""

    path: str
    text: str
    serves: bool = False

    def facts(self) -> tuple[Fact[Any], ...]:
        return (Text(self.path),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        if seen[Text(self.path)] != self.text:
            yield Put(path=self.path, content=self.text.encode(), because="it differs", serves=self.serves)


@dataclass(frozen=True, kw_only=True)
class Sh:
    """Run some shell, always."""

    free_form: ClassVar[str] = "cmd"

    cmd: str
    serves: bool = False
    release: Release | None = None

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield Script(text=self.cmd, label=f"sh {self.cmd}", because="told to", serves=self.serves)


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """Cannot plan: what it finds is in the way."""

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield from ()
        raise ValueError("a folder is in the way")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Ask the host something, and return what it said and what was at a path before."""

    cmd: str
    path: str = "/nonexistent"
    values: Mapping[str, Any] = field(default_factory=dict)

    def facts(self) -> tuple[Fact[Any], ...]:
        return (Text(self.path),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield Script(text=self.cmd, label="ask", because="told to", changes=False, answers=True)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        said = [(one.status, one.output) for one in done]
        return {"said": said, "before": seen[Text(self.path)], **self.values}


MODULES: Mapping[str, type[Any]] = {"write": Write, "sh": Sh, "refuse": Refuse, "ask": Ask}
PREPARE = """
    - name: Prepare
      hosts: all
      any_errors_fatal: true
      tasks:
        - {name: sync, sh: "echo {{ inventory_hostname }} sync >>{{ log }}"}
"""
SWITCH_ALONE = """
    - name: Switch
      hosts: all
      serial: 1
      any_errors_fatal: true
      tasks:
        - {name: up, sh: {cmd: "echo {{ inventory_hostname }} up >>{{ log }}", serves: true}}
        - {name: gate, sh: "[ ! -e {{ dir }}/broken ]"}
"""
SWITCH = f"{PREPARE.rstrip()}{SWITCH_ALONE}"
GATED_BACK = """
    - hosts: all
      any_errors_fatal: true
      serial: 1
      tasks:
        - {name: back, sh: "echo {{ inventory_hostname }} {{ release.id }} {{ release_state }} >>{{ log }}"}
        - {name: healthy, sh: "[ ! -e {{ dir }}/stays-broken ]"}
"""
DEFAULT_BACK = """
    - hosts: all
      tasks:
        - name: go back
          sh: {cmd: "echo {{ inventory_hostname }} back to {{ release.id }} {{ release_state }} >>{{ log }}"}
"""


@dataclass(kw_only=True)
class World:
    """Hosts a, b, c … in folders of their own; `log` is a file that all of them can write."""

    folder: Path
    names: tuple[str, ...] = ("a", "b", "c")
    serves: Mapping[str, str] = field(default_factory=dict)  # host -> release that it serves when the run begins
    releases: bool = True  # the run is about a release
    variables: Mapping[str, Any] = field(default_factory=dict)
    modules: Mapping[str, type[Any]] = field(default_factory=lambda: MODULES)
    remotes: Mapping[str, Remote] = field(default_factory=dict)  # instead of this machine
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        room.SYSTEMD = "/nonexistent"  # the watchdogs of these hosts are no services of this machine
        room.TRIES = 2  # … and give up soon
        for name in self.names:
            (self.folder / name).mkdir()
        for name, release in self.serves.items():
            self.install(name, release)

    @property
    def log(self) -> list[str]:
        """What hosts have logged, in order."""
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def dir(self, name: str) -> Path:
        return self.folder / name

    def root(self, name: str) -> str:
        return str(self.folder / name / "srv")

    def release(self, name: str, release_id: str) -> Release:
        return Release(id=release_id, project="shop", root=self.root(name), digest=release_id)

    def release_on(self, name: str, release_id: str) -> Release:
        """Let a host have a release."""
        release = self.release(name, release_id)
        Path(release.path).mkdir(parents=True)
        Path(release.path, "release.json").write_text(to_json(release))
        return release

    def install(self, name: str, release_id: str) -> None:
        """Let a host have a release, healthy and current."""
        release = self.release_on(name, release_id)
        Path(release.path, "healthy").write_text("")
        Path(release.root, "current").symlink_to(f"releases/{release_id}")

    def lock(self, name: str, *, token: int = 1, seconds: int = 60) -> Path:
        """Let another run hold a host."""
        lock = Path(self.root(name), f".deploy/lock.{token}")
        lock.mkdir(parents=True)
        (lock / "expires").write_text(f"{int(time.time()) + seconds}\n")
        other = Holder(run="fedcba9876543210", who="ben@ci (pid 7)", since="2026-11-22T06:00:00Z", release="r9")
        (lock / "holder").write_text(json.dumps(asdict(other)))
        return lock

    def playbook(self, text: str, name: str = "deploy.yml") -> Playbook:
        path = self.folder / name
        path.write_text(dedent(text))
        return load_playbook(path, self.modules)

    def target(self, name: str) -> Target:
        extra = {"inventory_hostname": name, "dir": str(self.dir(name)), "log": str(self.folder / "log")}
        return Target(
            remote=self.remotes.get(name) or LocalRemote(Endpoint(name=name, address="localhost", local=True)),
            fresh=lambda: self.remotes.get(name) or LocalRemote(Endpoint(name=name, address="localhost", local=True)),
            variables=self.variables,
            extra={**extra, "playbook_dir": str(self.folder)},
            wanted=self.release(name, "new") if self.releases else None,
        )

    def session(self, text: str, *, back: str | None = DEFAULT_BACK, **options: Any) -> Session:
        return Session(
            verb="deploy",
            environment="test",
            playbook=self.playbook(text),
            way_back=self.playbook(back, "rollback.yml") if back else None,
            targets=tuple(self.target(name) for name in self.names),
            language=Language(self.modules),
            questions=Questions(installed=InstalledReleases, lock=LockHolder, lease=LastLease, rollout=RolloutState),
            emit=self.events.append,
            holder=HOLDER,
            plays_on=lambda pattern: self.names if pattern == "all" else tuple(pattern.split(",")),
            choose=lambda wanted, seen, left: choose_release(wanted, seen),
            options=Options(**options),
        )

    def run(self, text: str, **options: Any) -> Report:
        return execute(self.session(text, **options))

    def of(self, kind: type[Event]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


def words(report: Report, host: str = "a") -> list[str]:
    """A host's results as `task: status`."""
    return [f"{one.task}: {one.status}" for one in report.results if one.host == host]


def result(report: Report, task: str, host: str = "a") -> TaskResult:
    (found,) = (one for one in report.results if (one.task, one.host) == (task, host))
    return found


def states(report: Report) -> dict[str, str]:
    return {outcome.host: str(outcome.state) for outcome in report.outcomes}


def held(world: World) -> list[str]:
    """The hosts with a lease that nobody has given back."""
    found = {name: sorted(Path(world.root(name), ".deploy").glob("lock.*")) for name in world.names}
    return [name for name, locks in found.items() if locks and not (locks[-1] / "released").exists()]
