"""Going back: the way-back playbook on every touched host, newest batch first, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deployer.engine.host import HostRun
from deployer.engine.ports import Session
from deployer.engine.walk import Walk
from deployer.model.event import RollbackStarted
from deployer.rollout.batches import Batch
from deployer.rollout.decide import RollBack


def roll_back(session: Session, hosts: Mapping[str, HostRun], decision: RollBack) -> None:
    """Put hosts back to what served when the run began; a host without an earlier release is stopped.

    Failures are notes on the hosts: `failed` says why a host could not be put back, and is None where it was.
    """
    touched = [hosts[name] for group in decision.groups for name in group]
    session.emit(
        RollbackStarted(
            because=decision.because,
            targets={host.name: host.before.id if host.before else None for host in touched},
        )
    )
    for group in decision.groups:
        _go_back(session, {name: hosts[name] for name in group}, group, decision.because)


def _go_back(session: Session, hosts: dict[str, HostRun], group: Batch, because: str) -> None:
    assert session.way_back is not None
    for host in hosts.values():
        _aim(host, because)
    together = replace(session.way_back, plays=tuple(_on_survivors(play) for play in session.way_back.plays))
    options = replace(session.options, tags=frozenset(), skip_tags=frozenset())
    back = replace(session, plays_on=lambda pattern: group, options=options)
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
    host.failed = None
    host.registered = {}
    host.notified = set()
    host.forget()
