"""How a run ended, for every host. No outcome hides another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from deployer.errors import ExitCode
from deployer.frozen import dataclass
from deployer.model.connection import Traffic


class Status(StrEnum):
    """Ansible's words for how a task ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    IGNORED = "ignored"  # failed, and the task says ignore_errors


@dataclass(frozen=True, kw_only=True)
class Done:
    """An action as it was performed, or planned in check mode."""

    title: str
    because: str
    seconds: float = 0.0
    changes: bool = True  # False: it asked or waited


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """One task on one host; `data` is what `register` gives to later tasks."""

    host: str
    task: str
    status: Status
    actions: tuple[Done, ...] = ()
    message: str = ""  # why it failed or was skipped
    output: str = ""  # what its programs wrote, last part
    hint: str | None = None
    seconds: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""  # file:line of the task
    rescued: bool = False  # it failed inside a block that has a rescue
    notified: tuple[str, ...] = ()  # names and topics of handlers
    learned: tuple[str, ...] = ()  # names of the variables that it gave the host
    delegate: str = ""  # the host that it was delegated to, with its address where that has another name

    @property
    def failed(self) -> bool:
        return self.status in (Status.FAILED, Status.UNREACHABLE)


class State(StrEnum):
    """Where a host stands at the end, in one word."""

    UNCHANGED = "unchanged"  # it was as wanted
    DEPLOYED = "deployed"  # it serves the wanted release
    CHANGED = "changed"  # it was changed, and no release was switched (provision, playbooks of the user's own)
    UNTOUCHED = "untouched"  # the run failed, and what this host serves was never changed
    ROLLED_BACK = "rolled back"  # it was switched, and is back and healthy
    STOPPED = "stopped"  # its first release failed and was stopped; volumes stay
    BROKEN = "broken"  # neither here nor there: a person is needed
    UNREACHABLE = "unreachable"  # never reached in this run
    PENDING = "pending"  # check mode: it would change


@dataclass(frozen=True, kw_only=True)
class HostOutcome:
    """One host: counts as Ansible users know them, the release before and after, and what to do if it is broken."""

    host: str
    state: State
    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    actions: int = 0
    before: str | None = None  # release id
    after: str | None = None
    because: str = ""  # the failure, in one line
    hint: str | None = None
    traffic: Traffic = field(default_factory=Traffic)  # what the run has cost on this host's connections


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole run."""

    environment: str
    exit_code: ExitCode
    outcomes: tuple[HostOutcome, ...] = ()
    results: tuple[TaskResult, ...] = ()
    seconds: float = 0.0
    check: bool = False
    message: str = ""  # why the run ended as it did, where the hosts' lines do not say it
    hint: str | None = None
    ways_on: tuple[str, ...] = ()  # verbs that end the earlier rollout that was in the way

    @property
    def actions(self) -> int:
        return sum(outcome.actions for outcome in self.outcomes)
