"""One play on the hosts of one batch: step by step, all hosts of a step side by side, as Ansible's linear strategy.

A host that fails leaves the steps it is in: for the `rescue` of the block around them, or for good. Which batches and
plays there are, and whether they go on, is `walk`'s part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from deployer.engine.flow import Flow
from deployer.engine.host import HostRun
from deployer.engine.ports import Session
from deployer.engine.scalars import flag_of, number_of
from deployer.engine.task import TaskRunner
from deployer.errors import DeployerError
from deployer.model.event import HostDoing, TaskDone, TaskStarted, TooManyFailed
from deployer.model.playbook import INCLUDE_TASKS, JOINING, META, Block, Play, Step, Task
from deployer.model.report import Status, TaskResult
from deployer.rollout.batches import exceeds
from deployer.rollout.tags import is_selected

Hosts = Sequence[HostRun]
ALWAYS = frozenset({"always"})


@dataclass
class BatchRun:
    """The hosts of a batch on their way through a play."""

    session: Session
    play: Play
    hosts: tuple[HostRun, ...]  # of the batch
    everyone: tuple[HostRun, ...]  # of the play
    runner: TaskRunner
    changed: set[str]  # hosts that the play has changed, or would
    done_once: dict[str, tuple[HostRun, TaskResult]]  # of tasks that say `once: rollout`, by their places
    confirm: Callable[[Task], bool] = lambda task: True  # whether a person wants the task to be run
    renew: Callable[[], None] = lambda: None  # told after a task that makes hosts or groups
    ended: set[str] = field(default_factory=set)  # hosts that have left the play without a failure
    halted: bool = False  # too many have failed: nothing more is run, no rescue and no handler either
    ends_play: bool = False

    def run(self) -> None:
        """Run the play's sections, each with its handlers."""
        flush = self._forced(self.flush) if self._flag(self.play.force_handlers) else self.flush
        for steps in self.play.sections:
            self.steps(steps, self.hosts)
            if is_selected(ALWAYS | self.play.tags, self.session.options.tags, self.session.options.skip_tags):
                flush(self.hosts)

    def steps(self, steps: Iterable[Step], hosts: Hosts, *, rescuing: bool = False) -> None:
        """Run steps on hosts, one after the other; `rescuing`: a block around them has a rescue."""
        for step in steps:
            live = self.live(hosts)
            if isinstance(step, Block):
                self.block(step, live, rescuing)
            elif live and is_selected(step.tags, self.session.options.tags, self.session.options.skip_tags):
                self.task(step, live, rescuing)

    def block(self, block: Block, hosts: Hosts, rescuing: bool) -> None:
        """Run a block's tasks, its rescue where they failed, and what is always to be run."""
        self.steps(block.tasks, hosts, rescuing=rescuing or bool(block.rescue))
        fallen = [host for host in hosts if self._can_go_on(host) and (host.failed or host.out)]
        if block.rescue and fallen and not self._is_over:
            for host in fallen:
                host.set_aside()
            self.steps(block.rescue, fallen, rescuing=rescuing)
        if block.always:
            self._forced(lambda some: self.steps(block.always, some, rescuing=rescuing))(hosts)

    def _forced(self, work: Callable[[Hosts], None]) -> Callable[[Hosts], None]:
        """Work that is done also where something has failed, which is remembered."""

        def forced(hosts: Hosts) -> None:
            able = [host for host in hosts if self._can_go_on(host)]
            if self._is_over or not able:
                return
            kept = [(host, host.set_aside()) for host in able]
            try:
                work(able)
            finally:
                for host, failure in kept:
                    host.take_up(failure)

        return forced

    def live(self, hosts: Hosts) -> list[HostRun]:
        """Those of the hosts that go on with the play."""
        if self._is_over:
            return []
        return [host for host in hosts if self._can_go_on(host) and not (host.failed or host.out)]

    def _can_go_on(self, host: HostRun) -> bool:
        return not host.lost and host.name not in self.ended

    @property
    def _is_over(self) -> bool:
        return self.halted or self.runner.stop.is_set()

    # tasks

    def task(self, task: Task, hosts: Hosts, rescuing: bool) -> None:
        """Run a task on hosts that are live, and see what its failures mean for the others."""
        flow = Flow(batch=self, rescuing=rescuing)
        if task.module == META:
            flow.meta(task, hosts)
            return
        if not self.confirm(task):
            return
        if task.module == INCLUDE_TASKS:
            flow.include(task, hosts)
            return
        self.do(task, hosts, rescuing=rescuing)

    def do(self, task: Task, hosts: Hosts, *, rescuing: bool, handler: bool = False) -> None:
        """Run a module, or only see which files an include names."""
        once = self.runner.flag(task.run_once, task, hosts[0])
        doing = hosts[:1] if once else hosts
        named = replace(task, name=self.name_of(task, hosts[0]))
        self._tell_play()
        names = tuple(host.name for host in doing)
        self.session.emit(TaskStarted(task=named.name, hosts=names, handler=handler, module=task.module))
        if task.once:
            self._once_in_rollout(named, doing, rescuing)
        else:
            results = self._side_by_side(named, doing, rescuing)
            if once:
                _share(results[0], hosts[0], hosts[1:])
        if task.module in JOINING:
            self.renew()
        self.runner.delegates.forget({host.name: host for host in self.hosts})
        self._see_failures(task, hosts, once=once or task.once, rescuing=rescuing)

    def name_of(self, task: Task, host: HostRun) -> str:
        """The task's name, filled in for the first host."""
        try:
            return str(self.runner.language.render(task.name, host.variables(self.play, task), place=task.place))
        except DeployerError:
            return task.name

    def _once_in_rollout(self, task: Task, hosts: Hosts, rescuing: bool) -> None:
        """Run on the first host of the first batch; all others get its result."""
        key = str(task.place)
        if key not in self.done_once:
            self.done_once[key] = hosts[0], self._on_host(task, hosts[0], rescuing)
        source, result = self.done_once[key]
        _share(result, source, [host for host in hosts if host is not source])

    def _on_host(self, task: Task, host: HostRun, rescuing: bool) -> TaskResult:
        self.session.emit(HostDoing(host=host.name, doing=task.name))
        result = self.runner.run(task, host, rescuing=rescuing)
        if result.status is Status.CHANGED:
            self.changed.add(host.name)
        self.session.emit(TaskDone(result=result))
        self.session.emit(HostDoing(host=host.name, doing=""))
        return result

    def _side_by_side(self, task: Task, hosts: Hosts, rescuing: bool) -> list[TaskResult]:
        """Run on all hosts at once; a ConfigError or a bug on one does not keep the others from being waited for."""
        throttle = int(number_of(self.runner.language, task.throttle, hosts[0].variables(self.play, task), task.place))
        most = min(self.session.options.forks, throttle) if throttle > 0 else self.session.options.forks
        with ThreadPoolExecutor(max_workers=max(1, min(most, len(hosts)))) as pool:
            futures = [pool.submit(self._on_host, task, host, rescuing) for host in hosts]
        return [future.result() for future in futures]

    # handlers

    def flush(self, hosts: Hosts, *, rescuing: bool = False) -> None:
        """Run the handlers that hosts have notified, in their own order, once each."""
        live = self.live(hosts)
        for host in live:
            self._due(host)
        for number, handler in enumerate(self.play.handlers):
            told = [host for host in self.live(live) if number in host.pending]
            for host in told:
                host.pending.discard(number)
            if told:
                self._handle(handler, told, rescuing)

    def _handle(self, handler: Task, hosts: Hosts, rescuing: bool) -> None:
        if handler.module in (META, INCLUDE_TASKS):
            self.task(handler, hosts, rescuing)
        else:
            self.do(handler, hosts, rescuing=rescuing, handler=True)
        for host in hosts:  # what a handler notifies is due at once, or at the next flush if it has had its turn
            self._due(host)

    def _due(self, host: HostRun) -> None:
        for number, handler in enumerate(self.play.handlers):
            if host.notified & {handler.name, *handler.listen}:
                host.pending.add(number)
        host.notified.clear()

    # failures

    def _see_failures(self, task: Task, hosts: Hosts, *, once: bool, rescuing: bool) -> None:
        """What the failures of a task mean for the hosts on which it did not fail."""
        bad = [host for host in hosts if host.failed]
        if not bad:
            return
        said = self.play.any_errors_fatal if task.any_errors_fatal is None else task.any_errors_fatal
        fatal = once or self._flag(said)
        if fatal and not self.runner.flag(task.ignore_errors, task, bad[0]):
            others = [host for host in self.hosts if not host.failed and self._can_go_on(host)]
            for host in others:
                host.out = True
            if once:  # as in Ansible, it is not the others whom a rescue is for
                self.ended |= {host.name for host in others}
        if not rescuing:
            self._tolerate(fatal)

    def _tolerate(self, fatal: bool) -> None:
        """Mark this batch's failed hosts as tolerated, or none of them: `max_fail_percentage` says."""
        counted = [host for host in self.hosts if host.failed and (self.session.is_rollout or not host.lost)]
        if self.play.max_fail_percentage is None or not counted:
            return
        variables = counted[0].variables(self.play)
        limit = number_of(self.runner.language, self.play.max_fail_percentage, variables, self.play.place)
        self.halted = exceeds(len(counted), len(self.hosts), limit)
        if self.halted:
            self.session.emit(TooManyFailed(failed=tuple(host.name for host in counted), of=len(self.hosts)))
        for host in counted:
            host.tolerated = not (self.halted or fatal or len(counted) == len(self.hosts))

    def _flag(self, value: bool | str) -> bool:
        """A keyword of the play."""
        if isinstance(value, bool):
            return value
        return flag_of(self.runner.language, value, self.hosts[0].variables(self.play), self.play.place)

    def _tell_play(self) -> None:
        """Renew what templates know about the play's hosts."""
        live = [host.name for host in self.everyone if not (host.failed or host.out or host.lost)]
        mine = {host.name for host in self.hosts}
        about = {
            "ansible_play_name": self.play.name,
            "ansible_play_hosts_all": [host.name for host in self.everyone],
            "ansible_play_hosts": live,
            "ansible_play_batch": [name for name in live if name in mine],
            "play_hosts": [name for name in live if name in mine],
        }
        for host in self.hosts:
            host.about_play = about


def _share(result: TaskResult, source: HostRun, others: Hosts) -> None:
    """Let other hosts know what one has learnt for all of them."""
    for host in others:
        for name in result.learned:
            known = source.registered if name in source.registered else source.included
            (host.registered if name in source.registered else host.included)[name] = known[name]
