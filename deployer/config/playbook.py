"""Playbook files to plays; whatever can be known to be wrong is refused here, before any host is asked.

The tasks of a play are `steps`' part; rendering templates, and what depends on a host, is `language`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.config import inheritance, keywords
from deployer.config import keyword_values as values
from deployer.config.keywords import did_you_mean, is_template, kind, refuse, refuse_unknown
from deployer.config.steps import StepReader, find_file
from deployer.config.text import load_yaml
from deployer.config.values import place_of
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import Place, PlaybookError
from deployer.model.playbook import Block, Play, Playbook, Step, Task

if TYPE_CHECKING:
    from deployer.config.templates import Templates

SECTIONS = ("pre_tasks", "tasks", "post_tasks", "after_batch")
LISTS = (*SECTIONS, "handlers")
IMPORTS = ("import_playbook", "ansible.builtin.import_playbook")


def load_playbook(path: Path, modules: Mapping[str, type[Any]], vault: Keyring = NO_KEYS) -> Playbook:
    """The plays of a file and of those that it imports, every task's module and arguments known to be right as far as
    they hold no template.

    Raises PlaybookError with file, line and column.
    """
    from deployer.config.templates import Templates

    plays = tuple(PlayReader(modules, Templates(), vault).file(path))
    if not plays:
        raise PlaybookError("the playbook is empty", place=Place(str(path)), hint="write a play: `- hosts: all`")
    return Playbook(path=str(path), plays=plays)


class PlayReader:
    """Reads plays with the modules of one registry."""

    def __init__(self, modules: Mapping[str, type[Any]], templates: Templates, vault: Keyring) -> None:
        self.modules = modules
        self.templates = templates
        self.vault = vault
        self.reading: list[Path] = []  # playbooks that import each other, the outermost first

    def file(self, path: Path) -> Iterator[Play]:
        """The plays of a file, those of the files that it imports among them."""
        raw = load_yaml(path, error=PlaybookError, vault=self.vault)
        if not isinstance(raw, list | None):
            where = place_of(raw) if isinstance(raw, Mapping) else Place(str(path), 1)
            hint = "write `- hosts:`"
            raise PlaybookError(f"a playbook must be a list of plays, got {kind(raw)}", place=where, hint=hint)
        self.reading.append(path.resolve())
        for at, item in enumerate(raw or ()):
            place = place_of(raw, at)
            if not isinstance(item, Mapping):
                hint = "write `- hosts: all`"
                raise PlaybookError(f"a play must be a mapping, got {kind(item)}", place=place, hint=hint)
            key = next((one for one in IMPORTS if one in item), None)
            if key is None:
                yield self.play(item, place, path.parent)
            else:
                yield from self.imported(item, key, path.parent)
        self.reading.pop()

    def imported(self, raw: Mapping[str, Any], key: str, folder: Path) -> Iterator[Play]:
        """The plays of another file; what the import says of them is said of each."""
        for word in raw:
            if word != key and word not in keywords.IMPORT_PLAYBOOK:
                refuse_unknown(raw, word, "import", keywords.IMPORT_PLAYBOOK)
        name = raw[key]
        if not isinstance(name, str) or is_template(name):
            refuse(raw, key, f"`{key}` takes a path, no template", "name the file")
        path = find_file(name, (str(folder),), place_of(raw, key))
        if path.resolve() in self.reading:
            refuse(raw, key, f"{path} imports itself", "remove the import")
        StepReader(self.modules, self.templates, self.vault).words.check_conditions(raw, ("when",))
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

    def play(self, raw: Mapping[str, Any], place: Place, folder: Path) -> Play:
        """One item of a playbook."""
        for key in raw:
            if key not in keywords.PLAY:
                refuse_unknown(raw, key, "play", keywords.PLAY)
        hosts = values.hosts(raw, place)
        values.flag(raw, "gather_facts")  # Ansible's; facts are looked at when a module asks for them
        steps = StepReader(self.modules, self.templates, self.vault)
        around = replace(inheritance.of_play(raw), folders=(str(folder),))
        lists: dict[str, Any] = {name: steps.steps(values.steps(raw, name), around) for name in SECTIONS}
        handlers = tuple(_handlers(steps.steps(values.steps(raw, "handlers"), around, handlers=True)))
        _check_handlers(handlers)
        _check_notifications(steps, handlers)
        play = Play(
            name=values.text(raw, "name") or hosts,
            hosts=hosts,
            place=place,
            tags=around.tags,
            variables=values.variables(raw),
            vars_files=values.files(raw, "vars_files"),
            environment=values.mapping(raw, "environment"),
            become=values.flag(raw, "become"),
            become_user=values.text(raw, "become_user"),
            serial=values.serial(raw),
            order=values.order(raw),
            max_fail_percentage=values.percentage(raw, "max_fail_percentage"),
            any_errors_fatal=values.flag_or_template(raw, "any_errors_fatal") or False,
            force_handlers=values.flag_or_template(raw, "force_handlers") or False,
            pause_after=values.batch_number(raw, "pause_after"),
            handlers=handlers,
            **lists,
        )
        steps.words.check_templates(steps.words.only(raw, LISTS), place)
        return play


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


def _check_handlers(handlers: tuple[Task, ...]) -> None:
    """Refuse two handlers of one name: only one of them would ever run."""
    seen: dict[str, Task] = {}
    for handler in handlers:
        first = seen.setdefault(handler.name, handler)
        if first is not handler:
            raise PlaybookError(
                f"two handlers are called `{handler.name}`, the first in line {first.place.line}",
                place=handler.place,
                hint="give one of them another name, or let both `listen` to one topic",
            )


def _check_notifications(steps: StepReader, handlers: tuple[Task, ...]) -> None:
    """Refuse a `notify` that no handler of the play answers to."""
    names = {name for handler in handlers for name in (handler.name, *handler.listen)}
    if any(is_template(name) for name in names):
        return
    for name, place in steps.notified:
        if name not in names and not is_template(name):
            hint = did_you_mean(name, names) or f"add a handler with `name: {name}`"
            raise PlaybookError(f"no handler is called `{name}`", place=place, hint=hint)
