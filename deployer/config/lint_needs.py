"""The variables that one task needs on one host and that nobody defines; templates are read, and not run.

Template files are read, too. What is known before a run is `lint_known`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import nodes

from deployer.config import binding
from deployer.config.files import read_text
from deployer.config.keywords import is_template
from deployer.config.language import Language
from deployer.config.lint_known import Known, starts_programs
from deployer.config.template_reading import Reading
from deployer.config.templates import Templates
from deployer.config.values import place_of
from deployer.errors import NOWHERE, ConfigError, Place, PlaybookError
from deployer.model.playbook import Task

IN_FILES = frozenset(
    {
        "ansible_managed", "template_host", "template_path", "template_fullpath", "template_uid", "template_mtime",
        "template_run_date", "template_destpath",
    }
)  # fmt: skip
WORDS = ("environment", "delegate_to", "become_user", "retries", "delay", "throttle", "timeout", "run_once", "no_log")
FLAGS = ("ignore_errors", "ignore_unreachable", "any_errors_fatal", "check_mode", "diff")


def names_in(task: Task, language: Language) -> frozenset[str] | None:
    """All variables that a task itself may ask for; None if it reads template files, or a template is broken."""
    if task.module == "template" or "template" in repr(task.args):
        return None
    values = [task.args, task.loop, *(getattr(task, word) for word in (*WORDS, *FLAGS))]
    results = (task.changed_when, task.failed_when, task.until, task.loop_control.break_when)
    try:
        found = [language.condition_names(one) for one in (task.when, *results) if one]
        return language.names(values).union(language.bare_names(task), *found)
    except PlaybookError:
        return None


@dataclass(frozen=True)
class Need:
    """A variable that is needed somewhere; `by` is the variable whose value needs it."""

    name: str
    place: Place
    by: str | None = None

    def words(self) -> str:
        return f"`{self.name}` is undefined" + (f" (needed by `{self.by}`)" if self.by else "")


@dataclass
class Needs:
    """What templates need on one host, where `variables` have values and `later` are known only to a run."""

    templates: Templates
    variables: Mapping[str, Any]
    later: frozenset[str]
    folder: Path  # of the playbook
    found: dict[tuple[str, Place], Need] = field(default_factory=dict)
    tested: set[str] = field(default_factory=set)
    errors: list[PlaybookError] = field(default_factory=list)
    followed: set[str] = field(default_factory=set)
    files: dict[Path, None] = field(default_factory=dict)  # templates that were read
    starts_programs: bool = False  # a lookup in it does

    def __post_init__(self) -> None:
        self.known = Known(self.templates, self.variables, self.later)

    def missing(self) -> Iterator[Need]:
        """What is needed and not there."""
        return (need for need in self.found.values() if need.name not in self.tested and not self.known.has(need.name))

    def task(self, task: Task, modules: Mapping[str, type[Any]]) -> None:
        """Take in all that a task asks for; nothing behind a condition that is false."""
        for condition in task.when:
            if self.condition(condition, task.place) is False:
                return
        if task.loop is not None and self.is_empty(task.loop, task.place):
            return
        self.arguments(task, modules)
        results = (task.changed_when, task.failed_when, task.until, task.loop_control.break_when)
        for condition in (one for conditions in results for one in conditions or ()):
            self.condition(condition, task.place)
        for word in (*WORDS, *FLAGS):
            self.value(getattr(task, word), task.place)

    def arguments(self, task: Task, modules: Mapping[str, type[Any]]) -> None:
        """Take in a task's arguments, and the template that one of them names."""
        module = modules.get(task.module, object)
        bare = binding.expressions(module)
        for name, value in task.args.items():
            place = _place(task.args, name, task.place)
            if name not in bare:
                self.value(value, place)
            elif bare[name] == "results":  # a lone expression may be undefined
                for one in value if isinstance(value, list | tuple) else [value]:
                    self.condition(one, place)
        marks = {name for name in getattr(module, "tuned", ()) if name.endswith("_string")}
        if getattr(module, "templated", False) and not marks & task.args.keys():
            source = task.args.get(getattr(module, "reads", ""))
            self.named_file(source, _place(task.args, "src", task.place))

    def value(self, value: Any, place: Place) -> None:
        """Take in the templates in a value."""
        if isinstance(value, str) and is_template(value):
            self.text(value, place)
        elif isinstance(value, Mapping):
            for key in value:
                self.value(value[key], _place(value, key, place))
        elif isinstance(value, list | tuple):
            for at, one in enumerate(value):
                self.value(one, _place(value, at, place))

    def text(self, text: str, place: Place, by: str | None = None) -> None:
        """Take in one template."""
        try:
            tree = self.templates.tree(text)
        except PlaybookError as wrong:
            if by is not None:  # else the loader has said so
                self.errors.append(PlaybookError(wrong.message, place=place, hint=wrong.hint))
            return
        self.tree(tree, lambda _line, _name: place, by)

    def condition(self, condition: str | bool, place: Place) -> object:
        """Take in a condition; its value, None if only a run knows it."""
        if not isinstance(condition, str):
            return condition
        try:
            tree = self.templates.tree(condition, condition=True)
        except PlaybookError:  # the loader has said so
            return None
        self.tree(tree, lambda _line, _name: place)
        output = tree.body[0]
        return self.known.value(output.nodes[0]) if isinstance(output, nodes.Output) else None

    def is_empty(self, loop: Any, place: Place) -> bool:
        """Take in a loop; whether it is known to have no items."""
        self.value(loop, place)
        if not isinstance(loop, str):
            return not loop
        try:
            output = self.templates.tree(loop).body[0]
        except PlaybookError:  # the loader has said so
            return False
        found = self.known.value(output.nodes[0]) if isinstance(output, nodes.Output) else None
        return isinstance(found, list | tuple) and not found

    def tree(
        self, tree: nodes.Template, place: Any, by: str | None = None, own: frozenset[str] = frozenset()
    ) -> Reading:
        """Take in a syntax tree; `place` says where a name in a line of it stands."""
        reading = Reading(self.known.value, self.known.has, own)
        reading.read(tree)
        self.tested |= reading.tested
        self.starts_programs = self.starts_programs or starts_programs(tree)
        for name, line in reading.needs.items():
            need = Need(name, place(line, name), by)
            self.found.setdefault((name, need.place), need)
            self.follow(name, need.place)
        for name in reading.lookups:
            self.file(self.beside(name, "templates"), frozenset())
        return reading

    def follow(self, name: str, place: Place) -> None:
        """Take in what a variable's own value needs."""
        value = self.variables.get(name)
        if name not in self.followed and name not in self.later and isinstance(value, str) and is_template(value):
            self.followed.add(name)
            known = place_of(self.variables, name)
            self.text(value, place if known == NOWHERE else known, name)

    # template files

    def named_file(self, source: Any, place: Place) -> None:
        """Take in the template file that an argument names, if its name is known."""
        if not isinstance(source, str) or is_template(source):
            return
        path = self.beside(source, "")
        if path.is_file():
            self.file(path, frozenset())
        else:
            self.errors.append(
                PlaybookError(f"{path}: no such file", place=place, hint="paths are relative to the playbook")
            )

    def beside(self, name: str, folder: str) -> Path:
        path = Path(name).expanduser()
        places = (self.folder / folder / path, self.folder / path)
        return next((one for one in places if one.is_file()), places[-1])

    def file(self, path: Path, own: frozenset[str]) -> None:
        """Take in a template file and those that it includes; `own` is what the one that includes it sets."""
        if path in self.files or not path.is_file():
            return
        self.files[path] = None
        try:
            text = read_text(path, PlaybookError, self.templates.vault)
            tree = self.templates.file_tree(text, Place(str(path)))
        except ConfigError as wrong:
            self.errors.append(PlaybookError(wrong.message, place=wrong.place, hint=wrong.hint))
            return
        lines = text.split("\n")
        reading = self.tree(tree, lambda line, name: _in_line(path, lines, line, name), own=own | IN_FILES)
        for name, line in reading.files:
            folders = (path.parent, self.folder / "templates", self.folder)
            found = next((one / name for one in folders if (one / name).is_file()), None)
            if found is None:
                hint = "it is looked for beside the template, and beside the playbook"
                self.errors.append(PlaybookError(f"no template file `{name}`", place=Place(str(path), line), hint=hint))
            else:
                self.file(found, reading.own)


def _in_line(path: Path, lines: list[str], line: int, name: str) -> Place:
    found = re.search(rf"\b{re.escape(name)}\b", lines[line - 1]) if 0 < line <= len(lines) else None
    return Place(str(path), line, found.start() + 1 if found else 0)


def _place(value: Any, key: Any, otherwise: Place) -> Place:
    found = place_of(value, key)
    return otherwise if found == NOWHERE else found
