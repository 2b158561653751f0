"""What can be found wrong before any host is contacted: undefined variables, wrong types, hosts that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployer.config.language import Language
from deployer.errors import PlaybookError
from deployer.model.playbook import Play, Playbook, Task
from deployer.rollout.batches import batches

LATER = frozenset({"item", "ansible_facts"})  # known only while a task runs


def check_playbook(
    playbook: Playbook,
    language: Language,
    hosts_of: Callable[[Play], tuple[str, ...]],
    variables_of: Callable[[str, Play, Task | None], Mapping[str, Any]],
) -> None:
    """Bind every task for every host of its play; raises PlaybookError with file and line.

    A task that uses what an earlier one sets or registers cannot be bound yet and is left to the run.
    """
    later = set(LATER)
    for play in playbook.plays:
        hosts = hosts_of(play)
        _check_serial(play, hosts, language, variables_of)
        for task in play.all_tasks:
            for host in hosts:
                _check(task, language, variables_of(host, play, task), frozenset(later))
            later.update(language.sets(task))


def _check_serial(
    play: Play,
    hosts: tuple[str, ...],
    language: Language,
    variables_of: Callable[[str, Play, Task | None], Mapping[str, Any]],
) -> None:
    if not hosts or language.names(play.serial) & LATER:
        return
    serial = language.render(play.serial, variables_of(hosts[0], play, None), place=play.place)
    try:
        batches(hosts, serial)
    except PlaybookError as wrong:
        raise PlaybookError(wrong.message, place=play.place, hint=wrong.hint) from None


def _check(task: Task, language: Language, variables: Mapping[str, Any], later: frozenset[str]) -> None:
    used = language.names([task.args, list(task.when), task.loop, dict(task.variables)])
    conditions = language.condition_names(task.when)
    if (used | conditions) & later or task.loop is not None:
        return
    if language.test(task.when, variables, place=task.place):
        language.bind(task, variables)
