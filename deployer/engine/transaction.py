"""A rollout as a transaction over the fleet: leases first, then the walk, then commit, pause, or the way back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from deployer.engine.guard import Guard, Heart
from deployer.engine.host import HostRun
from deployer.engine.lease import drop_lease, held, take_lease
from deployer.engine.ports import Session
from deployer.engine.start import T, look_again, look_user, settle_releases, side_by_side
from deployer.errors import ConnectError, DeployerError, LockHeldError, RollbackError
from deployer.model.event import Note, Retrying
from deployer.model.lock import Lease
from deployer.model.release import Release
from deployer.protocols import Remote
from deployer.rollout.undo import plan_undo

POLL = 2.0  # seconds between two tries to take a lock
BEATS = 4  # renewals in the time that a lease is good for
UNDOING = 60.0  # seconds that a watchdog at work is waited for
_GONE = ConnectError("the host cannot be reached; it ends by itself")


@dataclass
class Transaction:
    """The hosts whose release a run changes, from the first lease to the last."""

    session: Session
    hosts: Mapping[str, HostRun]
    leases: dict[str, Lease] = field(default_factory=dict)
    committed: bool = False

    def begin(self) -> None:
        """Lease every host or none, look at them once more, and write the rollout down on each.

        Raises the first error; no lease is left then. What was seen before the leases may be another run's past.
        """
        self._take_all()
        try:
            if look_again(self.session, self.hosts, self.leases):
                settle_releases(self.session, self.hosts, leased=True)
            _raise_first(self._on(self.hosts.values(), self._open))
        except BaseException:
            self.end()
            raise

    def heart(self) -> Heart:
        """Keeps leases and armed undos alive while it is entered."""
        guards = [host.guard for host in self.hosts.values() if host.guard]
        shortest = min((min(one.lease.ttl, one.confirm_timeout) for one in guards), default=60)
        return Heart(guards, shortest / BEATS)

    def stage(self) -> None:
        """Note on every host that all are prepared; raises the first error."""
        _raise_first(self._on(self._leased(), self._with_guard(lambda guard, host: guard.stage())))

    def commit(self) -> None:
        """Confirm every host that was switched, over new connections; a host that cannot be has failed.

        All of them are asked first, and none is confirmed before all have answered: what is left to go wrong between
        two confirmations is one short message to each host.
        """
        able = [host for host in self._leased() if not host.failed]
        try:
            self._each(able, lambda guard, host: guard.make_ready(_fresh(host)))
            if not any(host.failed for host in able):
                self._each(able, lambda guard, host: guard.confirm())
                self.committed = not any(host.failed for host in able)
        finally:
            self._on(able, self._with_guard(lambda guard, host: guard.dismiss()))

    def regain(self, host: HostRun) -> None:
        """Make a host ready to be put back: reached again, leased again; waits for a watchdog that is at work.

        Raises ConnectError, FencedError if another run has the host now, or LockHeldError.
        """
        host.target.remote.connect()
        host.lost = False
        if host.guard is None:
            return
        host.guard.beat()
        deadline = time.monotonic() + UNDOING
        while host.guard.lost:
            try:
                host.guard.regain()
            except LockHeldError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(POLL)

    def close(self, event: str) -> None:
        """End the rollout on every host that can be reached; on one that cannot, its watchdog still waits."""
        for host in self._leased():
            host.left_armed = host.lost and host.guard is not None and host.guard.armed
        reached = [host for host in self._leased() if not host.lost and not host.handed_over]
        for host, error in self._on(reached, self._with_guard(lambda guard, host: guard.close(event))):
            if isinstance(error, RollbackError):
                _fail(host, error)
            elif isinstance(error, DeployerError):
                message = f"its rollout could not be closed, which the next run will do: {error.message}"
                self.session.emit(Note(host=host.name, warning=True, message=message))

    def hand_over(self) -> None:
        """Leave hosts that could not be put back to their watchdogs."""
        broken = [host for host in self._leased() if host.failed and not host.lost and host.guard and host.guard.armed]
        for host, outcome in self._on(broken, self._with_guard(lambda guard, host: guard.hand_over())):
            host.handed_over = not isinstance(outcome, DeployerError)

    def pause(self, stage: str) -> None:
        self._each(self._leased(), lambda guard, host: guard.pause(stage))

    def end(self) -> None:
        """Give the leases back; one that cannot be given back ends by itself, and is said."""
        holding = [self.hosts[name] for name in self.leases]
        outcomes = self._on([host for host in holding if not host.lost], self._give_back)
        for host, outcome in [*outcomes, *((host, _GONE) for host in holding if host.lost)]:
            if outcome is not True:
                why = outcome.message if isinstance(outcome, DeployerError) else "it was not ours any more"
                self.session.emit(Note(host=host.name, warning=True, message=f"its lock was not given back: {why}"))
            host.guard = None
        self.leases.clear()

    # leases

    def _take_all(self) -> None:
        """Lease every host or none; waits as long as asked, holding nothing meanwhile."""
        deadline = time.monotonic() + self.session.options.lock_wait
        while True:
            try:
                self._try_all()
                return
            except LockHeldError as error:
                self.end()
                if time.monotonic() >= deadline:
                    holder = error.message.removeprefix("locked by ")
                    raise held(error.host or "?", holder, self.session.environment) from error
                self.session.emit(Retrying(host=error.host or "?", message=f"{error.message}; waiting"))
            except BaseException:
                self.end()
                raise
            time.sleep(POLL)

    def _try_all(self) -> None:
        """The first host by name alone, then all others: of two runs at once, one gets everything."""
        ordered = sorted(self.hosts.values(), key=lambda host: host.name)
        _raise_first(self._on(ordered[:1], self._take))
        _raise_first(self._on(ordered[1:], self._take))

    def _take(self, host: HostRun) -> None:
        assert host.target.wanted is not None
        self.leases[host.name] = take_lease(
            host.target.remote, host.target.wanted.root, self.session.holder,
            ttl=host.target.lock_ttl, become=look_user(self.session, host),
        )  # fmt: skip

    def _give_back(self, host: HostRun) -> bool:
        lease = host.guard.lease if host.guard else self.leases[host.name]
        return drop_lease(host.target.remote, lease, become=look_user(self.session, host))

    # rollouts

    def _open(self, host: HostRun) -> None:
        """Write the rollout down; a host that an earlier run has switched is armed again at once."""
        assert host.release is not None
        again = host.open if self.session.going_on else None
        host.guard = Guard(
            remote=host.target.remote, become=look_user(self.session, host), lease=self.leases[host.name],
            holder=self.session.holder, project=host.release.project,
            undo=plan_undo(host.before, self._coming(host)), confirm_timeout=host.target.confirm_timeout,
        )  # fmt: skip
        by = self.session.holder
        host.guard.open(
            {
                "run": by.run, "release": again.release if again else host.release.id,
                "previous": host.before.id if host.before else None, "by": by.who, "since": by.since,
            },
            again=again is not None,
        )  # fmt: skip
        if again and again.switched:
            host.guard.arm()
        root, ask = host.guard.lease.root, self.session.questions
        host.drop([question(root) for question in (ask.rollout, ask.lock, ask.lease)])  # which this has changed

    def _coming(self, host: HostRun) -> Release:
        """The release that the undo undoes: what an open rollout was bringing, or what this run brings."""
        assert host.release is not None
        if self.session.going_on and host.open and host.installed:
            return host.installed.releases.get(host.open.release, host.release)
        return host.release

    def _leased(self) -> list[HostRun]:
        return [host for host in self.hosts.values() if host.guard]

    def _each(self, hosts: Iterable[HostRun], work: Callable[[Guard, HostRun], None]) -> None:
        """Do the same with hosts; a failure is noted on the host, and holds up no other."""
        for host, outcome in self._on(hosts, self._with_guard(work)):
            if isinstance(outcome, DeployerError) and not host.failed:
                _fail(host, outcome)

    def _with_guard(self, work: Callable[[Guard, HostRun], None]) -> Callable[[HostRun], None]:
        def guarded(host: HostRun) -> None:
            assert host.guard is not None
            work(host.guard, host)

        return guarded

    def _on(self, hosts: Iterable[HostRun], work: Callable[[HostRun], T]) -> list[tuple[HostRun, T | DeployerError]]:
        outcomes = side_by_side(work, hosts, self.session.options.forks)
        return [(self.hosts[name], outcome) for name, outcome in outcomes.items()]


def _fail(host: HostRun, error: DeployerError) -> None:
    host.failed, host.hint = error.message, error.hint


def _raise_first(outcomes: Iterable[tuple[HostRun, object]]) -> None:
    for _, outcome in outcomes:
        if isinstance(outcome, DeployerError):
            raise outcome


def _fresh(host: HostRun) -> Callable[[], Remote]:
    """Another connection to the host, which its report counts too."""

    def dial() -> Remote:
        assert host.target.fresh is not None
        host.witnesses.append(host.target.fresh())
        return host.witnesses[-1]

    return dial
