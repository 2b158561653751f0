"""What can be found wrong before any host is contacted: undefined variables, wrong types, hosts that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from deployer.config.collector import Collector
from deployer.config.language import Language
from deployer.errors import ConfigError, Place, PlaybookError
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
NAMED = 3  # hosts in a message
READING = ("include_vars", INCLUDE_TASKS)  # what is known after them, only the run can tell


def check_playbook(
    playbook: Playbook,
    language: Language,
    hosts_of: Callable[[Play], tuple[str, ...]],
    variables_of: Callable[[str, Play, Task | None], Mapping[str, Any]],
) -> None:
    """Bind every task for every host of its play; raises PlaybookError with file and line, or ConfigGroupError.

    A task that uses what an earlier one sets or registers cannot be bound yet and is left to the run.
    """
    wrong, later = Collector(), set(LATER)
    for play in playbook.plays:
        hosts: tuple[str, ...] = ()
        with wrong.collecting():
            hosts = hosts_of(play)
        with wrong.collecting():
            _check_serial(play, hosts, language, variables_of)
        for task in play.all_tasks:
            if task.module in READING:
                wrong.settle()
                return
            if task.module == META:
                continue
            found = OnHosts(hosts)
            for host in hosts:
                with found.collecting(host):
                    check_task(task, language, variables_of(host, play, task), frozenset(later))
            wrong.extend(found.errors())
            later.update(language.sets(task) | (GROWN if task.module in JOINING else set()))
    wrong.settle()


class OnHosts:
    """What is wrong with one task on the hosts of its play; what is wrong on several is one error."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts
        self.found: dict[tuple[str, Place | None], tuple[ConfigError, list[str]]] = {}

    @contextmanager
    def collecting(self, host: str) -> Iterator[None]:
        """Keep a ConfigError that is raised inside."""
        try:
            yield
        except ConfigError as error:
            self.found.setdefault((error.message, error.place), (error, []))[1].append(host)

    def errors(self) -> Iterator[ConfigError]:
        """The errors, each with the hosts that it is about unless there is but one host."""
        for error, hosts in self.found.values():
            if len(self.hosts) > 1:
                error.message = f"{error.message} ({which(hosts, len(self.hosts))})"
            yield error


def which(hosts: Sequence[str], among: int) -> str:
    """`on all 3 hosts`, `on web1`, `on 12 of 40 hosts: web1, web2, web3 …`."""
    if len(hosts) == among:
        return f"on all {among} hosts"
    if len(hosts) <= NAMED:
        return f"on {', '.join(hosts)}"
    return f"on {len(hosts)} of {among} hosts: {', '.join(hosts[:NAMED])} …"


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


def asked(task: Task, language: Language, variables: Mapping[str, Any]) -> frozenset[str]:
    """The variables that a task asks for, and those that they ask for in turn."""
    named = language.names([task.args, list(task.when), task.loop, dict(task.variables)])
    return closure(named | language.condition_names(task.when) | language.bare_names(task), language, variables)


def check_task(task: Task, language: Language, variables: Mapping[str, Any], later: frozenset[str]) -> None:
    """Bind a task unless it asks for what is known later; raises PlaybookError."""
    if task.loop is not None or asked(task, language, variables) & later:
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
