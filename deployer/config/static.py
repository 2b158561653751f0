"""What can be found wrong before any host is contacted: undefined variables, wrong types, hosts that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployer.config.language import Language
from deployer.errors import PlaybookError
from deployer.model.facts import FACT_NAMES
from deployer.model.playbook import INCLUDE_TASKS, JOINING, META, Play, Playbook, Task
from deployer.rollout.batches import batches

FACTS = frozenset({"ansible_facts", "hostvars", *(f"ansible_{name}" for name in FACT_NAMES)})
LATER = FACTS | frozenset(  # known only while a task runs
    {
        "item", "ansible_loop", "ansible_loop_var", "ansible_index_var", "ansible_play_name", "ansible_play_hosts",
        "ansible_play_hosts_all", "ansible_play_batch", "play_hosts", "ansible_failed_task", "ansible_failed_result",
    }
)  # fmt: skip
GROWN = frozenset({"groups", "group_names"})  # may be others after a host or a group has joined
READING = ("include_vars", INCLUDE_TASKS)  # what is known after them, only the run can tell


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
            if task.module in READING:
                return
            if task.module == META:
                continue
            for host in hosts:
                _check(task, language, variables_of(host, play, task), frozenset(later))
            later.update(language.sets(task) | (GROWN if task.module in JOINING else set()))


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


def _asked(task: Task, language: Language, variables: Mapping[str, Any]) -> frozenset[str]:
    """The variables that a task asks for, and those that they ask for in turn."""
    named = language.names([task.args, list(task.when), task.loop, dict(task.variables)])
    return closure(named | language.condition_names(task.when) | language.bare_names(task), language, variables)


def _check(task: Task, language: Language, variables: Mapping[str, Any], later: frozenset[str]) -> None:
    if task.loop is not None or _asked(task, language, variables) & later:
        return
    if language.test(task.when, variables, place=task.place):
        language.bind(task, variables)


def closure(names: frozenset[str], language: Language, variables: Mapping[str, Any]) -> frozenset[str]:
    """These variables, and all that they are made of."""
    found, new = names, names
    while new:
        new = frozenset().union(*(language.names(variables[name]) for name in new if name in variables)) - found
        found |= new
    return found
