"""What happens during a run, as values. The engine emits them in order; a Reporter turns them into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from deployer.frozen import dataclass
from deployer.model.report import Report, TaskResult


@dataclass(frozen=True, kw_only=True)
class Event:
    """The root; every event is complete in itself."""


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    verb: str  # deploy, provision, rollback
    environment: str
    hosts: tuple[str, ...]
    check: bool = False
    release: str | None = None


@dataclass(frozen=True, kw_only=True)
class HostDoing(Event):
    """What a host is doing now, for the live view: "connecting", "looking", an action's title."""

    host: str
    doing: str


@dataclass(frozen=True, kw_only=True)
class HostConnected(Event):
    host: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class HostUnreachable(Event):
    host: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Retrying(Event):
    """Something passing stands in the way: the dpkg lock, a busy sshd; or a task is not yet as `until` wants it."""

    host: str
    message: str
    left: int | None = None  # tries that a task still has
    result: TaskResult | None = None  # … and how its last one ended


@dataclass(frozen=True, kw_only=True)
class PlayStarted(Event):
    play: str
    hosts: tuple[str, ...]  # none: the play is passed over


@dataclass(frozen=True, kw_only=True)
class BatchStarted(Event):
    number: int  # from 1
    of: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TaskStarted(Event):
    task: str
    hosts: tuple[str, ...]
    handler: bool = False
    module: str = ""


@dataclass(frozen=True, kw_only=True)
class MetaDone(Event):
    """A `meta` task had its turn on a host; `skipped` says why it did nothing."""

    host: str
    task: str
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class ActionStarted(Event):
    """An action is performed; in check mode it is only announced (`planned`)."""

    host: str
    task: str
    title: str
    because: str
    planned: bool = False
    diff: str | None = None  # unified diff of a file's text, where asked for and not secret


@dataclass(frozen=True, kw_only=True)
class Output(Event):
    """A line that a program on the host wrote, as it comes."""

    host: str
    line: str
    error: bool = False  # it came from stderr


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """Bytes of a transfer; `total` is what will travel, before compression."""

    host: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class ItemDone(Event):
    """One item of a loop ended on a host."""

    result: TaskResult
    label: str  # what the item is called


@dataclass(frozen=True, kw_only=True)
class TaskDone(Event):
    """A task ended on a host (with a loop: all its items)."""

    result: TaskResult


@dataclass(frozen=True, kw_only=True)
class Included(Event):
    """Hosts go on with the tasks of a file."""

    path: str
    hosts: tuple[str, ...]
    label: str = ""  # of the loop's item for which they do


@dataclass(frozen=True, kw_only=True)
class TooManyFailed(Event):
    """More hosts of a batch have failed than `max_fail_percentage` lets: nothing more is run."""

    failed: tuple[str, ...]
    of: int


@dataclass(frozen=True, kw_only=True)
class GateWatching(Event):
    host: str
    message: str  # "web starting, db healthy (3 s)"


@dataclass(frozen=True, kw_only=True)
class GateJudged(Event):
    host: str
    healthy: bool
    because: str
    container: str | None = None
    logs: tuple[str, ...] = ()  # the guilty container's last lines


@dataclass(frozen=True, kw_only=True)
class RollbackStarted(Event):
    because: str
    targets: Mapping[str, str | None] = field(default_factory=dict)  # host -> release it goes back to; None: stopped


@dataclass(frozen=True, kw_only=True)
class PersonAsked(Event):
    """The run waits for a person at the terminal; until they have answered, the terminal is theirs."""

    prompt: str


@dataclass(frozen=True, kw_only=True)
class PersonAnswered(Event):
    pass


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """Something that a person should know and that no other event says."""

    message: str
    host: str | None = None
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    report: Report
