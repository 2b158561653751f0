"""One run, from the first connection to the report. It never prints and never raises for what happens on hosts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.engine.host import HostRun
from deployer.engine.lock import take_lock
from deployer.engine.ports import Session
from deployer.engine.rollback import reconnect, roll_back, unlock
from deployer.engine.start import look_user, name_environment, reach, settle_releases, side_by_side
from deployer.engine.walk import Walk, rehearse
from deployer.errors import DeployerError, ExitCode
from deployer.model.event import Note, RunFinished, RunStarted
from deployer.model.report import HostOutcome, Report, State, TaskResult
from deployer.rollout.decide import Advance, Decision, Progress, RollBack, decide
from deployer.rollout.outcome import count, exit_code


@dataclass
class RunState:
    """What the run has come to, for the report at its end."""

    hosts: dict[str, HostRun]
    started: float = field(default_factory=time.monotonic)
    decision: Decision = field(default_factory=Advance)
    failures: dict[str, str] = field(default_factory=dict)  # as they were before the way back
    interrupted: bool = False
    error: DeployerError | None = None  # that ended the run before its walk, or the walk
    unreached: dict[str, DeployerError] = field(default_factory=dict)


def execute(session: Session, stop: threading.Event | None = None) -> Report:
    """Run a playbook on hosts as a transaction and report how it ended; `stop` set means: go no further, go back."""
    state = RunState(hosts={target.name: HostRun(target=target) for target in session.targets})
    session.emit(
        RunStarted(
            verb=session.verb, environment=session.environment, hosts=tuple(state.hosts),
            check=session.options.check, release=next((t.wanted.id for t in session.targets if t.wanted), None),
        )
    )  # fmt: skip
    try:
        _run(session, state, stop or threading.Event())
    except DeployerError as error:
        name_environment(error, session.environment)
        state.error = error
    finally:
        side_by_side(lambda host: host.target.remote.close(), state.hosts.values(), session.options.forks)
    report = _report(session, state)
    session.emit(RunFinished(report=report))
    return report


def _run(session: Session, state: RunState, stop: threading.Event) -> None:
    state.unreached = reach(session, state.hosts)
    if state.unreached:
        return
    settle_releases(session, state.hosts)
    if session.options.check:
        Walk(session=session, hosts=state.hosts, emit=session.emit, stop=stop).run(session.playbook)
        state.interrupted = stop.is_set()
        state.failures = _failures(state)
        return
    foretold = rehearse(session, state.hosts)
    if foretold is not None and not any(result.actions for result in foretold):
        _note(state.hosts, foretold)
        return
    if stop.is_set():
        state.interrupted = True
        return
    _locked(session, state, stop)


def _note(hosts: Mapping[str, HostRun], results: list[TaskResult]) -> None:
    """A rehearsal without a single action was the run itself."""
    for result in results:
        hosts[result.host].results.append(result)


def _locked(session: Session, state: RunState, stop: threading.Event) -> None:
    """The part that changes hosts: under the lock, and with the way back at its end."""
    locking = {name: host for name, host in state.hosts.items() if host.target.wanted}
    become = {name: look_user(session, host) for name, host in state.hosts.items()}
    taken = _take_locks(session, locking, become)
    try:
        walk = Walk(session=session, hosts=state.hosts, emit=session.emit, stop=stop)
        try:
            walk.run(session.playbook)
        except DeployerError as error:
            state.error = error
        except Exception as bug:  # the hosts must not be left in the middle for it
            state.error = DeployerError(f"{type(bug).__name__} is a bug of ours")
            _go_on(session, state, walk)
            raise
        _go_on(session, state, walk)
    finally:
        unlock(session, taken, become)


def _take_locks(session: Session, hosts: Mapping[str, HostRun], become: Mapping[str, str | None]) -> dict[str, HostRun]:
    """Lock every host or none; raises the first error. What was seen before the lock may be old: it is forgotten."""

    def work(host: HostRun) -> None:
        assert host.target.wanted is not None
        take_lock(host.target.remote, host.target.wanted.root, session.holder, become=become[host.name])

    outcomes = side_by_side(work, hosts.values(), session.options.forks)
    taken = {name: hosts[name] for name, outcome in outcomes.items() if not isinstance(outcome, DeployerError)}
    for outcome in outcomes.values():
        if isinstance(outcome, DeployerError):
            unlock(session, taken, become)
            raise outcome
    for host in taken.values():
        host.forget()
    return taken


def _go_on(session: Session, state: RunState, walk: Walk) -> None:
    """After the walk: done, or the way back for whoever was touched."""
    state.interrupted = walk.stop.is_set()
    state.failures = _failures(state)
    common = str(state.error) if state.error else "interrupted" if state.interrupted else None
    progress = {
        name: Progress(touched=host.touched, failed=host.failed or common) for name, host in state.hosts.items()
    }
    state.decision = decide(walk.switched, progress)
    if not isinstance(state.decision, RollBack):
        return
    if session.way_back is None:
        session.emit(Note(warning=True, message="this playbook has no way back: hosts stay as they are"))
        return
    touched = [state.hosts[name] for group in state.decision.groups for name in group]
    side_by_side(reconnect, touched, session.options.forks)
    roll_back(session, state.hosts, state.decision)


def _failures(state: RunState) -> dict[str, str]:
    return {name: host.failed for name, host in state.hosts.items() if host.failed}


def _report(session: Session, state: RunState) -> Report:
    outcomes = tuple(_outcome(session, state, host) for host in state.hosts.values())
    failed = bool(state.failures or state.unreached or any(host.failed for host in state.hosts.values()))
    code = exit_code(outcomes, failed=failed or state.interrupted or state.error is not None)
    nothing_changed = session.options.check or all(outcome.actions == 0 for outcome in outcomes)
    if state.error is not None and nothing_changed:
        code = state.error.exit_code
    elif state.interrupted and nothing_changed:
        code = ExitCode.INTERRUPTED
    return Report(
        environment=session.environment, exit_code=code, outcomes=outcomes,
        results=tuple(result for host in state.hosts.values() for result in host.results),
        seconds=time.monotonic() - state.started, check=session.options.check,
        message=str(state.error) if state.error else "", hint=state.error.hint if state.error else None,
    )  # fmt: skip


def _outcome(session: Session, state: RunState, host: HostRun) -> HostOutcome:
    counts = count(host.results)
    end = _state(session, state, host, counts["actions"])
    error = state.unreached.get(host.name)
    hint = _way_out(session, host) if end is State.BROKEN else host.hint
    return HostOutcome(
        host=host.name, state=end, **counts,
        before=host.before.id if host.before else None, after=_after(host, end),
        because=str(error.message) if error else _because(state, host, end),
        hint=error.hint if error else hint,
    )  # fmt: skip


def _because(state: RunState, host: HostRun, end: State) -> str:
    """Why it failed; of a host that could not be put back, that too."""
    first = state.failures.get(host.name)
    if end is State.BROKEN and first and host.failed not in (None, first):
        return f"{first}; and on the way back: {host.failed}"
    return first or host.failed or ""


def _way_out(session: Session, host: HostRun) -> str:
    """The command that brings a broken host to where the others are, once its cause is mended."""
    if host.before is None:
        return f"deploy {session.environment} --limit {host.name}"
    return f"deploy rollback {session.environment} --to {host.before.id} --limit {host.name}"


def _state(session: Session, state: RunState, host: HostRun, actions: int) -> State:
    if host.name in state.unreached:
        return State.UNREACHABLE
    if isinstance(state.decision, RollBack) and host.touched:
        broken = host.failed or session.way_back is None
        return State.BROKEN if broken else State.ROLLED_BACK if host.before else State.STOPPED
    if state.failures or state.interrupted or state.unreached or state.error:
        return State.UNTOUCHED
    if not actions:
        return State.UNCHANGED
    return State.PENDING if session.options.check else State.DEPLOYED if host.touched else State.CHANGED


def _after(host: HostRun, end: State) -> str | None:
    """The release that serves at the end, as far as this run knows."""
    if end in (State.DEPLOYED, State.CHANGED) and host.release:
        return host.release.id if end is State.DEPLOYED else (host.before.id if host.before else None)
    if end in (State.BROKEN, State.STOPPED, State.UNREACHABLE):
        return None
    return host.before.id if host.before else None
