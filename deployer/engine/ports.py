"""What the engine is given by whoever starts it: the language, the questions of its own, the options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from threading import Event as Flag
from typing import Any, Protocol

from deployer.errors import NOWHERE, Place
from deployer.frozen import dataclass
from deployer.model.action import Put
from deployer.model.event import Event
from deployer.model.lock import Holder
from deployer.model.playbook import Play, Playbook, Step, Task
from deployer.model.release import Installed, Release
from deployer.model.rollout import OpenRollout
from deployer.model.vars_source import VarsSource
from deployer.protocols import Fact, Module, Remote
from deployer.rollout.decide import OnFailure

Emit = Callable[[Event], None]
Ask = Callable[[str, bool, Flag], str]  # a prompt, whether to show what is typed, when to give up -> what was typed
Variables = Mapping[str, Any]


Choose = Callable[
    [Mapping[str, Release], Mapping[str, Installed], Mapping[str, OpenRollout]], Mapping[str, Release]
]  # what is wanted, what hosts have, what is open on them -> the release of each host


class Language(Protocol):
    """Templates and conditions to values; every method raises PlaybookError with the place."""

    def render(self, value: Any, variables: Variables, *, place: Place = NOWHERE) -> Any: ...

    def render_file(self, text: str, variables: Variables, *, place: Place = NOWHERE, **options: Any) -> str: ...

    def decrypted(self, content: bytes, path: str) -> bytes:
        """A file's content, opened if it is encrypted; raises VaultError if it cannot be."""
        ...

    def test(self, conditions: tuple[str | bool, ...], variables: Variables, *, place: Place = NOWHERE) -> bool: ...

    def literal(self, value: Any) -> Any:
        """The same value, never to be taken for a template: for what hosts say."""
        ...

    def keep_out(self, value: Any) -> None:
        """What a value holds is a secret from now on: no output shows it."""
        ...

    def keep_out_named(self, value: Any) -> None:
        """The same for what is a secret by its name."""
        ...

    def included(self, task: Task, file: str, variables: Variables, *, handlers: bool = False) -> tuple[Step, ...]:
        """The steps of a file that a task includes, with these variables for the tasks in it."""
        ...

    def load_vars(
        self, source: VarsSource, folder: str, *, place: Place = NOWHERE
    ) -> tuple[Variables, tuple[str, ...]]:
        """The variables of files in or below a folder, templates as they are, and the files."""
        ...

    def bind(self, task: Task, variables: Variables, *, args: Mapping[str, Any] | None = None) -> Module: ...


@dataclass(frozen=True, kw_only=True)
class Questions:
    """The facts that the engine asks for itself."""

    installed: Callable[[str], Fact[Installed]]  # of a project's root folder
    lock: Callable[[str], Fact[Holder | None]]
    lease: Callable[[str], Fact[int]]  # the number of the last one
    rollout: Callable[[str], Fact[OpenRollout | None]]
    host: Fact[Mapping[str, Any]] | None = None  # what a host is; None: no template asks for it


@dataclass(frozen=True, kw_only=True)
class Target:
    """One host of a run: how it is reached, what it is told, and the release that it shall have."""

    remote: Remote
    variables: Variables  # defaults, groups, host, in Ansible's order: plays and tasks may override them
    extra: Variables  # -e and magic variables: nothing overrides them
    wanted: Release | None = None  # None: this run is about no release
    become: bool = False  # ansible_become
    learnt: dict[str, Any] = field(default_factory=dict)  # what the run registers on it, for `hostvars`
    facts: dict[str, Any] = field(default_factory=dict)  # what the host has told of itself, under Ansible's names
    vars_files: Callable[[Play], Variables] = lambda play: {}  # what the files that a play names say for this host
    fresh: Callable[[], Remote] | None = None  # another connection to the same host, for what must be seen anew
    confirm_timeout: int = 300  # seconds after which a switch that nobody confirms undoes itself
    lock_ttl: int = 60  # seconds for which a lease is good

    @property
    def name(self) -> str:
        return self.remote.name


class Roster(Protocol):
    """The hosts and groups of a run, of which tasks may make more; safe for several threads."""

    def on(self, pattern: str, doubt: Callable[[str], None]) -> tuple[str, ...]:
        """The hosts of this run that a pattern means, in order; what matches nothing is told to `doubt`."""
        ...

    def add(self, host: str, groups: Sequence[str], variables: Variables) -> bool:
        """Let a host take part; False if it did already, so. Raises ConfigError for what cannot be a host or group."""
        ...

    def join(self, host: str, group: str, parents: Sequence[str]) -> bool:
        """Put a host into a group; False if it was there already."""
        ...

    def target(self, name: str) -> Target:
        """A host that was added; raises InventoryError for what is wrong with its variables."""
        ...

    def renewed(self, target: Target) -> Target:
        """The same host, told what it is now told."""
        ...

    def fork(self) -> Roster:
        """A copy that grows for itself."""
        ...


@dataclass(frozen=True, kw_only=True)
class Options:
    check: bool = False
    rehearsal: bool = False  # nothing may be done, whatever a task says
    diff: Callable[[Put], str] | None = None  # renders a file's change; None: not asked for
    differ: Callable[[Put], str] | None = None  # the same, for tasks that ask for it themselves
    tags: frozenset[str] = frozenset()
    skip_tags: frozenset[str] = frozenset()
    forks: int = 16
    lock_wait: float = 0  # seconds
    pause_after: int | None = None  # stop, with what is switched serving, after so many batches
    on_failure: OnFailure = "rollback"
    step: bool = False  # a person is asked before each task
    ask: Ask | None = None  # a person at a terminal; None: there is none


@dataclass(frozen=True, kw_only=True)
class Session:
    """All that one run needs, put together once, by the command line."""

    verb: str
    environment: str
    playbook: Playbook
    targets: tuple[Target, ...]
    language: Language
    questions: Questions
    emit: Emit
    holder: Holder
    plays_on: Callable[[str], tuple[str, ...]]  # a play's host pattern -> names, in order
    choose: Choose
    roster: Roster | None = None  # where tasks may add hosts and groups; None: nowhere
    delegate: Callable[[str], Target] | None = None  # a host that tasks are delegated to, in the run or not
    going_on: bool = False  # this run finishes or undoes a rollout that another one has left
    undoes: bool = False  # … and undoes it: the playbook is not walked
    way_back: Playbook | None = None  # what is run on touched hosts when something fails
    options: Options = field(default_factory=Options)
    ahead: Callable[[], object] = lambda: None  # what a change will need, got ready while hosts are at work

    @property
    def is_rollout(self) -> bool:
        """Whether hosts are to get releases; if not, plays are run as Ansible runs them."""
        return any(target.wanted for target in self.targets)
