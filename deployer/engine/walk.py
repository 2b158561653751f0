"""The walk: plays, batches, tasks; hosts of a batch side by side, task by task, as Ansible's linear strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event as Flag

from deployer.engine.host import HostRun
from deployer.engine.ports import Emit, Session
from deployer.engine.task import TaskRunner
from deployer.errors import ConfigError
from deployer.model.event import BatchStarted, HostDoing, PlayStarted, TaskDone, TaskStarted
from deployer.model.playbook import Play, Playbook, Task
from deployer.model.report import Status, TaskResult
from deployer.rollout.batches import Batch, batches, exceeds, ordered
from deployer.rollout.tags import is_selected


@dataclass
class Walk:
    """One walk through a playbook. It stops after the batch in which a host failed."""

    session: Session
    hosts: dict[str, HostRun]
    emit: Emit
    stop: Flag = field(default_factory=Flag)  # set by another thread: start no further task
    switched: list[Batch] = field(default_factory=list)  # batches in which hosts were touched, in order
    paused: str | None = None  # "batch 1 of 3": where it paused
    before_batches: Callable[[], None] = lambda: None  # told once, when all that goes before the batches is done
    changed: set[str] = field(default_factory=set)  # hosts that the play has changed, or would
    done_once: dict[int, tuple[HostRun, TaskResult]] = field(default_factory=dict)  # of tasks that say `once: rollout`

    def run(self, playbook: Playbook) -> None:
        """Walk all plays; returns early when a host failed or `stop` is set."""
        told = False
        for play in playbook.plays:
            if play.serial is not None and not told:
                told = True
                self.before_batches()
            so_far: Batch = ()
            self.changed = set()
            for number, of, batch in self._batches(play):
                so_far += batch
                if not self._batch(play, batch) or not self._after_batch(play, so_far):
                    return
                if self._pauses(play, number, of):
                    return

    def _after_batch(self, play: Play, so_far: Batch) -> bool:
        """Look after all hosts of the batches so far, if the play has changed any; True if the walk may go on."""
        if play.after_batch and self.changed & set(so_far):
            runner = self._runner(play)
            for task in self._selected(play.after_batch):
                self._task(runner, task, self._live(so_far))
        return not self._must_stop(so_far, fatal=True)

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
        if not hosts:
            return
        first = self.hosts[hosts[0]]
        serial = self.session.language.render(play.serial, first.variables(play), place=play.place)
        self.emit(PlayStarted(play=play.name, hosts=hosts))
        cut = batches(hosts, serial)
        for number, batch in enumerate(cut, 1):
            if len(cut) > 1:
                self.emit(BatchStarted(number=number, of=len(cut), hosts=batch))
            yield number, len(cut), batch

    def _hosts_of(self, play: Play) -> tuple[str, ...]:
        """Its hosts among those of this run; a pattern may be a template over what all hosts share."""
        any_host = next(iter(self.hosts.values()))
        pattern = self.session.language.render(play.hosts, any_host.variables(play), place=play.place)
        names = tuple(name for name in self.session.plays_on(str(pattern)) if name in self.hosts)
        return ordered(names, play.order, self.session.holder.run)

    def _batch(self, play: Play, batch: Batch) -> bool:
        """Run a play's tasks and handlers on a batch; True if the walk may go on."""
        runner = self._runner(play)
        before = {name: self.hosts[name].touches for name in batch}
        fatal = self._is_fatal(play, batch)
        try:
            for task in self._selected(play.tasks):
                self._task(runner, task, self._live(batch))
                self._tolerate(play, batch)
                if self._must_stop(batch, fatal=fatal or play.max_fail_percentage is not None):
                    break
            else:
                self._handlers(runner, play, batch)
        finally:
            switched = tuple(name for name in batch if self.hosts[name].touches > before[name])
            self.switched += [switched] if switched else []
        return not self._must_stop(batch, fatal=play.max_fail_percentage is None or fatal)

    def _runner(self, play: Play) -> TaskRunner:
        return TaskRunner(
            play=play, language=self.session.language, emit=self.emit, options=self.session.options, stop=self.stop
        )

    def _selected(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks that --tags and --skip-tags leave."""
        options = self.session.options
        return [task for task in tasks if is_selected(task.tags, options.tags, options.skip_tags)]

    def _is_fatal(self, play: Play, batch: Batch) -> bool:
        """Whether the play's first failure on a host of the batch is one for all of them."""
        if isinstance(play.any_errors_fatal, bool):
            return play.any_errors_fatal
        variables = self.hosts[batch[0]].variables(play)
        return self.session.language.test((play.any_errors_fatal,), variables, place=play.place)

    def _must_stop(self, batch: Batch, *, fatal: bool) -> bool:
        if self.stop.is_set():
            return True
        failed = any(self.hosts[name].failed and not self.hosts[name].tolerated for name in batch)
        return failed and (fatal or not self._live(batch))

    def _tolerate(self, play: Play, batch: Batch) -> None:
        """Mark this batch's failed hosts as tolerated, or none of them: `max_fail_percentage` says."""
        failed = [self.hosts[name] for name in batch if self.hosts[name].failed]
        if play.max_fail_percentage is None or not failed:
            return
        variables = failed[0].variables(play)
        limit = self.session.language.render(play.max_fail_percentage, variables, place=play.place)
        for host in failed:
            host.tolerated = not exceeds(len(failed), len(batch), float(limit)) and len(failed) < len(batch)

    def _live(self, batch: Batch) -> tuple[HostRun, ...]:
        return tuple(self.hosts[name] for name in batch if not self.hosts[name].failed)

    def _handlers(self, runner: TaskRunner, play: Play, batch: Batch) -> None:
        for handler in play.handlers:
            topics = {handler.name, *handler.listen}
            hosts = tuple(host for host in self._live(batch) if host.notified & topics)
            if hosts:
                self._task(runner, handler, hosts, handler=True)

    def _task(self, runner: TaskRunner, task: Task, hosts: Sequence[HostRun], *, handler: bool = False) -> None:
        if not hosts or self.stop.is_set():
            return
        self.emit(TaskStarted(task=task.name, hosts=tuple(host.name for host in hosts), handler=handler))
        if task.once:
            self._once(runner, task, hosts)
            return
        once = task.run_once
        if isinstance(once, str):
            once = runner.language.test((once,), hosts[0].variables(runner.play, task), place=task.place)
        if not once:
            self._side_by_side(lambda host: self._on_host(runner, task, host), hosts)
            return
        _copy(runner, task, (hosts[0], self._on_host(runner, task, hosts[0])), hosts[1:])

    def _once(self, runner: TaskRunner, task: Task, hosts: Sequence[HostRun]) -> None:
        """Run on the first host of the first batch; all others get its result."""
        if id(task) not in self.done_once:
            self.done_once[id(task)] = hosts[0], self._on_host(runner, task, hosts[0])
            hosts = hosts[1:]
        _copy(runner, task, self.done_once[id(task)], hosts)

    def _on_host(self, runner: TaskRunner, task: Task, host: HostRun) -> TaskResult:
        self.emit(HostDoing(host=host.name, doing=task.name))
        result = runner.run(task, host)
        if result.status is Status.CHANGED:
            self.changed.add(host.name)
        self.emit(TaskDone(result=result))
        self.emit(HostDoing(host=host.name, doing=""))
        return result

    def _side_by_side(self, work: Callable[[HostRun], TaskResult], hosts: Sequence[HostRun]) -> None:
        """Run on all hosts at once; a ConfigError or a bug on one does not keep the others from being waited for."""
        with ThreadPoolExecutor(max_workers=max(1, min(self.session.options.forks, len(hosts)))) as pool:
            futures = [pool.submit(work, host) for host in hosts]
        for future in futures:
            future.result()


def _copy(runner: TaskRunner, task: Task, done: tuple[HostRun, TaskResult], hosts: Sequence[HostRun]) -> None:
    """Note one host's result on others."""
    source, result = done
    for host in hosts:
        runner.settle(task, host, replace(result, host=host.name, actions=(), status=_copied(result.status)))
        for name in result.learned:  # what was said, also where nobody may read it in the result
            host.registered[name] = source.registered[name]


def _copied(status: Status) -> Status:
    """What a run_once result means to the other hosts of the batch: a failure fails them all, as in Ansible."""
    return Status.OK if status is Status.CHANGED else status


def rehearse(session: Session, hosts: dict[str, HostRun]) -> list[TaskResult] | None:
    """The results of a walk that applies nothing and says nothing; None if it cannot be foretold."""
    quiet = replace(session, options=replace(session.options, check=True, diff=None))
    shadows = {name: host.shadow() for name, host in hosts.items()}
    walk = Walk(session=quiet, hosts=shadows, emit=lambda event: None)
    try:
        walk.run(session.playbook)
    except ConfigError:
        return None
    if any(host.failed for host in shadows.values()):
        return None
    return [result for host in shadows.values() for result in host.results]
