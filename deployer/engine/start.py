"""The start of a run: reach every host, look once, and settle which release this is about."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from deployer.engine.host import HostRun
from deployer.engine.inputs import read_inputs
from deployer.engine.lease import held
from deployer.engine.look import look
from deployer.engine.ports import Session
from deployer.errors import ConfigError, DeployerError, InterruptedRolloutError, PausedRolloutError, RemoteError
from deployer.model.event import HostConnected, HostDoing, HostUnreachable
from deployer.model.lock import Lease
from deployer.model.playbook import FLOW, Play, Task
from deployer.model.release import Installed
from deployer.model.rollout import OpenRollout, Phase
from deployer.protocols import Fact
from deployer.rollout.tags import is_selected

FRESH = 10.0  # seconds for which what was seen is good where nobody else is at work
T = TypeVar("T")


def side_by_side(work: Callable[[HostRun], T], hosts: Iterable[HostRun], forks: int) -> dict[str, T | DeployerError]:
    """Do the same on all hosts at once; each host keeps its own outcome, an error of ours among them."""
    named = list(hosts)

    def guarded(host: HostRun) -> T | DeployerError:
        try:
            return work(host)
        except DeployerError as error:
            return error

    with ThreadPoolExecutor(max_workers=max(1, min(forks, len(named)))) as pool:
        return dict(zip((host.name for host in named), pool.map(guarded, named), strict=True))


def reach(session: Session, hosts: Mapping[str, HostRun]) -> dict[str, DeployerError]:
    """Connect to every host and look at it once; the hosts that could not be reached or asked, with their errors."""

    def work(host: HostRun) -> None:
        start = time.monotonic()
        session.emit(HostDoing(host=host.name, doing="connecting"))
        host.target.remote.connect()
        session.emit(HostConnected(host=host.name, seconds=time.monotonic() - start))
        session.emit(HostDoing(host=host.name, doing="looking"))
        host.looked = time.monotonic()
        host.seen.update(look(host.target.remote, _first_questions(session, host), become=look_user(session, host)))
        _learn(session, host)
        session.emit(HostDoing(host=host.name, doing=""))

    outcomes = side_by_side(work, hosts.values(), session.options.forks)
    errors = {name: error for name, error in outcomes.items() if isinstance(error, DeployerError)}
    for name, error in errors.items():
        if not isinstance(error, RemoteError):
            raise error
        name_environment(error, session.environment)
        session.emit(HostUnreachable(host=name, message=error.message, hint=error.hint))
    return errors


def _learn(session: Session, host: HostRun) -> None:
    """Let templates know what the host is, as Ansible names it."""
    if session.questions.host:
        found = session.language.literal(dict(host.seen[session.questions.host]))
        host.target.facts.update({f"ansible_{name}": value for name, value in found.items()}, ansible_facts=found)


def name_environment(error: DeployerError, environment: str) -> None:
    """Fill in the name where a hint, written where nobody knows it, says ENV: it is to be typed as it stands."""
    if error.hint:
        error.hint = re.sub(r"\bENV\b", environment, error.hint)


def look_user(session: Session, host: HostRun) -> str | None:
    """Who looks before the plays begin: root, if any play becomes root."""
    return next((user for play in session.playbook.plays if (user := host.become(play))), None)


def _first_questions(session: Session, host: HostRun) -> list[Fact[Any]]:
    """The engine's own facts and those of every task that can be bound already: one look answers them all."""
    asked: list[Fact[Any]] = [session.questions.host] if session.questions.host else []
    if host.target.wanted:
        root = host.target.wanted.root
        asked += [question(root) for question in _own_questions(session)]
    for play in session.playbook.plays:
        for task in play.all_tasks:
            if is_selected(task.tags, session.options.tags, session.options.skip_tags):
                asked += _facts_of(session, host, play, task)
    return asked


def _own_questions(session: Session) -> tuple[Callable[[str], Fact[Any]], ...]:
    return (*_state_questions(session), session.questions.lock, session.questions.lease)


def _state_questions(session: Session) -> tuple[Callable[[str], Fact[Any]], ...]:
    return (session.questions.installed, session.questions.rollout)


def _facts_of(session: Session, host: HostRun, play: Play, task: Task) -> tuple[Fact[Any], ...]:
    """A task's facts; none where it cannot be bound before others have run, or will be skipped."""
    if task.loop is not None or task.module in FLOW or task.delegate_to is not None:
        return ()
    variables = {**_as_wanted(host), **host.variables(play, task)}
    try:
        if not session.language.test(task.when, variables, place=task.place):
            return ()
        module = session.language.bind(task, variables)
        return read_inputs(module, session.language, variables, place=task.place)[0].facts()
    except ConfigError:
        return ()


