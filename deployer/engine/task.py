"""One task on one host: template, look, plan, apply, and what it says afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from typing import Any

from deployer.engine.apply import Applied, Applier, hidden, with_environment
from deployer.engine.host import HostRun
from deployer.engine.inputs import read_inputs
from deployer.engine.look import look
from deployer.engine.ports import Emit, Language, Options, Variables
from deployer.errors import CommandError, ConnectError, DeployerError, PlaybookError, UndecidedError
from deployer.model.action import Action, Put
from deployer.model.playbook import Play, Task
from deployer.model.report import Done, Status, TaskResult
from deployer.protocols import Fact, Module

_OUTPUT_TAIL = 4000  # characters of output that a result keeps for the report


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
            result = _failure(task, host, error)
        result = replace(result, seconds=time.monotonic() - start, place=str(task.place))
        return self.settle(task, host, result)

    def settle(self, task: Task, host: HostRun, result: TaskResult) -> TaskResult:
        """Note a result on a host; what comes back is for everybody's eyes."""
        if result.status is Status.FAILED and self._flag(task.ignore_errors, task, host):
            result = replace(result, status=Status.IGNORED)
        if task.register:
            host.registered[task.register] = self.language.literal(dict(result.data))
        if self._flag(task.no_log, task, host):
            result = _censored(result)
        host.results.append(result)
        if result.status is Status.CHANGED:
            host.notified.update(task.notify)
        if result.failed:
            host.failed, host.hint = f"{task.name}: {result.message}", result.hint
            host.lost = host.lost or result.status is Status.UNREACHABLE
        return result

    def _flag(self, value: bool | str, task: Task, host: HostRun) -> bool:
        if isinstance(value, bool):
            return value
        return self.language.test((value,), host.variables(self.play, task), place=task.place)

    def _run(self, task: Task, host: HostRun) -> TaskResult:
        variables = host.variables(self.play, task)
        if task.loop is None:
            if not self.language.test(task.when, variables, place=task.place):
                return _skipped(task, host)
            return self._once(task, host, variables)
        items = self.language.render(task.loop, variables, place=task.place)
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise PlaybookError(f"`loop` must be a list, got {type(items).__name__}", place=task.place)
        results = [self._item(task, host, {**variables, "item": item}) for item in items]
        return _collected(task, host, results)

    def _item(self, task: Task, host: HostRun, variables: Variables) -> TaskResult:
        if not self.language.test(task.when, variables, place=task.place):
            return _skipped(task, host)
        try:
            return self._once(task, host, variables)
        except ConnectError:
            raise
        except DeployerError as error:
            return _failure(task, host, error)

    def _once(self, task: Task, host: HostRun, variables: Variables) -> TaskResult:
        """Without a loop, or one item of it: the four rooms, one after the other."""
        module, secret = read_inputs(self.language.bind(task, variables), self.language, variables, place=task.place)
        become = host.become(self.play, task)
        actions = self._plan(task, host, module, variables)
        if self._flag(task.no_log, task, host):
            actions = tuple(map(hidden, actions))
        elif secret:
            actions = tuple(replace(one, secret=True) if isinstance(one, Put) else one for one in actions)
        applied, failure = Applied(), None
        applier = Applier(
            host=host, task=task.name, become=become, emit=self.emit, diff=self.options.diff, stop=self.stop
        )
        if self.options.check:
            for action in actions:
                applier.announce(action, planned=True)
                applied.done.append(Done(title=action.title, because=action.because))
        elif actions:
            failure = self._apply(applier, actions, applied)
        says, fails = _words(module)
        failure = failure or fails
        return self._judge(task, host, variables, _result(task, host, applied, failure=failure, says=says))

    def _plan(self, task: Task, host: HostRun, module: Module, variables: Variables) -> tuple[Action, ...]:
        become = host.become(self.play, task)
        missing = [fact for fact in module.facts() if fact not in host.seen]
        if missing:
            host.seen.update(look(host.target.remote, missing, become=become))
        try:
            actions = tuple(module.plan(SeenOnHost(host.seen)))
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


def _words(module: Module) -> tuple[str | None, DeployerError | None]:
    """What a module says without touching the host: `debug` a message, `assert` that something is not so."""
    fails: Callable[[], str | None] | None = getattr(module, "fails", None)
    says: Callable[[], str | None] | None = getattr(module, "says", None)
    failure = fails() if fails else None
    return (says() if says else None), (CommandError(failure, status=None) if failure else None)


def _result(
    task: Task, host: HostRun, applied: Applied, *, failure: DeployerError | None, says: str | None
) -> TaskResult:
    status = Status.FAILED if failure else Status.CHANGED if applied.done else Status.OK
    output = getattr(failure, "output", "") or applied.output
    message = failure.message if failure else (says or "")
    data = {
        "changed": status is Status.CHANGED, "failed": bool(failure), "skipped": False, "rc": applied.status,
        "stdout": applied.output, "stdout_lines": applied.output.splitlines(), "stderr": "", "msg": message,
    }  # fmt: skip
    return TaskResult(
        host=host.name, task=task.name, status=status, actions=tuple(applied.done), message=message, data=data,
        output=output[-_OUTPUT_TAIL:], hint=failure.hint if failure else None,
    )  # fmt: skip


def _censored(result: TaskResult) -> TaskResult:
    """The result of a task with no_log: how it ended, and nothing of what it was told or said."""
    data = {key: result.data[key] for key in ("changed", "failed", "skipped", "rc") if key in result.data}
    message = "hidden by no_log" if result.message else ""
    return replace(result, message=message, output="", data={**data, "censored": "hidden by no_log"})


def _skipped(task: Task, host: HostRun) -> TaskResult:
    data = {"changed": False, "failed": False, "skipped": True}
    return TaskResult(host=host.name, task=task.name, status=Status.SKIPPED, data=data)


def _failure(task: Task, host: HostRun, error: DeployerError) -> TaskResult:
    lost = isinstance(error, ConnectError)
    return TaskResult(
        host=host.name, task=task.name, status=Status.UNREACHABLE if lost else Status.FAILED,
        message=error.message, output=getattr(error, "output", "")[-_OUTPUT_TAIL:], hint=error.hint,
        data={"changed": False, "failed": True, "skipped": False, "msg": error.message},
    )  # fmt: skip


def _collected(task: Task, host: HostRun, results: Sequence[TaskResult]) -> TaskResult:
    """A loop's items as one result: the worst of them decides."""
    order = (Status.FAILED, Status.CHANGED, Status.OK, Status.SKIPPED)
    statuses = {result.status for result in results} or {Status.SKIPPED}
    status = next(one for one in order if one in statuses)
    bad = next((result for result in results if result.failed), None)
    data = {
        "results": [dict(result.data) for result in results], "changed": Status.CHANGED in statuses,
        "failed": bad is not None, "skipped": status is Status.SKIPPED,
    }  # fmt: skip
    return TaskResult(
        host=host.name, task=task.name, status=status, data=data,
        actions=tuple(action for result in results for action in result.actions),
        message=bad.message if bad else "", output=bad.output if bad else "", hint=bad.hint if bad else None,
    )  # fmt: skip
