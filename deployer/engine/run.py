"""One run, from the first connection to the report. It never prints and never raises for what happens on hosts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.engine.host import HostRun
from deployer.engine.ports import Session
from deployer.engine.rollback import roll_back
from deployer.engine.start import name_environment, reach, settle_releases, side_by_side
from deployer.engine.transaction import Transaction
from deployer.engine.walk import Walk, rehearse
from deployer.errors import DeployerError, ExitCode
from deployer.model.event import Note, RunFinished, RunStarted
from deployer.model.report import HostOutcome, Report, State, TaskResult
from deployer.model.rollout import Phase
from deployer.rollout.decide import Advance, Decision, Pause, Progress, RollBack, Stop, decide
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


def execute(session: Session, stop: threading.Event | None = None) -> Report:
    """Run a playbook on hosts as a transaction and report how it ended; `stop` set means: go no further, go back."""
    state = RunState(hosts={target.name: HostRun(target=target) for target in session.targets})
    session.emit(
        RunStarted(
            verb=session.verb, environment=session.environment, hosts=tuple(state.hosts),
            check=session.options.check,
            release=next((one.wanted.id for one in session.targets if one.wanted and one.wanted.id), None),
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
    _tell_left(session, state.hosts)
    foretold = None if session.undoes else rehearse(session, state.hosts)
    left = any(host.open for host in state.hosts.values())
    if foretold is not None and not left and not any(result.actions for result in foretold):
        _note(state.hosts, foretold)
        return
    if stop.is_set():
        state.interrupted = True
        return
    _changed(session, state, stop)


def _tell_left(session: Session, hosts: Mapping[str, HostRun]) -> None:
    """Say what an earlier rollout has come to where nobody was there to say it."""
    for host in hosts.values():
        words = {Phase.UNDONE: "went back by itself", Phase.BROKEN: "could not be put back by its watchdog"}
        if host.open and host.open.phase in words:
            left = f"the rollout of {host.open.release} by {host.open.by} was not confirmed here"
            session.emit(Note(host=host.name, warning=True, message=f"{left}: the host {words[host.open.phase]}"))


def _note(hosts: Mapping[str, HostRun], results: list[TaskResult]) -> None:
    """A rehearsal without a single action was the run itself."""
    for result in results:
        hosts[result.host].results.append(result)


def _changed(session: Session, state: RunState, stop: threading.Event) -> None:
    """The part that changes hosts: leased and armed, committed or undone at its end."""
    about = {name: host for name, host in state.hosts.items() if host.target.wanted}
    transaction = Transaction(session=session, hosts=about)
    transaction.begin()
    try:
        with transaction.heart():
            _walk(session, state, transaction, stop)
    finally:
        transaction.end()


def _walk(session: Session, state: RunState, transaction: Transaction, stop: threading.Event) -> None:
    walk = Walk(session=session, hosts=state.hosts, emit=session.emit, stop=stop, before_batches=transaction.stage)
    if session.going_on:
        walk.switched = [_left_behind(state.hosts)]
    try:
        if not session.undoes:
            walk.run(session.playbook)
        if not stop.is_set() and all(host.tolerated for host in state.hosts.values() if host.failed):
            transaction.commit()
    except DeployerError as error:
        state.error = error
    except Exception as bug:  # the hosts must not be left in the middle for it
        state.error = DeployerError(f"{type(bug).__name__} is a bug of ours")
        _go_on(session, state, walk, transaction)
        _settle(state, transaction)
        raise
    _go_on(session, state, walk, transaction)
    _settle(state, transaction)


def _left_behind(hosts: Mapping[str, HostRun]) -> tuple[str, ...]:
    """The hosts that an earlier run has switched, or begun to: from now on they count as touched by this one."""
    found = [host for host in hosts.values() if host.open and host.open.switched]
    for host in found:
        host.touches += 1
    return tuple(host.name for host in found)


def _go_on(session: Session, state: RunState, walk: Walk, transaction: Transaction) -> None:
    """After the walk: done, paused, or the way back for whoever was touched."""
    state.interrupted, state.paused = walk.stop.is_set(), walk.paused
    state.failures = _failures(state)
    stopped = "interrupted" if state.interrupted else "aborted" if session.undoes else None
    common = str(state.error) if state.error else stopped
    progress = {
        name: Progress(
            touched=host.touched, failed=host.failed or common, undecided=host.undecided, tolerated=host.tolerated
        )
        for name, host in state.hosts.items()
    }
    on_failure = "rollback" if session.undoes else session.options.on_failure
    state.decision = decide(walk.switched, progress, on_failure)
    if isinstance(state.decision, Pause):
        _pause(state, state.decision)
    if not isinstance(state.decision, RollBack):
        return
    if session.way_back is None:
        session.emit(Note(warning=True, message="this playbook has no way back: hosts stay as they are"))
        return
    touched = [state.hosts[name] for group in state.decision.groups for name in group]
    side_by_side(transaction.regain, touched, session.options.forks)
    roll_back(session, state.hosts, state.decision)


def _pause(state: RunState, decision: Pause) -> None:
    """An undecided gate is no failure: the hosts stay as they are until somebody promotes or aborts."""
    state.paused, state.failures = decision.because, {}
    for host in state.hosts.values():
        host.failed = None


def _settle(state: RunState, transaction: Transaction) -> None:
    """Close the rollout on the hosts, or leave it open where somebody has to go on with it."""
    if state.paused and not state.failures and not state.interrupted:
        transaction.pause(state.paused)
        return
    if isinstance(state.decision, Stop) and any(host.touched for host in state.hosts.values()):
        transaction.pause("a failure")
        return
    undone = isinstance(state.decision, RollBack)
    transaction.close("rolled back" if undone else "rollout ended")


def _failures(state: RunState) -> dict[str, str]:
    return {name: host.failed for name, host in state.hosts.items() if host.failed}


def _report(session: Session, state: RunState) -> Report:
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
    if host.left_armed:
        return f"it goes back by itself within {host.target.confirm_timeout} s: deploy status {session.environment}"
    if host.before is None:
        return f"deploy {session.environment} --limit {host.name}"
    return f"deploy rollback {session.environment} --to {host.before.id} --limit {host.name}"


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
