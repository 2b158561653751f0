"""What a playbook is about: a release, then running it is a rollout with a lock and a way back; facts of hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployer.config.language import Language
from deployer.config.static import FACTS, READING, closure
from deployer.errors import ConfigError
from deployer.model.playbook import INCLUDE_TASKS, Playbook, Task, tasks_of

NAMES = frozenset(
    {
        "release", "release_tree", "release_env", "release_state", "release_failed", "release_failure",
        "migrate_hosts", "migrate_service",
    }
)  # fmt: skip
ASKING = ("template", *READING)  # what their files ask for, only the run can tell


def is_about_release(
    playbook: Playbook, modules: Mapping[str, type[Any]], language: Language, variables: Iterable[Mapping[str, Any]]
) -> bool:
    """True if a task's module takes a release, or a template asks for one; `variables` are those of all hosts."""
    tasks = [task for play in playbook.plays for task in with_included(play.all_tasks, language)]
    if any("release" in getattr(modules.get(task.module), "__dataclass_fields__", {}) for task in tasks):
        return True
    return _asks_for(NAMES, playbook, language, variables)


def wants_facts(playbook: Playbook, language: Language, variables: Iterable[Mapping[str, Any]]) -> bool:
    """True if a template may ask for a fact of its host; one in a file that the run reads may ask for any."""
    tasks = [task for play in playbook.plays for task in with_included(play.all_tasks, language)]
    return any(task.module in ASKING for task in tasks) or _asks_for(FACTS, playbook, language, variables)


def _asks_for(
    names: frozenset[str], playbook: Playbook, language: Language, variables: Iterable[Mapping[str, Any]]
) -> bool:
    """Whether a template of a playbook asks for one of these variables, be it through others; for any of the hosts."""
    known = list(variables)
    for play in playbook.plays:
        used = language.names([play.hosts, play.serial, dict(play.variables), dict(play.environment)])
        for task in with_included(play.all_tasks, language):
            used |= language.names([task.args, task.loop, dict(task.variables), dict(task.environment)])
            used |= language.condition_names((*task.when, *(task.until or ()), *(task.failed_when or ())))
            used |= language.condition_names(task.changed_when or ()) | language.bare_names(task)
        if any(closure(used, language, one) & names for one in known):
            return True
    return False


def with_included(tasks: Iterable[Task], language: Language, inside: frozenset[str] = frozenset()) -> Iterator[Task]:
    """The tasks, and those of the files that they include, where their names are known."""
    for task in tasks:
        yield task
        file = str(task.args.get("file"))
        if task.module == INCLUDE_TASKS and file not in inside:
            try:
                yield from with_included(tasks_of(language.included(task, file, {})), language, inside | {file})
            except ConfigError:
                continue  # its name is a template
