"""Playbook files to plays; whatever can be known to be wrong is refused here, before any host is asked.

The tasks of a play are `steps`' part; rendering templates, and what depends on a host, is `language`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.config import inheritance, keywords
from deployer.config import keyword_values as values
from deployer.config.collector import Collector
from deployer.config.keywords import did_you_mean, is_template, kind, refuse, refuse_unknown
from deployer.config.steps import StepReader, find_file
from deployer.config.text import load_yaml
from deployer.config.values import place_of
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import Place, PlaybookError
from deployer.model.playbook import Block, Inherited, Play, Playbook, Step, Task

if TYPE_CHECKING:
    from deployer.config.templates import Templates

SECTIONS = ("pre_tasks", "tasks", "post_tasks", "after_batch")
LISTS = (*SECTIONS, "handlers")
WORDS: Mapping[str, tuple[str, Callable[[Mapping[str, Any], str], Any]]] = {  # field of Play: its word, who reads it
    "name": ("name", values.text),
    "variables": ("vars", lambda raw, _word: values.variables(raw)),
    "vars_files": ("vars_files", values.files),
    "environment": ("environment", values.mapping),
    "become": ("become", values.flag),
    "become_user": ("become_user", values.text),
    "serial": ("serial", lambda raw, _word: values.serial(raw)),
    "order": ("order", lambda raw, _word: values.order(raw)),
    "max_fail_percentage": ("max_fail_percentage", values.percentage),
    "any_errors_fatal": ("any_errors_fatal", values.flag_or_template),
    "force_handlers": ("force_handlers", values.flag_or_template),
    "pause_after": ("pause_after", values.batch_number),
}
IMPORTS = ("import_playbook", "ansible.builtin.import_playbook")


def load_playbook(
    path: Path, modules: Mapping[str, type[Any]], vault: Keyring = NO_KEYS, errors: Collector | None = None
) -> Playbook:
    """The plays of a file and of those that it imports, every task's module and arguments known to be right as far as
    they hold no template.

    Raises PlaybookError with file, line and column, or ConfigGroupError if several things are wrong. With
    `errors`, these are kept there, and what could be read comes back.
    """
    from deployer.config.templates import Templates

    reader = PlayReader(modules, Templates(), vault, Collector() if errors is None else errors)
    plays: list[Play] = []
    with reader.errors.collecting():
        plays = reader.file(path)
    if errors is None:
        reader.errors.settle()
    if not plays and not len(reader.errors):
        raise PlaybookError("the playbook is empty", place=Place(str(path)), hint="write a play: `- hosts: all`")
    return Playbook(path=str(path), plays=tuple(plays))


class PlayReader:
    """Reads plays with the modules of one registry; what is wrong is collected, and what is read then incomplete."""

    def __init__(
        self, modules: Mapping[str, type[Any]], templates: Templates, vault: Keyring, errors: Collector
    ) -> None:
        self.modules = modules
        self.templates = templates
        self.vault = vault
        self.errors = errors
        self.reading: list[Path] = []  # playbooks that import each other, the outermost first

    def file(self, path: Path) -> list[Play]:
        """The plays of a file, those of the files that it imports among them."""
        raw = load_yaml(path, error=PlaybookError, vault=self.vault)
        if not isinstance(raw, list | None):
            where = place_of(raw) if isinstance(raw, Mapping) else Place(str(path), 1)
            hint = "write `- hosts:`"
            raise PlaybookError(f"a playbook must be a list of plays, got {kind(raw)}", place=where, hint=hint)
        self.reading.append(path.resolve())
        found: list[Play] = []
        for at, item in enumerate(raw or ()):
            with self.errors.collecting():
                found += self.item(item, place_of(raw, at), path.parent)
        self.reading.pop()
        return found

    def item(self, raw: Any, place: Place, folder: Path) -> Iterable[Play]:
        """One item of a playbook: a play, or those of a file that it imports."""
        if not isinstance(raw, Mapping):
            hint = "write `- hosts: all`"
            raise PlaybookError(f"a play must be a mapping, got {kind(raw)}", place=place, hint=hint)
        key = next((one for one in IMPORTS if one in raw), None)
        return self.play(raw, place, folder) if key is None else self.imported(raw, key, folder)

    def imported(self, raw: Mapping[str, Any], key: str, folder: Path) -> Iterator[Play]:
        """The plays of another file; what the import says of them is said of each."""
        for word in raw:
            if word != key and word not in keywords.IMPORT_PLAYBOOK:
                with self.errors.collecting():
                    refuse_unknown(raw, word, "import", keywords.IMPORT_PLAYBOOK)
        name = raw[key]
        if not isinstance(name, str) or is_template(name):
            refuse(raw, key, f"`{key}` takes a path, no template", "name the file")
        path = find_file(name, (str(folder),), place_of(raw, key))
        if path.resolve() in self.reading:
            refuse(raw, key, f"{path} imports itself", "remove the import")
        self.steps().words.check_conditions(raw, ("when",))
        when, variables, tags = values.conditions(raw, "when"), values.variables(raw), values.tags(raw)
        for play in self.file(path):
            lists = {name: getattr(play, name) for name in SECTIONS}
            own: dict[str, Any] = {
                name: tuple(_also(one, when, tags) for one in steps) for name, steps in lists.items()
            }
            yield replace(
                play,
                variables={**play.variables, **variables},
                tags=play.tags | tags,
                folder=play.folder or str(path.parent.resolve()),
                handlers=tuple(replace(one, tags=one.tags | tags) for one in play.handlers),
                **own,
            )

    def steps(self) -> StepReader:
        """Who reads the tasks of one play."""
        return StepReader(self.modules, self.templates, self.vault, errors=self.errors)

    def play(self, raw: Mapping[str, Any], place: Place, folder: Path) -> Iterator[Play]:
        """The play that a mapping is; none if one of its words is wrong."""
        unknown = [key for key in raw if key not in keywords.PLAY]
        for key in unknown:
            with self.errors.collecting():
                refuse_unknown(raw, key, "play", keywords.PLAY)
        if unknown and "hosts" not in raw:  # one of them may have been meant
            return
        words = self.words(raw, place)
        steps, around = self.steps(), Inherited(folders=(str(folder),))
        with self.errors.collecting():
            around = replace(inheritance.of_play(raw), folders=around.folders)
        lists: dict[str, Any] = {name: self.listed(raw, name, steps, around) for name in SECTIONS}
        before = len(self.errors)
        handlers = tuple(_handlers(self.listed(raw, "handlers", steps, around)))
        if len(self.errors) == before:  # else it is not known what they are called
            self.check_handlers(handlers)
            self.check_notifications(steps, handlers)
        steps.words.check_templates(steps.words.only(raw, LISTS), place)
        if {"hosts", "variables", "vars_files"} <= words.keys():
            named = {word: value for word, value in words.items() if value is not None}
            named["name"] = words.get("name") or words["hosts"]
            yield Play(place=place, tags=around.tags, handlers=handlers, **named, **lists)

    def words(self, raw: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """What the words of a play say, by the fields of Play; those that are wrong are left out."""
        found: dict[str, Any] = {}
        with self.errors.collecting():
            found["hosts"] = values.hosts(raw, place)
        with self.errors.collecting():
            values.flag(raw, "gather_facts")  # Ansible's; facts are looked at when a module asks for them
        for field, (word, read) in WORDS.items():
            with self.errors.collecting():
                found[field] = read(raw, word)
        return found

    def listed(self, raw: Mapping[str, Any], name: str, steps: StepReader, around: Inherited) -> tuple[Step, ...]:
        """The steps of one of a play's lists."""
        given: list[Any] = []
        with self.errors.collecting():
            given = values.steps(raw, name)
        return steps.steps(given, around, handlers=name == "handlers")

    def check_handlers(self, handlers: tuple[Task, ...]) -> None:
        """Refuse two handlers of one name: only one of them would ever run."""
        seen: dict[str, Task] = {}
        for handler in handlers:
            first = seen.setdefault(handler.name, handler)
            if first is not handler:
                message = f"two handlers are called `{handler.name}`, the first in line {first.place.line}"
                hint = "give one of them another name, or let both `listen` to one topic"
                self.errors.add(PlaybookError(message, place=handler.place, hint=hint))

    def check_notifications(self, steps: StepReader, handlers: tuple[Task, ...]) -> None:
        """Refuse a `notify` that no handler of the play answers to."""
        names = {name for handler in handlers for name in (handler.name, *handler.listen)}
        if any(is_template(name) for name in names):
            return
        for name, place in steps.notified:
            if name not in names and not is_template(name):
                hint = did_you_mean(name, names) or f"add a handler with `name: {name}`"
                self.errors.add(PlaybookError(f"no handler is called `{name}`", place=place, hint=hint))


def _also(step: Step, when: tuple[str | bool, ...], tags: frozenset[str]) -> Step:
    """The step with more conditions, which come first, and more tags."""
    if isinstance(step, Task):
        around = replace(step.around, when=(*when, *step.around.when), tags=step.around.tags | tags)
        return replace(step, when=(*when, *step.when), tags=step.tags | tags, around=around)
    lists: dict[str, Any] = {
        name: tuple(_also(one, when, tags) for one in getattr(step, name)) for name in ("tasks", "rescue", "always")
    }
    return replace(step, **lists)


def _handlers(steps: tuple[Step, ...]) -> Iterator[Task]:
    for step in steps:
        assert not isinstance(step, Block)  # refused where it is read
        yield step
