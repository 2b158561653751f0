"""How a task ended on a host, as a value: from what was done, from an error, or from a loop's items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from deployer.engine.apply import Applied
from deployer.engine.host import HostRun
from deployer.errors import ConnectError, DeployerError
from deployer.model.playbook import Task
from deployer.model.report import Status, TaskResult

_OUTPUT_TAIL = 4000  # characters of output that a result keeps for the report


def performed(
    task: Task, host: HostRun, applied: Applied, failure: DeployerError | None, values: Mapping[str, Any]
) -> TaskResult:
    """What was done and what the module says of it; `says` in its values is for people alone."""
    changed = bool(values.get("changed", any(done.changes for done in applied.done)))
    status = _status(failed=bool(failure or values.get("failed")), skipped=bool(values.get("skipped")), changed=changed)
    said = values.get("says") if status is not Status.FAILED else values.get("msg", "")
    message = failure.message if failure else str(said or "")
    data = {
        "rc": applied.status, "stdout": applied.output, "stdout_lines": applied.output.splitlines(),
        "stderr": applied.errors, "stderr_lines": applied.errors.splitlines(), "msg": message, **values,
        "changed": changed, "failed": status is Status.FAILED, "skipped": status is Status.SKIPPED,
        **({"msg": message} if failure else {}),
    }  # fmt: skip
    del data["says"]
    output = getattr(failure, "output", "") or "\n".join(filter(None, (applied.output, applied.errors)))
    return TaskResult(
        host=host.name, task=task.name, status=status, actions=tuple(applied.done), message=message, data=data,
        output=output[-_OUTPUT_TAIL:], hint=failure.hint if failure else None,
    )  # fmt: skip


def _status(*, failed: bool, skipped: bool, changed: bool) -> Status:
    if failed:
        return Status.FAILED
    return Status.SKIPPED if skipped else Status.CHANGED if changed else Status.OK


CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"  # Ansible's
CENSORED_ITEM = "(censored due to no_log)"


def censored(result: TaskResult) -> TaskResult:
    """The result of a task with no_log: how it ended, and nothing of what it was told or said."""
    message = "hidden by no_log" if result.message else ""
    data = _hidden(result.data)
    if "results" in result.data:
        data["results"] = [_hidden(one) for one in result.data["results"]]
    return replace(result, message=message, output="", data=data)


_SAID = ("stdout", "stderr", "content")
_SHORTEST = 8  # characters: what is shorter is mostly a word that others say too


def said(data: Mapping[str, Any]) -> list[str]:
    """What programs printed in a result and its items, as far as it is long enough to be told from other text."""
    lines = [line.strip() for name in _SAID for line in str(data.get(name) or "").splitlines()]
    found = [line for line in lines if len(line) >= _SHORTEST]
    return [*found, *(line for item in data.get("results", ()) if isinstance(item, Mapping) for line in said(item))]


def _hidden(data: Mapping[str, Any]) -> dict[str, Any]:
    left = {key: data[key] for key in ("changed", "failed", "skipped", "rc", "attempts") if key in data}
    return {**left, "censored": CENSORED}


def skipped(task: Task, host: HostRun, condition: str | bool = "") -> TaskResult:
    """The result of a task whose condition is false."""
    data: dict[str, Any] = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
    if condition != "":
        data["false_condition"] = condition
    return TaskResult(host=host.name, task=task.name, status=Status.SKIPPED, data=data)


def included(task: Task, host: HostRun, file: str) -> TaskResult:
    """The result of an include whose file is known; reading it is the walk's part."""
    data = {"changed": False, "failed": False, "skipped": False, "include": file}
    return TaskResult(host=host.name, task=task.name, status=Status.OK, data=data)


def failed(task: Task, host: HostRun, error: DeployerError) -> TaskResult:
    lost = isinstance(error, ConnectError)
    return TaskResult(
        host=host.name, task=task.name, status=Status.UNREACHABLE if lost else Status.FAILED,
        message=error.message, output=getattr(error, "output", "")[-_OUTPUT_TAIL:], hint=error.hint,
        delegate=error.host if error.host and error.host != host.name else "",
        data={
            "changed": False, "failed": not lost, "skipped": False, "msg": error.message,
            **({"unreachable": True} if lost else {}),
        },
    )  # fmt: skip


def collected(task: Task, host: HostRun, results: Sequence[TaskResult]) -> TaskResult:
    """A loop's items as one result: the worst of them decides."""
    order = (Status.FAILED, Status.CHANGED, Status.OK, Status.SKIPPED)
    statuses = {result.status for result in results} or {Status.SKIPPED}
    status = next(one for one in order if one in statuses)
    bad = next((result for result in results if result.failed), None)
    words = "One or more items failed" if bad else f"All items {'skipped' if status is Status.SKIPPED else 'completed'}"
    data = {
        "results": [dict(result.data) for result in results],
        "changed": any(result.data.get("changed") for result in results),
        "failed": bad is not None, "skipped": status is Status.SKIPPED,
        **({"msg": words} if results else {"skipped_reason": "No items in the list"}),
    }  # fmt: skip
    facts = {name: value for one in results for name, value in one.data.get("ansible_facts", {}).items()}
    if facts:
        data["ansible_facts"] = facts
    return TaskResult(
        host=host.name, task=task.name, status=status, data=data,
        actions=tuple(action for result in results for action in result.actions),
        message=bad.message if bad else "", output=bad.output if bad else "", hint=bad.hint if bad else None,
        notified=tuple(dict.fromkeys(name for result in results for name in result.notified)),
    )  # fmt: skip
