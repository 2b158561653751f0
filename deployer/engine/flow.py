"""Steps that change what runs where: `meta`, and `include_tasks`, whose files are read when their turn has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from deployer.engine.host import HostRun
from deployer.engine.results import failed
from deployer.errors import ConfigError
from deployer.model.event import Included, MetaDone, Note, TaskDone, TaskStarted
from deployer.model.playbook import Step, Task
from deployer.model.report import Status, TaskResult

if TYPE_CHECKING:
    from deployer.engine.batch import BatchRun

_OF_RESULTS = ("include", "changed", "failed", "skipped")  # what is no variable of an included file


@dataclass
class Inclusion:
    """A file, the variables that its tasks get, and the hosts that include it so."""

    file: str
    variables: Mapping[str, Any]
    hosts: list[HostRun] = field(default_factory=list)


@dataclass(frozen=True)
class Flow:
    """The flow of one batch through such steps."""

    batch: BatchRun
    rescuing: bool

    def meta(self, task: Task, hosts: Sequence[HostRun]) -> None:
        """Do what `meta` says where its condition holds; some are decided by the first host for all."""
        word = task.args["action"]
        if word in ("flush_handlers", "end_host"):
            mine = [host for host in hosts if self._takes(task, host)]
            if word == "end_host":
                self.batch.ended |= {host.name for host in mine}
            else:
                self.batch.flush(mine, rescuing=self.rescuing)
        elif word == "noop":
            for host in hosts:
                self._tell(task, host)
        elif self._takes(task, hosts[0]):
            self._for_all(word)

    def _takes(self, task: Task, host: HostRun) -> bool:
        """Whether it is to be done for a host, which is told."""
        holds = self._holds(task, host)
        self._tell(task, host, "" if holds else f"{task.args['action']}: its condition is false")
        return holds

    def _tell(self, task: Task, host: HostRun, skipped: str = "") -> None:
        name = self.batch.name_of(task, host)
        self.batch.session.emit(MetaDone(host=host.name, task=name, skipped=skipped))

    def _holds(self, task: Task, host: HostRun) -> bool:
        variables = host.variables(self.batch.play, task)
        return self.batch.runner.language.test(task.when, variables, place=task.place)

    def _for_all(self, word: str) -> None:
        hosts = self.batch.hosts
        if word == "clear_facts":
            for host in hosts:
                host.seen = {}
                host.target.facts.clear()
        elif word == "clear_host_errors":
            self._clear_errors(hosts)
        else:
            self.batch.ended |= {host.name for host in hosts}
            self.batch.ends_play = word == "end_play"

    def _clear_errors(self, hosts: Sequence[HostRun]) -> None:
        """Let failed hosts take part in later plays; a rollout does not forget a failure: it goes back."""
        if self.batch.session.is_rollout:
            message = "clear_host_errors means nothing in a rollout: a host that failed goes back"
            self.batch.session.emit(Note(warning=True, message=message))
            return
        for host in hosts:
            if host.failed or host.out:
                self.batch.ended.add(host.name)
            host.set_aside()
            host.lost = False

    def include(self, task: Task, hosts: Sequence[HostRun]) -> None:
        """Run the tasks of the files that hosts include, those that include the same together."""
        batch = self.batch
        once = batch.runner.flag(task.run_once, task, hosts[0])
        hosts = hosts[:1] if once else hosts
        named = replace(task, name=batch.name_of(task, hosts[0]))
        names = tuple(host.name for host in hosts)
        batch.session.emit(TaskStarted(task=named.name, hosts=names, module=task.module))
        found: list[Inclusion] = []
        for host in hosts:
            result = batch.runner.tried(named, host)
            if result.status is Status.OK:
                batch.runner.settle(named, host, result)
                _gather(found, host, result)
            else:
                self._note(named, host, result)
        for inclusion, steps in [(one, self._read(named, one)) for one in found]:
            batch.steps(steps, inclusion.hosts, rescuing=self.rescuing)

    def _read(self, task: Task, inclusion: Inclusion) -> tuple[Step, ...]:
        """The steps of a file, and a result for each host; one that cannot be read fails the hosts that include it."""
        try:
            steps = self.batch.runner.language.included(task, inclusion.file, inclusion.variables)
        except ConfigError as error:
            for host in inclusion.hosts:
                self._note(task, host, failed(task, host, error))
            return ()
        names = tuple(host.name for host in inclusion.hosts)
        path = steps[0].place.path if steps else inclusion.file
        self.batch.session.emit(Included(path=path, hosts=names, label=self._label(task, inclusion)))
        for host in inclusion.hosts:
            message = f"included: {inclusion.file}"
            self._note(task, host, TaskResult(host=host.name, task=task.name, status=Status.OK, message=message))
        return steps

    def _label(self, task: Task, inclusion: Inclusion) -> str:
        """What the item is called for which a file is included; nothing without a loop."""
        if task.loop is None:
            return ""
        variables = {**inclusion.hosts[0].variables(self.batch.play, task), **inclusion.variables}
        return self.batch.runner.label(task, variables)

    def _note(self, task: Task, host: HostRun, result: TaskResult) -> None:
        settled = result
        if result.status is not Status.OK:
            settled = self.batch.runner.settle(task, host, result, rescuing=self.rescuing)
        host.results.append(settled)
        self.batch.session.emit(TaskDone(result=settled))


def _gather(found: list[Inclusion], host: HostRun, result: TaskResult) -> None:
    """Add what a host includes: to the same of other hosts where it has not got it yet, as Ansible groups them."""
    for data in result.data.get("results", [result.data]):
        if "include" not in data:
            continue
        variables = {name: value for name, value in data.items() if name not in _OF_RESULTS}
        same = (
            one for one in found
            if (one.file, one.variables) == (data["include"], variables) and host not in one.hosts
        )  # fmt: skip
        mine = next(same, None)
        if mine is None:
            mine = Inclusion(file=data["include"], variables=variables)
            found.append(mine)
        mine.hosts.append(host)
