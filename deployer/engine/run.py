"""One run, from the first connection to the report. It never prints and never raises for what happens on hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from deployer.engine.host import HostRun
from deployer.engine.outcome import RunState, failures_of, report_of
from deployer.engine.ports import Session
from deployer.engine.rollback import roll_back
from deployer.engine.start import name_environment, reach, settle_releases, side_by_side
from deployer.engine.transaction import Transaction
from deployer.engine.walk import Walk, rehearse
from deployer.errors import DeployerError
from deployer.model.event import Note, RunFinished, RunStarted
from deployer.model.report import Report, TaskResult
from deployer.model.rollout import Phase
from deployer.rollout.decide import Pause, Progress, RollBack, Stop, decide

AT_WORK = 1.0  # seconds from the first lease: then hosts build or start


def execute(session: Session, stop: threading.Event | None = None) -> Report:
    """Run a playbook on hosts as a transaction and report how it ended; `stop` set means: go no further, go back."""
    state = RunState(
        hosts={target.name: HostRun(target=target, registered=target.learnt) for target in session.targets}
    )
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
    report = report_of(session, state)
    session.emit(RunFinished(report=report))
    return report


def _run(session: Session, state: RunState, stop: threading.Event) -> None:
    state.unreached = reach(session, state.hosts)
    if state.unreached:
        return
    settle_releases(session, state.hosts)
    if session.options.check:
        _check(session, state, stop)
        return
    _tell_left(session, state.hosts)
    foretold = rehearse(session, state.hosts) if session.is_rollout and not session.undoes else None
    left = any(host.open for host in state.hosts.values())
    if foretold is not None and not left and not any(result.actions for result in foretold):
        if not any(result.failed for result in foretold):
            _note(state.hosts, foretold)
            return
        if not session.options.lock_wait:  # another run may be at work, and change what is refused now
            _check(replace(session, options=replace(session.options, check=True)), state, stop)
            return
    if stop.is_set():
        state.interrupted = True
        return
    _changed(session, state, stop)


def _check(session: Session, state: RunState, stop: threading.Event) -> None:
    """A walk that performs nothing: asked for, or because a host refuses before anything has been planned anywhere.

    Then not even a lease is written: a disc that is full or read-only would be in the way of that.
    """
    Walk(session=session, hosts=state.hosts, emit=session.emit, stop=stop).run(session.playbook)
    state.interrupted = stop.is_set()
    state.failures = failures_of(state)


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
    _later(session.ahead)
    transaction = Transaction(session=session, hosts=about)
    transaction.begin()
    try:
        with transaction.heart():
            _walk(session, state, transaction, stop)
    finally:
        transaction.end()


def _later(work: Callable[[], object]) -> None:
    """Do something when the hosts are at work, probably, and this machine is not."""
    timer = threading.Timer(AT_WORK, work)
    timer.daemon = True
    timer.start()


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
    state.failures = failures_of(state)
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
    roll_back(session, state.hosts, state.decision, transaction.regain)


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
    if undone:
        transaction.hand_over()
    transaction.close("rolled back" if undone else "rollout ended")
