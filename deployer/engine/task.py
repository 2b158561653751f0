"""One task on one host: its conditions, its loop, and what the host learns from how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from threading import Event as Flag
from typing import Any

from deployer.engine.call import Call
from deployer.engine.delegates import Delegates
from deployer.engine.host import HostRun
from deployer.engine.joining import joined
from deployer.engine.ports import Emit, Language, Options, Roster, Variables
from deployer.engine.results import CENSORED_ITEM, censored, collected, failed, included, said, skipped
from deployer.engine.scalars import flag_of, number_of
from deployer.errors import ConnectError, DeployerError, PlaybookError
from deployer.frozen import dataclass
from deployer.model.event import ItemDone
from deployer.model.playbook import INCLUDE_TASKS, LoopControl, Play, Task
from deployer.model.report import Status, TaskResult


@dataclass(frozen=True, kw_only=True)
class TaskRunner:
    """Runs tasks of one play."""

    play: Play
    language: Language
    emit: Emit
    options: Options
    delegates: Delegates
    roster: Roster | None = None
    stop: Flag = field(default_factory=Flag)  # set: a gate need not wait for its verdict

    def run(self, task: Task, host: HostRun, *, rescuing: bool = False) -> TaskResult:
        """Run a task on a host; a failure is a result. Notes on the host: results, registered, notified, failed.

        `rescuing` says that a block around it has a rescue.
        """
        result = self.settle(task, host, self.tried(task, host), rescuing=rescuing)
        host.results.append(result)
        return result

    def tried(self, task: Task, host: HostRun) -> TaskResult:
        """How a task ends on a host, of which nothing is noted but what its items have set."""
        start = time.monotonic()
        try:
            result = self._run(task, host)
        except DeployerError as error:
            result = failed(task, host, error)
        return replace(result, seconds=time.monotonic() - start, place=str(task.place))

    def settle(self, task: Task, host: HostRun, result: TaskResult, *, rescuing: bool = False) -> TaskResult:
        """Note on the host what a result means for it; what comes back is for everybody's eyes."""
        result = self._excused(task, host, result, rescuing)
        result = self._learn(task, host, result)
        if result.rescued:
            failure = {"name": task.name, "action": task.module, "args": dict(task.args)}
            found = self.language.literal({"ansible_failed_result": dict(result.data)})
            host.registered |= {"ansible_failed_task": failure, **found}
        if self.flag(task.no_log, task, host):
            self.language.keep_out(said(result.data))
            result = censored(result)
        if result.status is Status.CHANGED:
            host.notified.update(result.notified)
        if result.failed:
            host.failed, host.hint = f"{task.name}: {result.message}", result.hint
            host.lost = host.lost or result.status is Status.UNREACHABLE
        return result

    def _excused(self, task: Task, host: HostRun, result: TaskResult, rescuing: bool) -> TaskResult:
        """The result as its task takes it: ignored, or to be rescued."""
        words = {Status.FAILED: task.ignore_errors, Status.UNREACHABLE: task.ignore_unreachable}
        if self.flag(words.get(result.status, False), task, host):
            return replace(result, status=Status.IGNORED)
        return replace(result, rescued=rescuing) if result.status is Status.FAILED else result

    def _learn(self, task: Task, host: HostRun, result: TaskResult) -> TaskResult:
        """Note the variables that a result gives a host: what is registered, and facts that were set."""
        facts = dict(result.data.get("ansible_facts", {}))
        told = self.language.literal({task.register: dict(result.data)}) if task.register else {}
        if task.module == "include_vars":  # written by whoever wrote the playbook, templates and all
            host.included.update(facts)
        else:
            host.registered.update(self.language.literal(facts))
        host.registered.update(told)
        return replace(result, learned=(*facts, *told))

    def flag(self, value: bool | str, task: Task, host: HostRun) -> bool:
        """A keyword of the task for a host."""
        if isinstance(value, bool):
            return value
        return flag_of(self.language, value, host.variables(self.play, task), task.place)

    # with and without a loop

    def _run(self, task: Task, host: HostRun) -> TaskResult:
        variables = host.variables(self.play, task)
        if task.loop is None:
            return self._once(task, host, variables)
        try:
            items = self.language.render(task.loop, variables, place=task.place)
        except PlaybookError:
            if not self.language.test(task.when, variables, place=task.place):
                return skipped(task, host)
            raise
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise PlaybookError(f"`loop` must be a list, got {type(items).__name__}", place=task.place)
        return collected(task, host, list(self._items(task, host, items)))

    def _items(self, task: Task, host: HostRun, items: Sequence[Any]) -> Iterator[TaskResult]:
        """Each item's result; one that fails stops no other."""
        control, last = task.loop_control, {}  # type: tuple[LoopControl, dict[str, Any]]
        extended = self.flag(control.extended, task, host)
        allitems = extended and self.flag(control.allitems, task, host)
        for at, item in enumerate(items):
            if at and control.pause:
                self.stop.wait(number_of(self.language, control.pause, host.variables(self.play, task), task.place))
            about = _about_item(control, items, at, extended=extended, allitems=allitems)
            variables = {**host.variables(self.play, task), **last, **about, control.loop_var: item}
            result = self._item(task, host, variables)
            result = self._learn(replace(task, register=None), host, result)
            result = replace(result, data={**result.data, **about, control.loop_var: item})
            if task.register:
                last = self.language.literal({task.register: dict(result.data)})
            label = self.label(task, {**variables, **last})
            self.emit(self._item_done(task, host, result, label))
            yield _labelled(task, label, result)
            if control.break_when and self.language.test(control.break_when, {**variables, **last}, place=task.place):
                return

    def _item_done(self, task: Task, host: HostRun, result: TaskResult, label: str) -> ItemDone:
        """What everybody may know of an item."""
        told = replace(result, place=str(task.place))
        if self.flag(task.no_log, task, host):
            return ItemDone(result=censored(told), label=CENSORED_ITEM)
        return ItemDone(result=told, label=label)

    def label(self, task: Task, variables: Variables) -> str:
        """What an item of the task's loop is called, the item being among the variables."""
        control = task.loop_control
        if control.label is None:
            return str(variables[control.loop_var])
        return str(self.language.render(control.label, variables, place=task.place))

    def _item(self, task: Task, host: HostRun, variables: Variables) -> TaskResult:
        try:
            return self._once(task, host, variables)
        except ConnectError:
            raise
        except DeployerError as error:
            return failed(task, host, error)

    def _once(self, task: Task, host: HostRun, variables: Variables) -> TaskResult:
        """Without a loop, or one item of it."""
        for condition in task.when:
            if not self.language.test((condition,), variables, place=task.place):
                return skipped(task, host, condition)
        if task.module == INCLUDE_TASKS:
            return included(task, host, str(self.language.render(task.args["file"], variables, place=task.place)))
        at = self._at(task, host, variables)
        result = Call(
            play=self.play, task=task, host=host, at=at, variables=variables, delegate=self._delegate(host, at),
            language=self.language, emit=self.emit, options=self.options, stop=self.stop,
        ).result()  # fmt: skip
        return self._notifying(task, variables, joined(self.roster, task, host, result))

    def _at(self, task: Task, host: HostRun, variables: Variables) -> HostRun:
        """Where the task is done."""
        if task.delegate_to is None:
            return host
        name = str(self.language.render(task.delegate_to, variables, place=task.place))
        return host if name == host.name else self.delegates.at(name)

    def _delegate(self, host: HostRun, at: HostRun) -> str:
        """Where else a task is done, as people read it."""
        if at is host:
            return ""
        address = str(self.language.render(at.target.variables.get("ansible_host", at.name), at.target.variables))
        return at.name if address == at.name else f"{at.name}({address})"

    def _notifying(self, task: Task, variables: Variables, result: TaskResult) -> TaskResult:
        """The result with the names of handlers that it notifies; raises PlaybookError for one that is not there."""
        found = self.language.render(list(task.notify), variables, place=task.place)
        names = tuple(name for one in found for name in (one if isinstance(one, list) else [one]))
        known = {name for handler in self.play.handlers for name in (handler.name, *handler.listen)}
        if result.status is Status.CHANGED and not any("{{" in name for name in known):
            for name in names:
                if name not in known:
                    hint = f"add a handler with `name: {name}`"
                    raise PlaybookError(f"no handler is called `{name}`", place=task.place, hint=hint)
        return replace(result, notified=names)


def _labelled(task: Task, label: str, result: TaskResult) -> TaskResult:
    """A failure says of which item it is, if it has a name."""
    if task.loop_control.label is None or not result.failed:
        return result
    return replace(result, message=f"{label}: {result.message}")


def _about_item(
    control: LoopControl, items: Sequence[Any], at: int, *, extended: bool, allitems: bool
) -> Mapping[str, Any]:
    """What templates and results know about an item, beside the item itself."""
    about: dict[str, Any] = {"ansible_loop_var": control.loop_var}
    if control.index_var:
        about |= {control.index_var: at, "ansible_index_var": control.index_var}
    if extended:
        last = len(items) - 1
        about["ansible_loop"] = {
            "index": at + 1, "index0": at, "first": at == 0, "last": at == last, "length": len(items),
            "revindex": last - at + 1, "revindex0": last - at,
            **({"allitems": list(items)} if allitems else {}),
            **({"nextitem": items[at + 1]} if at < last else {}),
            **({"previtem": items[at - 1]} if at else {}),
        }  # fmt: skip
    return about
