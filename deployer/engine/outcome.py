"""What a run has come to, as its report tells it: outcomes, exit code, what to type next."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from deployer.engine.host import HostRun
from deployer.engine.ports import Session
from deployer.errors import DeployerError, ExitCode, InterruptedRolloutError
from deployer.model.report import HostOutcome, Report, State
from deployer.rollout.decide import Advance, Decision, RollBack
from deployer.rollout.outcome import count, exit_code


@dataclass
class RunState:
    """What the run has come to, for the report at its end."""

    hosts: dict[str, HostRun]
    started: float = field(default_factory=time.monotonic)
    decision: Decision = field(default_factory=Advance)
    failures: dict[str, str] = field(default_factory=dict)  # as they were before the way back
    interrupted: bool = False
    paused: str | None = None  # "1 of 3"
    error: DeployerError | None = None  # that ended the run before its walk, or the walk
    unreached: dict[str, DeployerError] = field(default_factory=dict)


def failures_of(state: RunState) -> dict[str, str]:
    """Why hosts have failed, by name."""
    return {name: host.failed for name, host in state.hosts.items() if host.failed}


def report_of(session: Session, state: RunState) -> Report:
    """How the run ended, host by host, with its exit code."""
    outcomes = tuple(_outcome(session, state, host) for host in state.hosts.values())
    failed = bool(state.failures or state.unreached or any(host.failed for host in state.hosts.values()))
    code = exit_code(outcomes, failed=failed or state.interrupted or state.error is not None)
    nothing_changed = session.options.check or all(outcome.actions == 0 for outcome in outcomes)
    if state.error is not None and nothing_changed:
        code = state.error.exit_code
    elif state.paused and code is ExitCode.OK:
        code = ExitCode.PAUSED
    elif state.interrupted and nothing_changed:
        code = ExitCode.INTERRUPTED
    return Report(
        environment=session.environment, exit_code=code, outcomes=outcomes,
        results=tuple(result for host in state.hosts.values() for result in host.results),
        seconds=time.monotonic() - state.started, check=session.options.check,
        message=_message(state), hint=_hint(session, state),
        ways_on=state.error.ways_on if isinstance(state.error, InterruptedRolloutError) else (),
    )  # fmt: skip


def _message(state: RunState) -> str:
    return str(state.error) if state.error else f"paused: {state.paused}" if state.paused else ""


def _hint(session: Session, state: RunState) -> str | None:
    if state.error:
        return state.error.hint
    name = session.environment
    return f"go on: deploy promote {name}; or undo it: deploy abort {name}" if state.paused else None


def _outcome(session: Session, state: RunState, host: HostRun) -> HostOutcome:
    counts = count(host.results)
    end = _state(session, state, host, counts["actions"])
    error = state.unreached.get(host.name)
    hint = _way_out(session, host) if end is State.BROKEN else host.hint
    return HostOutcome(
        host=host.name, state=end, **counts,
        before=host.before.id if host.before else None, after=_after(host, end),
        because=str(error.message) if error else _because(state, host, end),
        hint=error.hint if error else hint, traffic=host.traffic,
    )  # fmt: skip


def _because(state: RunState, host: HostRun, end: State) -> str:
    """Why it failed; of a host that could not be put back, that too."""
    first = state.failures.get(host.name)
    if end is State.BROKEN and first and host.failed not in (None, first):
        return f"{first}; and on the way back: {host.failed}"
    return first or host.failed or ""


def _way_out(session: Session, host: HostRun) -> str:
    """The command that brings a broken host to where the others are, once its cause is mended."""
    if host.left_armed:
        return f"it goes back by itself within {host.target.confirm_timeout} s: deploy status {session.environment}"
    if host.before is None:
        return f"deploy {session.environment} --limit {host.name}"
    tries = "; until then its watchdog goes on trying" if host.handed_over else ""
    return f"deploy rollback {session.environment} --to {host.before.id} --limit {host.name}{tries}"


def _state(session: Session, state: RunState, host: HostRun, actions: int) -> State:
    if host.name in state.unreached:
        return State.UNREACHABLE
    if host.touched and isinstance(state.decision, RollBack) and _goes_back(state.decision, host):
        broken = host.failed or session.way_back is None
        return State.BROKEN if broken else State.ROLLED_BACK if host.before else State.STOPPED
    if host.touched and host.failed:
        return State.BROKEN
    if state.failures or state.interrupted or state.unreached or state.error or state.paused:
        return State.DEPLOYED if host.touched else State.UNTOUCHED
    if not actions:
        return State.UNCHANGED
    return State.PENDING if session.options.check else State.DEPLOYED if host.touched else State.CHANGED


def _goes_back(decision: RollBack, host: HostRun) -> bool:
    return any(host.name in group for group in decision.groups)


def _after(host: HostRun, end: State) -> str | None:
    """The release that serves at the end, as far as this run knows."""
    if end in (State.BROKEN, State.STOPPED, State.UNREACHABLE) or host.installed is None:
        return None
    if end is State.DEPLOYED and host.release:
        return host.release.id
    return host.before.id if end is State.ROLLED_BACK and host.before else host.installed.current