def refuse_interrupted(environment: str, seen: Mapping[str, Installed], left: Mapping[str, OpenRollout]) -> None:
    """Raise if an earlier rollout has switched some hosts and not ended.

    One that has switched none is no obstacle, nor one that every host has confirmed: it was only not closed.
    """
    open_ones = [one for one in left.values() if one.blocks]
    if not open_ones or _is_committed(seen, left):
        return
    first = open_ones[0]
    where = ", ".join(f"{name} {left[name].phase if name in left else 'not begun'}" for name in seen)
    paused = any(one.paused for one in open_ones)
    word, error = ("is paused", PausedRolloutError) if paused else ("was interrupted", InterruptedRolloutError)
    go_on = ("promote" if paused else "resume",) if any(one.staged for one in open_ones) else ()
    finish = f"finish it: deploy {go_on[0]} {environment}; or " if go_on else ""
    refusal = error(
        f"the rollout of {first.release} by {first.by} since {first.since} {word}: {where}",
        hint=f"{finish}undo it: deploy abort {environment}",
    )
    refusal.ways_on = (*go_on, "abort")
    raise refusal


def _is_committed(seen: Mapping[str, Installed], left: Mapping[str, OpenRollout]) -> bool:
    """True if all hosts serve the release of the rollout, and all on which it is open have confirmed it."""
    confirmed = all(one.phase is Phase.SWITCHED and not one.paused for one in left.values())
    return confirmed and {now.current for now in seen.values()} == {one.release for one in left.values()}


def _as_wanted(host: HostRun) -> dict[str, Any]:
    """The release that the files ask for: which one it will be is settled after the look, and no fact depends on it."""
    wanted = host.target.wanted
    return {"release": wanted, "release_state": "up", "release_failed": None} if wanted else {}


def look_again(session: Session, hosts: Mapping[str, HostRun], leases: Mapping[str, Lease]) -> bool:
    """Ask hosts once more, now that they are this run's; True if their releases are not what they were.

    A host that no other run has had since it was looked at, a moment ago, is only asked for what a watchdog changes,
    which needs no lease: its releases. Any other is asked all that it has been asked before.
    """

    def work(host: HostRun) -> bool:
        assert host.target.wanted is not None
        state = [question(host.target.wanted.root) for question in _state_questions(session)]
        before = [host.seen.get(one) for one in state]
        if _was_left_alone(session, host, leases[host.name]):
            host.seen.update(look(host.target.remote, state, become=look_user(session, host)))
            if before == [host.seen[one] for one in state]:
                return False
        asked = dict.fromkeys([*state, *(one for one in host.seen if not one.constant)])
        host.forget()
        host.seen.update(look(host.target.remote, list(asked), become=look_user(session, host)))
        return before != [host.seen[one] for one in state]

    outcomes = side_by_side(work, hosts.values(), session.options.forks)
    for outcome in outcomes.values():
        if isinstance(outcome, DeployerError):
            raise outcome
    return any(outcomes.values())


def _was_left_alone(session: Session, host: HostRun, lease: Lease) -> bool:
    """Whether no other run has had the host since this one looked at it, which is not long ago."""
    last = host.seen.get(session.questions.lease(lease.root))
    return lease.token - 1 == last and time.monotonic() - host.looked < FRESH


def settle_releases(session: Session, hosts: Mapping[str, HostRun], *, leased: bool = False) -> None:
    """Note on each host what it has and which release it shall have.

    Raises LockHeldError if another run holds a host (unless they are `leased` by this one), InterruptedRolloutError if
    one has left a rollout half done, NoReleaseError if there is none to go back to.
    """
    about = {name: host for name, host in hosts.items() if host.target.wanted}
    wanted = {name: host.target.wanted for name, host in about.items() if host.target.wanted}
    for name, host in about.items():
        root = wanted[name].root
        host.installed = host.seen[session.questions.installed(root)]
        host.open = host.seen[session.questions.rollout(root)]
        holder = host.seen.get(session.questions.lock(root))
        if holder is not None and not (leased or session.options.check or session.options.lock_wait):
            raise held(name, holder, session.environment)
    seen = {name: host.installed for name, host in about.items() if host.installed}
    left = {name: host.open for name, host in about.items() if host.open}
    if not session.going_on and not session.options.check:
        refuse_interrupted(session.environment, seen, left)
    chosen = session.choose(wanted, seen, left)
    for name, host in about.items():
        host.release = chosen.get(name, wanted[name])
        host.release_variables = {"release": host.release, "release_state": "up", "release_failed": None}
