"""Whether a playbook is about a release: then running it is a rollout, with a lock and a way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployer.config.language import Language
from deployer.config.static import closure
from deployer.errors import ConfigError
from deployer.model.playbook import INCLUDE_TASKS, Playbook, Task, tasks_of

NAMES = frozenset(
    {
        "release", "release_tree", "release_env", "release_state", "release_failed", "release_failure",
        "migrate_hosts", "migrate_service",
    }
)  # fmt: skip


def is_about_release(
    playbook: Playbook, modules: Mapping[str, type[Any]], language: Language, variables: Iterable[Mapping[str, Any]]
) -> bool:
    """True if a task's module takes a release, or a template asks for one; `variables` are those of all hosts."""
    known = list(variables)
    for play in playbook.plays:
        used = language.names([play.hosts, play.serial, dict(play.variables), dict(play.environment)])
        for task in _all(play.all_tasks, language):
            cls = modules.get(task.module)
            if "release" in getattr(cls, "__dataclass_fields__", {}):
                return True
            used |= language.names([task.args, task.loop, dict(task.variables), dict(task.environment)])
            used |= language.condition_names((*task.when, *(task.until or ()), *(task.failed_when or ())))
        if any(closure(used, language, one) & NAMES for one in known):
            return True
    return False


def _all(tasks: Iterable[Task], language: Language, inside: frozenset[str] = frozenset()) -> Iterator[Task]:
    """The tasks, and those of the files that they include, where their names are known."""
    for task in tasks:
        yield task
        file = str(task.args.get("file"))
        if task.module == INCLUDE_TASKS and file not in inside:
            try:
                yield from _all(tasks_of(language.included(task, file, {})), language, inside | {file})
            except ConfigError:
                continue  # its name is a template
