"""The names that a playbook gives its hosts while it runs, wherever in it that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployer.config.about_release import NAMES, with_included
from deployer.config.binding import expressions
from deployer.config.keywords import is_template
from deployer.config.language import Language
from deployer.config.static import GROWN, LATER
from deployer.config.template_reading import Reading
from deployer.config.templates import Templates
from deployer.config.text import load_yaml
from deployer.errors import ConfigError, VaultError
from deployer.frozen import dataclass
from deployer.model.playbook import INCLUDE_TASKS, JOINING, META, Play, Playbook, Task
from deployer.model.vars_source import VarsSource

TOLD = LATER | NAMES | frozenset(
    {
        "restore_data", "restore_snapshot", "ansible_check_mode", "ansible_diff_mode", "ansible_limit",
        "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity",
    }
)  # fmt: skip
NAMING, DEFINING = ("register", "loop_var", "index_var"), ("set_fact", "vars")
NO_FILE = "no such file"
STOPPING = ("assert", "fail", META)  # what they ask for by `is defined` is there in the tasks after them


@dataclass(frozen=True)
class Given:
    """What a run adds to what is known before it."""

    tasks: Mapping[int, tuple[Task, ...]]  # by the play's number: its own, and those of files that it includes
    names: frozenset[str]
    excused: frozenset[str]  # names that a task makes sure of
    is_open: bool  # there may be others: a file's name is a template, say
    grows: bool


def names_given(playbook: Playbook, language: Language, modules: Mapping[str, type[Any]], folder: str) -> Given:
    """What the tasks of a playbook register, set and load."""
    tasks = {at: tuple(with_included(play.all_tasks, language)) for at, play in enumerate(playbook.plays)}
    every = [task for some in tasks.values() for task in some]
    names, is_open = set(TOLD), False
    for task in every:
        names.update(_loop_names(task))
        found = _set(task, language, folder)
        names.update(found or ())
        is_open = is_open or found is None
    grows = any(task.module in JOINING for task in every)
    return Given(
        tasks=tasks,
        names=frozenset(names | GROWN if grows else names),
        excused=frozenset(name for task in every if task.module in STOPPING for name in _tested(task, modules)),
        is_open=is_open,
        grows=grows,
    )


def _loop_names(task: Task) -> Iterator[str]:
    control = task.loop_control
    yield from filter(None, (control.loop_var, control.index_var))


def _set(task: Task, language: Language, folder: str) -> frozenset[str] | None:
    """The names that a task sets; None if only the run can tell."""
    if task.module == META:
        return frozenset()
    own = frozenset({task.register} if task.register else ())
    if task.module == INCLUDE_TASKS:
        return None if is_template(str(task.args.get("file"))) else own
    if task.module == "include_vars":
        loaded = _loaded(task, language, folder)
        return None if loaded is None else own | loaded
    return None if task.module in JOINING else language.sets(task)


def _loaded(task: Task, language: Language, folder: str) -> frozenset[str] | None:
    file, name = task.args.get("file"), task.args.get("name")
    if name is not None:
        return None if is_template(str(name)) else frozenset({str(name)})
    if not isinstance(file, str) or is_template(file):
        return None
    try:
        return frozenset(language.load_vars(VarsSource(file=file), folder)[0])
    except ConfigError:
        return None


def _tested(task: Task, modules: Mapping[str, type[Any]]) -> frozenset[str]:
    """The names that the conditions of a task ask for by `is defined`."""
    reading, templates = Reading(lambda _: None, lambda _: True), Templates()
    arguments = [task.args.get(name) for name in expressions(modules.get(task.module, object))]
    for value in (list(task.when), *arguments):
        for one in value if isinstance(value, list | tuple) else [value]:
            try:
                reading.read(templates.tree(one, condition=True)) if isinstance(one, str) else None
            except ConfigError:
                continue
    return frozenset(reading.tested)


def names_written(errors: Iterable[ConfigError]) -> frozenset[str] | None:
    """The names that tasks may give which could not be read, from the files that the errors are about.

    None if nobody knows: a file is not there, or is no YAML.
    """
    found: set[str] = set()
    for error in errors:
        if error.place is None or isinstance(error, VaultError) or NO_FILE in error.message:
            return None
        try:
            found.update(_written(load_yaml(error.place.path)))
        except ConfigError:
            return None
    return frozenset(found)


def _written(value: Any) -> Iterator[str]:
    """Values of words that name variables, and keys below words that define some."""
    for item in value if isinstance(value, list) else ():
        yield from _written(item)
    for key, one in value.items() if isinstance(value, Mapping) else ():
        if key in NAMING and isinstance(one, str):
            yield one
        elif str(key).rpartition(".")[2] in DEFINING and isinstance(one, Mapping):
            yield from map(str, one)
        yield from _written(one)


def unused_handlers(play: Play, tasks: tuple[Task, ...]) -> Iterator[Task]:
    """The handlers that no task of a play notifies; none if a name is a template."""
    notified = {name for task in tasks for name in task.notify}
    if any(is_template(name) for name in notified):
        return
    for handler in play.handlers:
        called = {handler.name, *handler.listen}
        if not called & notified and not any(is_template(name) for name in called):
            yield handler
