"""Hosts and groups that come to be in the middle of a run: by `add_host` and `group_by`."""

from __future__ import annotations

from dataclasses import replace

from deployer.engine.host import HostRun
from deployer.engine.ports import Roster
from deployer.errors import PlaybookError
from deployer.model.playbook import JOINING, Task
from deployer.model.report import Status, TaskResult


def joined(roster: Roster | None, task: Task, host: HostRun, result: TaskResult) -> TaskResult:
    """A task's result after what it names has joined the run: it is *changed* if that is new.

    Raises PlaybookError where nothing can join, ConfigError for what cannot be a host or a group.
    """
    if task.module not in JOINING or result.failed:
        return result
    if roster is None:
        raise PlaybookError(f"{task.module}: the hosts of the way back are those of the run", place=task.place)
    new = _join(roster, host, result)
    return replace(result, status=Status.CHANGED if new else Status.OK, data={**result.data, "changed": new})


def _join(roster: Roster, host: HostRun, result: TaskResult) -> bool:
    if "add_group" in result.data:
        return roster.join(host.name, result.data["add_group"], result.data["parent_groups"])
    found = result.data["add_host"]
    return roster.add(found["host_name"], found["groups"], found["host_vars"])
