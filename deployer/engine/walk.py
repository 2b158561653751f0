"""The walk: plays and their batches, one after the other, and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from threading import Event as Flag

from deployer.engine.batch import BatchRun
from deployer.engine.delegates import Delegates
from deployer.engine.host import HostRun
from deployer.engine.person import Stepper
from deployer.engine.ports import Emit, Session
from deployer.engine.start import reach
from deployer.engine.task import TaskRunner
from deployer.errors import ConfigError, DeployerError
from deployer.model.event import BatchStarted, Note, PlayStarted
from deployer.model.playbook import Play, Playbook
from deployer.model.report import TaskResult
from deployer.rollout.batches import Batch, batches, ordered


@dataclass
class Walk:
    """One walk through a playbook.

    A rollout stops after the batch in which a host failed, unless `max_fail_percentage` lets the others go on. Without
    a release, hosts that fail are left behind, and it stops when none of a batch is left: as Ansible does.
    """

    session: Session
    hosts: dict[str, HostRun]
    emit: Emit
    stop: Flag = field(default_factory=Flag)  # set by another thread: start no further task
    switched: list[Batch] = field(default_factory=list)  # batches in which hosts were touched, in order
    paused: str | None = None  # "batch 1 of 3": where it paused
    before_batches: Callable[[], None] = lambda: None  # told once, when all that goes before the batches is done
    changed: set[str] = field(default_factory=set)  # hosts that the play has changed, or would
    done_once: dict[str, tuple[HostRun, TaskResult]] = field(default_factory=dict)  # tasks that say `once: rollout`

    def __post_init__(self) -> None:
        self.session = replace(self.session, emit=self.emit)
        self.delegates = Delegates(self.session, self.hosts)
        self.roster = self.session.roster
        if self.roster and self.session.options.rehearsal:
            self.roster = self.roster.fork()
        self.everyone: tuple[HostRun, ...] = ()  # the hosts of the play that is run
        self.stepper = Stepper(self.session.options, self.emit, self.stop)

    def run(self, playbook: Playbook) -> None:
        """Walk all plays; returns early when too much has failed or `stop` is set."""
        try:
            self._plays(playbook)
        finally:
            self.delegates.close()

    def _plays(self, playbook: Playbook) -> None:
        told = False
        for play in playbook.plays:
            if play.serial is not None and not told:
                told = True
                self.before_batches()
            if not self._play(play):
                return

    def _play(self, play: Play) -> bool:
        """Run a play, batch by batch; True if the walk may go on."""
        so_far: Batch = ()
        self.changed = set()
        for number, of, batch in self._batches(play):
            so_far += batch
            if self.changed and not self.session.options.check:
                for name in batch:  # the batches before took their time: what was seen before them may be past
                    self.hosts[name].forget()
            run = self._run(play, batch)
            if not self._batch(run) or not self._after_batch(play, so_far):
                return False
            if self._pauses(play, number, of):
                return False
            if run.ends_play:
                break
        return True

    def _batch(self, run: BatchRun) -> bool:
        """Run a play's steps and handlers on a batch; True if the walk may go on."""
        before = {host.name: host.touches for host in run.hosts}
        failed = {host.name for host in run.hosts if host.failed or host.out}
        for host in run.hosts:
            host.notified, host.pending = set(), set()
        try:
            run.run()
        finally:
            switched = tuple(host.name for host in run.hosts if host.touches > before[host.name])
            self.switched += [switched] if switched else []
        if self.stop.is_set() or run.halted:
            return False
        if self.session.is_rollout:
            return not self._has_failed(run.hosts)
        return any(host.name in failed or not (host.failed or host.out) for host in run.hosts)

    def _has_failed(self, hosts: tuple[HostRun, ...]) -> bool:
        """Whether a rollout must end for these hosts."""
        bad = any(host.failed and not host.tolerated for host in hosts)
        return bad or all(host.failed or host.out for host in hosts)

    def _after_batch(self, play: Play, so_far: Batch) -> bool:
        """Look after all hosts of the batches so far, if the play has changed any; True if the walk may go on."""
        if not play.after_batch:
            return True
        run = self._run(play, so_far)
        if self.changed & set(so_far):
            run.steps(play.after_batch, run.hosts)
        return not (self.stop.is_set() or run.halted or self._has_failed(run.hosts))

    def _pauses(self, play: Play, number: int, of: int) -> bool:
        """True after the batch that `pause_after` names, in the plays that go batch by batch."""
        if play.serial is not None and number < of and number == self._pause_after(play):
            self.paused = f"batch {number} of {of}"
        return self.paused is not None

    def _pause_after(self, play: Play) -> int | None:
        """The batch that the command line names, or the play."""
        told = self.session.options.pause_after
        if told is not None or play.pause_after is None:
            return told
        variables = next(iter(self.hosts.values())).variables(play)
        number = self.session.language.render(play.pause_after, variables, place=play.place)
        return None if number is None else int(number)

    def _batches(self, play: Play) -> Iterator[tuple[int, int, Batch]]:
        hosts = self._hosts_of(play)
        first = self.hosts[hosts[0]] if hosts else next(iter(self.hosts.values()))
        self.emit(PlayStarted(play=self._name_of(play, first), hosts=hosts))
        if not hosts:
            return
        serial = self.session.language.render(play.serial, first.variables(play), place=play.place)
        cut = batches(hosts, serial)
        self.everyone = tuple(self.hosts[name] for name in hosts)
        for number, batch in enumerate(cut, 1):
            if len(cut) > 1:
                self.emit(BatchStarted(number=number, of=len(cut), hosts=batch))
            yield number, len(cut), batch

    def _name_of(self, play: Play, host: HostRun) -> str:
        """The play's name, filled in for a host."""
        try:
            return str(self.session.language.render(play.name, host.variables(play), place=play.place))
        except DeployerError:
            return play.name

    def _hosts_of(self, play: Play) -> tuple[str, ...]:
        """Its hosts among those of this run; a pattern may be a template over what all hosts share."""
        any_host = next(iter(self.hosts.values()))
        pattern = self.session.language.render(play.hosts, any_host.variables(play), place=play.place)
        names = self.roster.on(str(pattern), self._doubt) if self.roster else self.session.plays_on(str(pattern))
        return ordered(self._met(names), play.order, self.session.holder.run)

    def _doubt(self, message: str) -> None:
        self.emit(Note(warning=True, message=message))

    def _met(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the names that take part; hosts that tasks have added are met now."""
        new = {}
        for name in names if self.roster else ():
            if name not in self.hosts and self.roster:
                target = self.roster.target(name)
                new[name] = self.hosts[name] = HostRun(target=target, registered=target.learnt)
        for name, error in reach(self.session, new).items() if new else ():
            self.hosts[name].failed, self.hosts[name].hint, self.hosts[name].lost = error.message, error.hint, True
        return tuple(name for name in names if name in self.hosts)

    def _renew(self) -> None:
        """Tell every host what it is told after hosts or groups have joined."""
        for host in self.hosts.values() if self.roster else ():
            if self.roster:
                host.target = self.roster.renewed(host.target)

    def _run(self, play: Play, batch: Batch) -> BatchRun:
        runner = TaskRunner(
            play=play, language=self.session.language, emit=self.emit, options=self.session.options,
            delegates=self.delegates, roster=self.roster, stop=self.stop,
        )  # fmt: skip
        return BatchRun(
            session=self.session, play=play, hosts=tuple(self.hosts[name] for name in batch),
            everyone=self.everyone, runner=runner, changed=self.changed, done_once=self.done_once,
            confirm=self.stepper.wants, renew=self._renew,
        )  # fmt: skip


def rehearse(session: Session, hosts: dict[str, HostRun]) -> list[TaskResult] | None:
    """The results of a walk that applies nothing and says nothing, failures too; None if it cannot be foretold."""
    options = replace(session.options, check=True, rehearsal=True, diff=None, differ=None, step=False, ask=None)
    shadows = {name: host.shadow() for name, host in hosts.items()}
    walk = Walk(session=replace(session, options=options), hosts=shadows, emit=lambda event: None)
    try:
        walk.run(session.playbook)
    except ConfigError:
        return None
    return [result for host in shadows.values() for result in host.results]
