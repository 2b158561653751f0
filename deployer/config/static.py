"""What can be found wrong before any host is contacted: undefined variables, wrong types, hosts that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployer.config.language import Language
from deployer.model.playbook import Play, Playbook, Task

LATER = frozenset({"item", "ansible_facts"})  # known only while a task runs


def check_playbook(
    playbook: Playbook,
    language: Language,
    hosts_of: Callable[[Play], tuple[str, ...]],
    variables_of: Callable[[str, Play, Task], Mapping[str, Any]],
) -> None:
    """Bind every task for every host of its play; raises PlaybookError with file and line.

    A task that uses what an earlier one registers cannot be bound yet and is left to the run.
    """
    later = set(LATER)
    for play in playbook.plays:
        hosts = hosts_of(play)
        for task in (*play.tasks, *play.handlers):
            for host in hosts:
                _check(task, language, variables_of(host, play, task), frozenset(later))
            later.update({task.register} if task.register else ())


def _check(task: Task, language: Language, variables: Mapping[str, Any], later: frozenset[str]) -> None:
    used = language.names([task.args, list(task.when), task.loop, dict(task.variables)])
    conditions = language.condition_names(task.when)
    if (used | conditions) & later or task.loop is not None:
        return
    if language.test(task.when, variables, place=task.place):
        language.bind(task, variables)
