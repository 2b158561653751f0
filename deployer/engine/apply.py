"""Applying: actions to a changed host. Steps that are shell travel together, transfers and gates go alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from threading import Event as Flag
from typing import Any

from deployer.engine.gate import Clock, watch
from deployer.engine.here import fetch, pause
from deployer.engine.host import HostRun
from deployer.engine.lease import FENCED
from deployer.engine.ports import Ask, Emit
from deployer.engine.reconnect import reconnect
from deployer.engine.steps import StepReader, also_ok, render_steps
from deployer.engine.sync import apply_sync
from deployer.errors import CommandError, CommandTimeoutError, LostError, UnhealthyError
from deployer.model.action import Action, Fetch, Outcome, Pause, Put, Reconnect, Run, Script, Sync, Watch
from deployer.model.event import ActionStarted, HostDoing, Note, Output, Progress
from deployer.model.report import Done
from deployer.protocols import OnBytes
from deployer.rollout.faults import explain

ALONE = (Sync, Watch, Pause, Fetch, Reconnect)  # what is no step of a script
_TAIL = 40  # lines of a failed step's output that are kept


@dataclass
class Applied:
    """What was done, as far as it came."""

    done: list[Done] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)  # of the same, and of the one that failed
    output: str = ""
    errors: str = ""  # the last step's stderr, where it is told apart
    status: int = 0

    def planned(self, action: Action) -> None:
        """Note an action that check mode has announced."""
        self.done.append(done(action))
        self.outcomes.append(Outcome(action=action, status=None))

    def performed(self, action: Action, outcome: Outcome, seconds: float) -> None:
        """Note an action that ended well."""
        self.done.append(done(action, seconds))
        self.outcomes.append(outcome)


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Performs the actions of one task on one host."""

    host: HostRun
    task: str
    become: str | None
    emit: Emit
    diff: Callable[[Put], str] | None = None  # renders a file's change, where asked for
    stop: Flag = field(default_factory=Flag)
    ask: Ask | None = None  # None: nobody is there to be asked

    def announce(self, action: Action, *, planned: bool = False) -> None:
        """Say that an action begins, or in check mode that it would."""
        shown = self.diff is not None and isinstance(action, Put) and not action.secret
        diff = self.diff(action) if shown else None  # type: ignore[misc, arg-type]
        self.emit(
            ActionStarted(
                host=self.host.name,
                task=self.task,
                title=action.title,
                because=action.because,
                planned=planned,
                diff=diff,
            )
        )
        if not planned:
            self.emit(HostDoing(host=self.host.name, doing=action.title))

    def apply(self, actions: Sequence[Action], applied: Applied) -> None:
        """Perform them in order, noting in `applied` how far it came.

        Raises CommandError, CommandTimeoutError, TransferError, UnhealthyError or ConnectError; the host is marked
        as touched before the first action that changes what it serves.
        """
        for alone, group in groupby(actions, key=lambda one: isinstance(one, ALONE)):
            if alone:
                for action in group:
                    self._alone(action, applied)
            else:
                self._carry_out(tuple(group), applied)

    def _alone(self, action: Action, applied: Applied) -> None:
        self.announce(action)
        self._touch(action)
        start = time.monotonic()
        if isinstance(action, Sync):
            prologue = self.host.guard.prologue(self.become) if self.host.guard else ""
            apply_sync(
                self.host.target.remote, action, become=self.become, on_bytes=self._progress(action), prologue=prologue
            )
        elif isinstance(action, Watch):
            clock = Clock(sleep=self._doze)
            applied.output = watch(self.host.target.remote, action, become=self.become, emit=self.emit, clock=clock)
        elif isinstance(action, Pause):
            applied.output = pause(action, emit=self.emit, host=self.host.name, ask=self.ask, stop=self.stop)
        elif isinstance(action, Fetch):
            fetch(self.host.target.remote, action, become=self.become)
        elif isinstance(action, Reconnect):
            applied.output = reconnect(self.host.target.remote, action, become=self.become, stop=self.stop)
        seconds = time.monotonic() - start
        applied.performed(action, Outcome(action=action, output=applied.output, seconds=seconds), seconds)

    def _doze(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise UnhealthyError("interrupted before the verdict", host=self.host.name)

    def _progress(self, action: Sync) -> OnBytes:
        total = action.tree.size
        return lambda done: self.emit(Progress(host=self.host.name, done=done, total=total))

    def _touch(self, action: Action) -> None:
        if action.serves:
            self.host.touches += 1

    def _arm(self, actions: Sequence[Action]) -> None:
        if self.host.guard and any(action.serves for action in actions):
            self.host.guard.arm()

    def _carry_out(self, actions: tuple[Action, ...], applied: Applied) -> None:
        """Perform steps; files that a broken connection kept from being written are written again, once."""
        before = len(applied.done)
        try:
            self._steps(actions, applied)
        except LostError as lost:
            left = actions[len(applied.done) - before :]
            if not left or not all(isinstance(action, Put) for action in left):
                raise
            self.emit(Note(host=self.host.name, message=f"{lost.message}; files are written again", warning=True))
            self._steps(left, applied)

    def _steps(self, actions: tuple[Action, ...], applied: Applied) -> None:
        self._arm(actions)
        reader, guard = _Follower(self, actions, secrets.token_hex(8), applied), self.host.guard
        prologue, note = (guard.prologue(self.become), guard.note) if guard else ("", None)
        try:
            result = self.host.target.remote.run(
                render_steps(actions, reader.nonce, prologue=prologue, note=note),
                become=self.become,
                timeout=sum(action.timeout for action in actions),
                on_line=reader.line,
            )
        except CommandTimeoutError as late:
            raise CommandTimeoutError(
                f"{actions[max(reader.steps.current, 0)].title}: {late.message}", host=self.host.name
            ) from late
        except LostError as lost:
            raise LostError(f"{lost.message}: {reader.known()}", host=self.host.name, hint=lost.hint) from lost
        finally:
            applied.output, applied.errors = reader.shown()
        if guard and result.status == FENCED:
            guard.check(result)
        reader.check(result.status, result.stderr)


def done(action: Action, seconds: float = 0.0) -> Done:
    return Done(title=action.title, because=action.because, seconds=seconds, changes=action.changes)


class _Follower:
    """Turns a script's lines into events while it runs."""

    def __init__(self, applier: Applier, actions: tuple[Action, ...], nonce: str, applied: Applied) -> None:
        self._applier = applier
        self._actions = actions
        self._applied = applied
        self._began = time.monotonic()
        self.nonce = nonce
        self.steps = StepReader(nonce)

    def line(self, line: str, error: bool) -> None:
        before, ended = self.steps.current, len(self.steps.statuses)
        said = None if error else self.steps.feed(line)
        if self.steps.current != before:
            self._begin(self._actions[self.steps.current])
        if len(self.steps.statuses) != ended:
            self._end()
        if said is not None and self.steps.current >= 0:
            action = self._actions[self.steps.current]
            if not (getattr(action, "secret", False) or getattr(action, "answers", False)):
                self._applier.emit(Output(host=self._applier.host.name, line=said[0], error=said[1]))

    def _begin(self, action: Action) -> None:
        self._began = time.monotonic()
        self._applier.announce(action)
        self._applier._touch(action)

    def _end(self) -> None:
        action = self._actions[self.steps.current]
        status = self._applied.status = self.steps.statuses[self.steps.current]
        step = self.steps.current
        output, errors = self.steps.output(step), self.steps.error_output(step)
        outcome = Outcome(action=action, status=status, output=output, errors=errors)
        if status in (0, *also_ok(action)):
            self._applied.performed(action, outcome, time.monotonic() - self._began)
        else:
            self._applied.outcomes.append(outcome)

    def shown(self) -> tuple[str, str]:
        """The last step's output and stderr, if they are for people."""
        step = self.steps.current
        answers = step >= 0 and getattr(self._actions[step], "answers", False)
        return ("", "") if answers else (self.steps.output(step), self.steps.error_output(step))

    def known(self) -> str:
        """How far it is known to have come, for when no more will be heard."""
        step = self.steps.current
        following = self._actions[step + 1].title if step + 1 < len(self._actions) else None
        if step < 0:
            return f"whether `{following}` has begun is not known"
        title, status = self._actions[step].title, self.steps.statuses.get(step)
        if status is None:
            return f"`{title}` had begun, how it ended is not known"
        ended = f"`{title}` had ended with status {status}"
        return f"{ended}, whether `{following}` has begun is not known" if following else ended

    def check(self, status: int | None, stderr: str) -> None:
        """Raise CommandError unless every step ended well."""
        if len(self._applied.done) >= len(self._actions) and self.steps.current == len(self._actions) - 1:
            last = self._actions[-1]
            if self.steps.statuses.get(self.steps.current) in (0, *also_ok(last)):
                return
        step = max(self.steps.current, 0)
        action = self._actions[step]
        code = self.steps.statuses.get(step, status)
        how = f"exited with status {code}" if code is not None else "ended without a status"
        hidden = getattr(action, "secret", False)
        said = "\n".join(filter(None, (self.steps.output(step), self.steps.error_output(step)))) or stderr
        output = "" if hidden else "\n".join(said.splitlines()[-_TAIL:])
        fault = None if hidden else explain(said)
        raise CommandError(
            f"{action.title}: {fault.message if fault else how}", status=code, output=output,
            host=self._applier.host.name, hint=fault.hint if fault else action.hint,
        )  # fmt: skip


def hidden(action: Action) -> Action:
    """The same action, of which nobody is told more than that it is there."""
    if isinstance(action, Run | Script):
        return replace(action, secret=True, label="hidden by no_log")
    return replace(action, secret=True) if isinstance(action, Put) else action


def with_environment(actions: Sequence[Action], environment: dict[str, Any]) -> tuple[Action, ...]:
    """The same actions with these variables in their environment; their own ones win."""
    text = {name: str(value) for name, value in environment.items()}
    return tuple(
        replace(action, env={**text, **action.env}) if isinstance(action, Run | Script) else action
        for action in actions
    )
