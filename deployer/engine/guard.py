"""What stands between a run and a host: the lease that fences it, the journal, the undo armed before a switch."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from deployer.engine import room
from deployer.engine.lease import FENCED, admission, fence_within, fenced, read_holder, renewal, take_lease
from deployer.engine.steps import render
from deployer.errors import CommandError, DeployerError, RollbackError
from deployer.model.action import Action
from deployer.model.connection import Result
from deployer.model.lock import Holder, Lease
from deployer.protocols import Remote


@dataclass
class Guard:
    """One host of a rollout, from its lease to the end of the rollout."""

    remote: Remote
    become: str | None
    lease: Lease
    holder: Holder
    project: str
    undo: tuple[Action, ...]
    confirm_timeout: int  # seconds after which an unconfirmed switch undoes itself
    armed: bool = False
    lost: bool = False  # the host has refused us: the lease is not ours any more
    witness: Remote | None = field(default=None, repr=False)  # the new connection over which it is confirmed

    @property
    def host(self) -> str:
        return self.remote.name

    def prologue(self, become: str | None) -> str:
        """Shell that a changing script begins with: no valid lease, no change; and `note` for the journal.

        A script of another user than the lease's cannot see the room: it is let in by an exchange of its own, and
        `note` is silent. Raises FencedError then.
        """
        if become != self.become:
            self._do("")
            return "note() { :; }\n"
        folder = shlex.quote(f"{self.lease.root}/.deploy")
        note = f'note() ( cd {folder} || exit 1; umask 077\n{room.JOURNAL}journal "$1" )\n'
        return f"{admission(self.lease)}{note}"

    def note(self, event: str, action: Action, number: int) -> str:
        """Shell that writes a step's begin or end to the journal; the end adds the status in `$rc`."""
        line = room.journal_line(event=event, run=self.holder.run, step=number, title=action.title)
        inner = line.removeprefix("journal ").rstrip("\n")
        return f'note {inner}",\\"status\\":$rc"\n' if event == "end" else f"note {inner}\n"

    def open(self, rollout: Mapping[str, object], *, again: bool) -> None:
        """Write down that a rollout begins, or that this run takes one up."""
        self._do(room.opening(rollout, again=again, timeout=self.confirm_timeout))

    def stage(self) -> None:
        """Note that the fleet is prepared: whoever finds this rollout may finish it."""
        self._do(room.staging())

    def arm(self) -> None:
        """Before the first change of what serves: from now on the host goes back by itself unless it is confirmed."""
        if not self.armed:
            self._do(room.arming(self.project, self.lease.root, render_undo(self.undo), self.confirm_timeout))
            self.armed = True

    def make_ready(self, fresh: Callable[[], Remote]) -> None:
        """Ask over a connection of its own whether the host may be confirmed; that stays open for the confirmation.

        Raises RollbackError if the host has gone back already, ConnectError if it cannot be reached anew.
        """
        if self.armed:
            self.witness = fresh()
            self._do(room.readying(self.confirm_timeout), remote=self.witness)

    def confirm(self) -> None:
        """Disarm what was made ready. Raises RollbackError if the host has gone back already."""
        if self.witness is not None:
            self._do(room.confirming(self.project), remote=self.witness)
            self.armed = False

    def dismiss(self) -> None:
        """Let go of the connection that was made for the confirmation."""
        if self.witness is not None:
            self.witness.close()
            self.witness = None

    def close(self, event: str) -> None:
        """End the rollout on this host; only the journal stays."""
        self._do(room.closing(self.project, event))
        self.armed = False

    def hand_over(self) -> None:
        """Let the watchdog put the host back, which tries for longer than we do, and over reboots."""
        self._do(room.handing_over())

    def pause(self, stage: str) -> None:
        """Let what serves stay, disarmed, until somebody goes on with the rollout."""
        self._do(room.pausing(self.project, stage))
        self.armed = False

    def beat(self) -> None:
        """Renew the lease and, where a switch is armed, its deadline; a refusal is noted, a lost connection is not."""
        script = renewal(self.lease) + room.prolonging(self.lease.root, self.confirm_timeout)
        with suppress(DeployerError):
            result = self.remote.run(script, become=self.become, timeout=max(2, self.lease.ttl / 2), lane="heart")
            self.lost = self.lost or result.status == FENCED

    def regain(self) -> None:
        """Take the lease anew, to put the host back: given only if nobody else has had it since it was lost.

        Raises LockHeldError while the watchdog is at work, FencedError if the host is another run's now.
        """
        if self.lost:
            self.lease = take_lease(
                self.remote, self.lease.root, self.holder, ttl=self.lease.ttl, become=self.become, after=self.lease
            )
            self.lost = self.armed = False

    def check(self, result: Result) -> Result:
        """Raise FencedError if the host has refused a script, RollbackError if its watchdog has, else CommandError."""
        if result.status == FENCED:
            self.lost = True
            other = read_holder(result.stderr.strip().rpartition("\n")[2])
            raise fenced(self.host, other if other and other.run != self.holder.run else None)
        if result.status == room.GONE_BACK:
            self.lost = True
            raise RollbackError("the host has gone back by itself: it was not confirmed in time", host=self.host)
        if result.status != 0:
            raise CommandError(
                f"the rollout could not be noted on the host: {(result.stderr or result.stdout).strip()[-300:]}",
                status=result.status,
                host=self.host,
            )
        return result

    def _do(self, script: str, *, remote: Remote | None = None) -> Result:
        text = room.enter(self.lease.root) + fence_within(self.lease) + script
        return self.check((remote or self.remote).run(text, become=self.become, timeout=60))


def render_undo(actions: Sequence[Action]) -> str:
    """The undo as a shell script of its own; it may be run again."""
    return "PATH=$PATH:/usr/sbin:/sbin\n" + "".join(
        f"( set -e\n{render(one, 'undo')}\n) || exit 1\n" for one in actions
    )


class Heart:
    """Beats for all hosts of a rollout while it lasts."""

    def __init__(self, guards: Sequence[Guard], period: float) -> None:
        self._guards = guards
        self._period = period
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._beat, args=(guard,), daemon=True) for guard in guards]

    def __enter__(self) -> Heart:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _beat(self, guard: Guard) -> None:
        while not self._end.wait(self._period):
            guard.beat()
