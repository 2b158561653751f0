"""All that can be done to a host. Every action says `because`: the sentence that `--check` and the log show.

An action is a value: modules yield it, `engine.apply` performs it, `rollout.render` prints it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from deployer.frozen import dataclass
from deployer.model.release import Release
from deployer.model.tree import Tree

DEFAULT_TIMEOUT = 600.0


@dataclass(frozen=True, kw_only=True)
class Action:
    """One step on one host. Subclasses say what; `title` is the step as a person reads it."""

    because: str
    serves: bool = False  # it changes which release serves: the host then counts as touched and is put back on failure
    changes: bool = True  # False: it asks or waits, and a task that did only this is `ok`
    timeout: float = DEFAULT_TIMEOUT  # seconds
    hint: str | None = None  # what to type if it fails

    @property
    def title(self) -> str:
        raise TypeError(f"{type(self).__name__} does not say what it does")


@dataclass(frozen=True, kw_only=True)
class Run(Action):
    """Run one program; a status other than 0 (or those in `also_ok`) is a failure."""

    argv: tuple[str, ...]
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    also_ok: tuple[int, ...] = ()
    stdin: str | None = None  # may hold secrets: it travels on the connection, never in argv
    secret: bool = False  # its output is kept out of every report
    answers: bool = False  # its output is for the module to read, not for people
    apart: bool = False  # its two streams are told apart; stderr then comes when it has ended
    label: str = ""  # a shorter form of argv for people

    @property
    def title(self) -> str:
        return self.label or shlex.join(self.argv)


def run(*argv: str, because: str, cwd: str | None = None, serves: bool = False, **rest: object) -> Run:
    """A Run of this argv."""
    return Run(argv=argv, because=because, cwd=cwd, serves=serves, **rest)  # type: ignore[arg-type]


def compose_run(release: Release, *argv: str, because: str, **rest: Any) -> Run:
    """Docker Compose with a release's own files and environment; people are shown it without those options."""
    label = shlex.join(("docker", "compose", *argv))
    return Run(argv=(*release.compose(), *argv), label=label, because=because, **rest)


@dataclass(frozen=True, kw_only=True)
class Script(Action):
    """Run a piece of POSIX shell under `set -eu`; whoever writes it quotes every value that it holds."""

    text: str
    label: str  # what it does, as an imperative: "install docker.io docker-compose"
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    also_ok: tuple[int, ...] = ()
    secret: bool = False
    answers: bool = False  # its output is for the module to read, not for people
    apart: bool = False  # its two streams are told apart; stderr then comes when it has ended

    @property
    def title(self) -> str:
        return self.label


@dataclass(frozen=True, kw_only=True)
class Put(Action):
    """Write a file whole: to a temporary name beside it, then renamed over it."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str | None = None  # "user" or "user:group"; None: who runs the task
    secret: bool = False  # its content is kept out of every report
    validate: tuple[
        str, ...
    ] = ()  # a program that must accept the new file before it is in its place; `%s` is its path
    before: bytes | None = None  # what the host has now, for --diff; None: no such file

    @property
    def title(self) -> str:
        return f"write {self.path} ({len(self.content)} bytes, mode {self.mode:04o})"


@dataclass(frozen=True, kw_only=True)
class Link(Action):
    """Point a symbolic link at a target, atomically: made under a temporary name and renamed."""

    path: str
    target: str

    @property
    def title(self) -> str:
        return f"link {self.path} -> {self.target}"


@dataclass(frozen=True, kw_only=True)
class Sync(Action):
    """Bring a new release folder to the host: unchanged files as hard links, changed bytes in one stream."""

    source: str  # the project folder here
    tree: Tree
    release: Release
    files: Mapping[str, tuple[bytes, int]] = field(
        default_factory=dict, repr=False
    )  # beside the tree: name -> content, mode; may hold secrets
    base: str | None = None  # id of the release on the host whose files may be linked
    parts: tuple[str, ...] = ()  # folders beside it, which transfers that were interrupted have left

    @property
    def title(self) -> str:
        return f"sync {len(self.tree.entries)} entries to {self.release.path}"


@dataclass(frozen=True, kw_only=True)
class HttpCheck:
    """A request whose answer must have this status and, if given, this text."""

    url: str
    status: int = 200
    contains: str | None = None
    asked_from: Literal["host", "control"] = "host"  # the host itself, or the machine where `deploy` runs
    requests: int = 1  # at each look
    max_error_share: float = 0.0  # of the answers while the release bakes; 0: none may be wrong
    max_p95: float | None = None  # seconds that 95 of 100 answers may take; None: any


@dataclass(frozen=True, kw_only=True)
class Watch(Action):
    """Sample the project's containers until the verdict is in: all services up and healthy for `bake` seconds."""

    release: Release
    bake: float = 10.0  # seconds
    patience: float = 120.0  # seconds until every service must have become healthy
    interval: float = 1.0  # seconds between samples
    http: HttpCheck | None = None

    @property
    def title(self) -> str:
        return f"watch {self.release.project} for {self.bake:g} s"


@dataclass(frozen=True, kw_only=True)
class Pause(Action):
    """Wait on this machine: for some seconds, or until a person says to go on."""

    changes: bool = False
    seconds: float | None = None
    prompt: str = ""  # instead of seconds, or said while they pass
    echo: bool = True  # show what the person types

    @property
    def title(self) -> str:
        return f"wait for a person: {self.prompt}" if self.seconds is None else f"wait {self.seconds:g} s"


@dataclass(frozen=True, kw_only=True)
class Fetch(Action):
    """Bring a file of the host to this machine."""

    path: str
    dest: str  # absolute path here; folders on the way are made
    sha1: str  # of the content that was seen

    @property
    def title(self) -> str:
        return f"fetch {self.path} to {self.dest}"


@dataclass(frozen=True, kw_only=True)
class Reconnect(Action):
    """Make the connection anew until the host answers, and `asks` what it is; `timeout` seconds at most.

    With `unlike`, an answer that is still the same does not count: the host has not been restarted yet.
    """

    changes: bool = False
    delay: float = 0.0  # seconds before the first try
    sleep: float = 1.0  # seconds between two tries
    connect_timeout: float = 5.0  # seconds for one try
    asks: str = ""  # POSIX shell; it must end well
    unlike: str | None = None  # what it printed before, without the last newline

    @property
    def title(self) -> str:
        return "wait until the host has been restarted" if self.unlike is not None else "wait until the host answers"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An action as its module sees it afterwards."""

    action: Action
    status: int | None = 0  # of its program; None: it was planned, and check mode performs nothing
    output: str = ""
    errors: str = ""  # stderr, where it is told apart
    seconds: float = 0.0  # that waiting has taken
