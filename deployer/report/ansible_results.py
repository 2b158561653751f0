"""A task's result as Ansible prints it: JSON, without what only modules and callbacks need.

After ansible-core's plugins/callback (`_dump_results`, `_clean_results`) and executor/task_result.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deployer.model.report import Status, TaskResult
from deployer.report.json_lines import plain

DEBUG, ASSERT = "debug", "assert"
_SAID_BY_THE_STATUS = ("failed", "skipped")
_LEFT_OF_CENSORED = ("attempts", "changed", "censored")
_OF_PROGRAMS = ("rc", "stdout", "stdout_lines", "stderr", "stderr_lines")
_PROGRAMS = ("command", "shell", "script", "raw")  # modules whose result is always a program's
_OF_LOOPS = ("ansible_loop_var", "ansible_index_var", "ansible_loop")
_ENDED = ("failed_when_result", "attempts", "assertion")  # a failure with one of these is a module's own


def module_word(name: str) -> str:
    """A module's short name."""
    return name.rsplit(".", 1)[-1]


def is_shown(module: str, result: TaskResult, verbosity: int) -> bool:
    """Whether the result follows a line that says that it went well, or was skipped."""
    quiet = module in ("setup", "gather_facts")
    return _always(module, result) or (verbosity > 0 and not quiet)


def dumped(module: str, result: TaskResult, verbosity: int) -> str:
    """The JSON after `=>`."""
    data = shown(module, result)
    if module == DEBUG and _always(module, result):
        data = _debugged(data)
    return _json(data, wide=_always(module, result) or verbosity > 2)


def retried(module: str, result: TaskResult, left: int, verbosity: int) -> str:
    """The JSON of a try that was not the last one."""
    data = {**shown(module, result), "retries": result.data.get("attempts", 0) + left}
    return _json(data, wide=_always(module, result) or verbosity > 2)


def shown(module: str, result: TaskResult) -> Mapping[str, Any]:
    """Of a result's values, those that are for people."""
    data = {key: value for key, value in result.data.items() if key not in _SAID_BY_THE_STATUS}
    if "censored" in data:
        return {key: data[key] for key in _LEFT_OF_CENSORED if key in data}
    if module == DEBUG and "skipped_reason" in data:
        return {"skipped_reason": data["skipped_reason"]}
    if module not in _PROGRAMS and "cmd" not in data and _is_silent(data):
        data = {key: value for key, value in data.items() if key not in _OF_PROGRAMS}
        return data if data.get("msg", ...) != "" else {key: value for key, value in data.items() if key != "msg"}
    return data


def _always(module: str, result: TaskResult) -> bool:
    """`debug` and `assert` are there to be read."""
    if module not in (DEBUG, ASSERT) or result.status is Status.SKIPPED or "censored" in result.data:
        return False
    return result.status in (Status.OK, Status.CHANGED) or any(key in result.data for key in _ENDED)


def _debugged(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message alone; or, where a variable was asked for, that one, and the item for which it was."""
    items = [data[key] for key in ("ansible_loop_var", "ansible_index_var") if key in data]
    own = {*_OF_PROGRAMS, *_OF_LOOPS, *_ENDED, "msg", "changed", "skip_reason", *items}
    variables = {key: value for key, value in data.items() if key not in own}
    if not variables:
        return {"msg": data.get("msg")}
    return {**variables, **{key: data[key] for key in items if key in data}}


def _json(data: Mapping[str, Any], *, wide: bool) -> str:
    return json.dumps(plain(data), sort_keys=True, ensure_ascii=False, indent=4 if wide else None)


def _is_silent(data: Mapping[str, Any]) -> bool:
    return not (data.get("rc") or data.get("stdout") or data.get("stderr"))
