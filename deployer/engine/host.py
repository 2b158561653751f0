"""One host while a run lasts: what was seen, what was registered, how far it has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.engine.guard import Guard
from deployer.engine.ports import Target, Variables
from deployer.model.connection import Traffic
from deployer.model.playbook import Play, Task
from deployer.model.release import Installed, Release
from deployer.model.report import TaskResult
from deployer.model.rollout import OpenRollout
from deployer.protocols import Fact, Remote


@dataclass
class HostRun:
    """The engine's own notes on a host. One thread at a time works on a host."""

    target: Target
    seen: dict[Fact[Any], Any] = field(default_factory=dict)
    looked: float = 0.0  # when the run looked first (time.monotonic)
    installed: Installed | None = None  # when the run began
    release: Release | None = None  # that this run brings
    release_variables: dict[str, Any] = field(default_factory=dict)
    included: dict[str, Any] = field(default_factory=dict)  # variables of include_vars: below what is registered
    registered: dict[str, Any] = field(default_factory=dict)
    about_play: Mapping[str, Any] = field(default_factory=dict)  # what the play tells all of its hosts
    notified: set[str] = field(default_factory=set)  # names and topics, since the last flush
    pending: set[int] = field(default_factory=set)  # numbers of the play's handlers that are due
    results: list[TaskResult] = field(default_factory=list)
    guard: Guard | None = None  # while a rollout is open
    open: OpenRollout | None = None  # that an earlier run has left
    witnesses: list[Remote] = field(default_factory=list)  # further connections that were made to it
    touches: int = 0  # how often what it serves was changed
    failed: str | None = None
    undecided: bool = False  # it failed because its gate could not say
    tolerated: bool = False  # it failed, and the others go on without it
    out: bool = False  # it goes no further, for another host has failed
    hint: str | None = None
    lost: bool = False  # the connection
    left_armed: bool = False  # … with a watchdog that puts it back
    handed_over: bool = False  # it could not be put back, and its watchdog goes on trying

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def traffic(self) -> Traffic:
        """What all connections to it have cost."""
        return sum((one.traffic() for one in self.witnesses), self.target.remote.traffic())

    @property
    def touched(self) -> bool:
        return self.touches > 0

    @property
    def before(self) -> Release | None:
        """The release to go back to: what served when the rollout began, be it an earlier run's."""
        if self.installed is None:
            return None
        if self.open and self.open.switched:
            return self.installed.releases.get(self.open.previous or "")
        return self.installed.fallback

    def shadow(self) -> HostRun:
        """A copy for a rehearsal: it knows what was seen, and what it learns stays its own."""
        return HostRun(
            target=self.target,
            seen=self.seen,
            installed=self.installed,
            release=self.release,
            release_variables=self.release_variables,
            open=self.open,
        )

    def forget(self) -> None:
        """Drop what was seen, constants apart: something was changed."""
        self.seen = {fact: answer for fact, answer in self.seen.items() if fact.constant}

    def drop(self, facts: Iterable[Fact[Any]]) -> None:
        """Drop these answers alone: nothing else depends on what was changed."""
        for fact in facts:
            self.seen.pop(fact, None)

    def variables(self, play: Play, task: Task | None = None) -> Variables:
        """What templates may use, in Ansible's order of precedence."""
        return {
            **self.target.variables,
            **self.target.facts,
            **play.variables,
            **(self.target.vars_files(play) if play.vars_files else {}),
            **(task.variables if task else {}),
            **self.included,
            **self.registered,
            **(task.parameters if task else {}),
            **self.release_variables,
            **self.target.extra,
            **({"playbook_dir": play.folder} if play.folder else {}),
            **self.about_play,
        }

    def set_aside(self) -> tuple[str | None, str | None, bool, bool]:
        """Let the host go on after a failure; what comes back is for `take_up`."""
        kept = self.failed, self.hint, self.undecided, self.out
        self.failed, self.hint, self.undecided, self.out = None, None, False, False
        return kept

    def take_up(self, kept: tuple[str | None, str | None, bool, bool]) -> None:
        """Remember a failure that was set aside, unless there is a newer one."""
        if not self.failed:
            self.failed, self.hint, self.undecided, self.out = kept

    def become(self, play: Play, task: Task | None = None) -> str | None:
        """The user to run as; None: who logged in."""
        wanted = [task.become if task else None, play.become, self.target.become or None]
        if not next((one for one in wanted if one is not None), False):
            return None
        return (task.become_user if task else None) or play.become_user or "root"
