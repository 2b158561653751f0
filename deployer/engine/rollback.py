"""Going back: the way-back playbook on every touched host, newest batch first, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deployer.engine.host import HostRun
from deployer.engine.ports import Session
from deployer.engine.start import side_by_side
from deployer.engine.walk import Walk
from deployer.errors import ConnectError
from deployer.model.event import RollbackStarted
from deployer.rollout.batches import Batch
from deployer.rollout.decide import RollBack


def roll_back(
    session: Session, hosts: Mapping[str, HostRun], decision: RollBack, regain: Callable[[HostRun], None]
) -> None:
    """Put hosts back to what served when the run began; a host without an earlier release is stopped.

    `regain` makes a host ready for it. Hosts beyond reach hold up no other: they are tried once more when all others
    are back. Failures are notes on the hosts: `failed` says why a host could not be put back, and is None where it was.
    """
    touched = [hosts[name] for group in decision.groups for name in group]
    session.emit(
        RollbackStarted(
            because=decision.because,
            targets={host.name: host.before.id if host.before else None for host in touched},
        )
    )
    _try(session, [host for host in touched if not host.lost], decision, regain)
    _try(session, [host for host in touched if host.lost], decision, regain)


def _try(session: Session, hosts: Sequence[HostRun], decision: RollBack, regain: Callable[[HostRun], None]) -> None:
    """Put those of the hosts back that can be reached, the newest batch first; the others are lost."""
    outcomes = side_by_side(regain, hosts, session.options.forks)
    for host in hosts:
        error = outcomes[host.name]
        if isinstance(error, ConnectError):
            host.lost, host.failed, host.hint = True, error.message, error.hint
    reached = {host.name: host for host in hosts if not host.lost}
    for group in decision.groups:
        batch = tuple(name for name in group if name in reached)
        if batch:
            _go_back(session, {name: reached[name] for name in batch}, batch, decision.because)


def _go_back(session: Session, hosts: dict[str, HostRun], group: Batch, because: str) -> None:
    assert session.way_back is not None
    for host in hosts.values():
        _aim(host, because)
    together = replace(session.way_back, plays=tuple(_on_survivors(play) for play in session.way_back.plays))
    options = replace(session.options, tags=frozenset(), skip_tags=frozenset())
    back = replace(session, plays_on=lambda pattern: group, roster=None, options=options)
    Walk(session=back, hosts=hosts, emit=session.emit).run(together)


def _on_survivors(play: Any) -> Any:
    """A play of the way back takes the group as it is, and a failing host holds up no other."""
    return replace(play, serial=None, any_errors_fatal=False, max_fail_percentage=100)


def _aim(host: HostRun, because: str) -> None:
    """Turn a host's variables around: the release that served is the wanted one."""
    failed, before = host.release, host.before
    host.release_variables = {
        "release": before or failed,
        "release_state": "up" if before else "stopped",
        "release_failed": failed,
        "release_failure": because,
    }
    host.failed, host.out = None, False
    host.registered.clear()
    host.included.clear()
    host.forget()
