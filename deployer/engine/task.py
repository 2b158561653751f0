"""One task on one host: template, look, plan, apply, and what it says afterwards."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from typing import Any

from deployer.engine.apply import Applied, Applier, hidden, with_environment
from deployer.engine.host import HostRun
from deployer.engine.inputs import read_inputs
from deployer.engine.look import look
from deployer.engine.ports import Emit, Language, Options, Variables
from deployer.engine.results import censored, collected, failed, performed, skipped
from deployer.errors import CommandError, ConnectError, DeployerError, PlaybookError, UndecidedError
from deployer.model.action import Action
from deployer.model.playbook import Play, Task
from deployer.model.report import Status, TaskResult
from deployer.protocols import Fact, Facts, Module, Returning, Saying


class SeenOnHost:
    """The answers of one host, as modules read them."""

    def __init__(self, answers: Mapping[Fact[Any], Any]) -> None:
        self._answers = answers

    def __getitem__(self, fact: Fact[Any]) -> Any:
        return self._answers[fact]


@dataclass(frozen=True, kw_only=True)
class TaskRunner:
    """Runs tasks of one play."""

    play: Play
    language: Language
    emit: Emit
    options: Options
    stop: Flag = field(default_factory=Flag)  # set: a gate need not wait for its verdict

    def run(self, task: Task, host: HostRun) -> TaskResult:
        """Run a task on a host; a failure is a result. Notes on the host: results, registered, notified, failed."""
        start = time.monotonic()
        try:
            result = self._run(task, host)
        except DeployerError as error:
            result = failed(task, host, error)
        result = replace(result, seconds=time.monotonic() - start, place=str(task.place))
        return self.settle(task, host, result)

    def settle(self, task: Task, host: HostRun, result: TaskResult) -> TaskResult:
        """Note a result on a host; what comes back is for everybody's eyes."""
        if result.status is Status.FAILED and self._flag(task.ignore_errors, task, host):
            result = replace(result, status=Status.IGNORED)
        result = self._learn(task, host, result)
        if self._flag(task.no_log, task, host):
            result = censored(result)
        host.results.append(result)
        if result.status is Status.CHANGED:
            host.notified.update(task.notify)
        if result.failed:
            host.failed, host.hint = f"{task.name}: {result.message}", result.hint
            host.lost = host.lost or result.status is Status.UNREACHABLE
        return result

    def _learn(self, task: Task, host: HostRun, result: TaskResult) -> TaskResult:
        """Note the variables that a result gives a host: what is registered, and facts that were set."""
        facts = dict(result.data.get("ansible_facts", {}))
        told = {**facts, task.register: dict(result.data)} if task.register else facts
        host.registered.update(self.language.literal(told))
        return replace(result, learned=tuple(told))

    def _flag(self, value: bool | str, task: Task, host: HostRun) -> bool:
        if isinstance(value, bool):
            return value
        return self.language.test((value,), host.variables(self.play, task), place=task.place)

    def _run(self, task: Task, host: HostRun) -> TaskResult:
        variables = host.variables(self.play, task)
        if task.loop is None:
            if not self.language.test(task.when, variables, place=task.place):
                return skipped(task, host)
            return self._once(task, host, variables)
        items = self.language.render(task.loop, variables, place=task.place)
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise PlaybookError(f"`loop` must be a list, got {type(items).__name__}", place=task.place)
        results: list[TaskResult] = []
        for item in items:
            result = self._item(task, host, {**host.variables(self.play, task), "item": item})
            results.append(self._learn(replace(task, register=None), host, result))
        return collected(task, host, results)

    def _item(self, task: Task, host: HostRun, variables: Variables) -> TaskResult:
        if not self.language.test(task.when, variables, place=task.place):
            return skipped(task, host)
        try:
            return self._once(task, host, variables)
        except ConnectError:
            raise
        except DeployerError as error:
            return failed(task, host, error)

    def _once(self, task: Task, host: HostRun, variables: Variables) -> TaskResult:
        """Without a loop, or one item of it: the four rooms, one after the other."""
        module = read_inputs(self.language.bind(task, variables), self.language, variables, place=task.place)
        become = host.become(self.play, task)
        seen = self._look(task, host, module)
        actions = self._plan(task, host, module, seen, variables)
        if self._flag(task.no_log, task, host):
            actions = tuple(map(hidden, actions))
        applied, failure = Applied(), None
        applier = Applier(
            host=host,
            task=task.name,
            become=become,
            emit=self.emit,
            diff=self.options.diff,
            stop=self.stop,
            ask=self.options.ask,
        )
        if self.options.check:
            for action in actions:
                applier.announce(action, planned=True)
                applied.planned(action)
        elif actions:
            failure = self._apply(applier, actions, applied)
        values = module.returns(seen, applied.outcomes) if isinstance(module, Returning) else {}
        says = module.says() if isinstance(module, Saying) else None
        return self._judge(task, host, variables, performed(task, host, applied, failure, {"says": says, **values}))

    def _look(self, task: Task, host: HostRun, module: Module) -> Facts:
        """What the module asks for, as it is before anything is done."""
        missing = [fact for fact in module.facts() if fact not in host.seen]
        if missing:
            host.seen.update(look(host.target.remote, missing, become=host.become(self.play, task)))
        return SeenOnHost(host.seen)

    def _plan(self, task: Task, host: HostRun, module: Module, seen: Facts, variables: Variables) -> tuple[Action, ...]:
        try:
            actions = tuple(module.plan(seen))
        except ValueError as wrong:
            raise CommandError(
                getattr(wrong, "message", str(wrong)), status=None, host=host.name, hint=getattr(wrong, "hint", None)
            ) from wrong
        environment = self.language.render({**self.play.environment, **task.environment}, variables, place=task.place)
        return with_environment(actions, environment) if environment else actions

    def _apply(self, applier: Applier, actions: Sequence[Action], applied: Applied) -> DeployerError | None:
        try:
            applier.apply(actions, applied)
        except ConnectError:
            raise
        except DeployerError as error:
            applier.host.undecided = isinstance(error, UndecidedError)
            return error
        finally:
            applier.host.forget()
        return None

    def _judge(self, task: Task, host: HostRun, variables: Variables, result: TaskResult) -> TaskResult:
        """changed_when and failed_when have the last word."""
        if self.options.check or (task.changed_when is None and task.failed_when is None):
            return result
        said = {task.register: self.language.literal(dict(result.data))} if task.register else {}
        own = {**variables, **said}
        failed, changed = result.failed, result.status is Status.CHANGED
        if task.failed_when is not None:
            failed = self.language.test(task.failed_when, own, place=task.place)
        if task.changed_when is not None:
            changed = self.language.test(task.changed_when, own, place=task.place)
        status = Status.FAILED if failed else Status.CHANGED if changed else Status.OK
        message = result.message or ("failed_when is true" if failed else "")
        data = {**result.data, "failed": failed, "changed": changed}
        return replace(result, status=status, message=message if failed else "", data=data)
