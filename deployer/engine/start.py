"""The start of a run: reach every host, look once, and settle which release this is about."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from deployer.engine.host import HostRun
from deployer.engine.lock import held
from deployer.engine.look import look
from deployer.engine.ports import Session
from deployer.errors import ConfigError, DeployerError, RemoteError
from deployer.model.event import HostConnected, HostDoing, HostUnreachable
from deployer.model.playbook import Play, Task
from deployer.protocols import Fact
from deployer.rollout.tags import is_selected

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
        host.seen.update(look(host.target.remote, _first_questions(session, host), become=look_user(session, host)))
        session.emit(HostDoing(host=host.name, doing=""))

    outcomes = side_by_side(work, hosts.values(), session.options.forks)
    errors = {name: error for name, error in outcomes.items() if isinstance(error, DeployerError)}
    for name, error in errors.items():
        if not isinstance(error, RemoteError):
            raise error
        name_environment(error, session.environment)
        session.emit(HostUnreachable(host=name, message=error.message, hint=error.hint))
    return errors


def name_environment(error: DeployerError, environment: str) -> None:
    """Fill in the name where a hint, written where nobody knows it, says ENV: it is to be typed as it stands."""
    if error.hint:
        error.hint = re.sub(r"\bENV\b", environment, error.hint)


def look_user(session: Session, host: HostRun) -> str | None:
    """Who looks before the plays begin: root, if any play becomes root."""
    return next((user for play in session.playbook.plays if (user := host.become(play))), None)


def _first_questions(session: Session, host: HostRun) -> list[Fact[Any]]:
    """The engine's own facts and those of every task that can be bound already: one look answers them all."""
    asked: list[Fact[Any]] = []
    if host.target.wanted:
        root = host.target.wanted.root
        asked += [session.questions.installed(root), session.questions.lock(root)]
    for play in session.playbook.plays:
        for task in (*play.tasks, *play.handlers):
            if is_selected(task.tags, session.options.tags, session.options.skip_tags):
                asked += _facts_of(session, host, play, task)
    return asked


def _facts_of(session: Session, host: HostRun, play: Play, task: Task) -> tuple[Fact[Any], ...]:
    """A task's facts; none where it cannot be bound before others have run, or will be skipped."""
    variables = {**_as_wanted(host), **host.variables(play, task)}
    if task.loop is not None:
        return ()
    try:
        if not session.language.test(task.when, variables, place=task.place):
            return ()
        return session.language.bind(task, variables).facts()
    except ConfigError:
        return ()


def _as_wanted(host: HostRun) -> dict[str, Any]:
    """The release that the files ask for: which one it will be is settled after the look, and no fact depends on it."""
    wanted = host.target.wanted
    return {"release": wanted, "release_state": "up", "release_failed": None} if wanted else {}


def settle_releases(session: Session, hosts: Mapping[str, HostRun]) -> None:
    """Note on each host what it has and which release it shall have.

    Raises LockHeldError if another run holds a host, NoReleaseError if there is none to go back to.
    """
    about = {name: host for name, host in hosts.items() if host.target.wanted}
    wanted = {name: host.target.wanted for name, host in about.items() if host.target.wanted}
    for name, host in about.items():
        root = wanted[name].root
        host.installed = host.seen[session.questions.installed(root)]
        holder = host.seen[session.questions.lock(root)]
        if holder is not None and not session.options.check:
            raise held(name, holder)
    chosen = session.choose(wanted, {name: host.installed for name, host in about.items() if host.installed})
    for name, host in about.items():
        host.release = chosen[name]
        host.release_variables = {"release": chosen[name], "release_state": "up", "release_failed": None}
