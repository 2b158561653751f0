"""Playbook files to plays and tasks; whatever can be known to be wrong is refused here, before any host is asked.

Templates stay as they were read: rendering them, and what depends on a host, is `language`'s part.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.config import binding, keywords
from deployer.config.conversion import arguments
from deployer.config.keywords import did_you_mean, is_template, kind, refuse, refuse_unknown
from deployer.config.text import load_yaml
from deployer.config.values import Mapping as Placed
from deployer.config.values import place_of
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import NOWHERE, Place, PlaybookError
from deployer.model.playbook import Play, Playbook, Task

if TYPE_CHECKING:
    from deployer.config.templates import Templates

PREFIXES = ("ansible.builtin.", "ansible.legacy.")
TASK_LISTS = ("tasks", "after_batch", "handlers")
CONDITIONS = ("when", "changed_when", "failed_when")


def load_playbook(path: Path, modules: Mapping[str, type[Any]], vault: Keyring = NO_KEYS) -> Playbook:
    """The plays of a file, every task's module and arguments known to be right as far as they hold no template.

    Raises PlaybookError with file, line and column.
    """
    from deployer.config.templates import Templates

    raw = load_yaml(path, error=PlaybookError, vault=vault)
    if raw is None or raw == []:
        raise PlaybookError("the playbook is empty", place=Place(str(path)), hint="write a play: `- hosts: all`")
    if not isinstance(raw, list):
        where = place_of(raw) if isinstance(raw, Mapping) else Place(str(path), 1)
        raise PlaybookError(
            f"a playbook must be a list of plays, got {kind(raw)}", place=where, hint="write `- hosts:`"
        )
    reader = PlayReader(modules, Templates())
    return Playbook(path=str(path), plays=tuple(reader.play(item, place_of(raw, at)) for at, item in enumerate(raw)))


class PlayReader:
    """Reads plays and tasks with the modules of one registry."""

    def __init__(self, modules: Mapping[str, type[Any]], templates: Templates) -> None:
        self.modules = modules
        self.templates = templates

    def play(self, raw: Any, place: Place) -> Play:
        """One item of a playbook."""
        if not isinstance(raw, Mapping):
            raise PlaybookError(f"a play must be a mapping, got {kind(raw)}", place=place, hint="write `- hosts: all`")
        for key in raw:
            if key not in keywords.PLAY:
                refuse_unknown(raw, key, "play", keywords.PLAY)
        hosts = keywords.hosts(raw, place)
        keywords.flag(raw, "gather_facts")  # Ansible's; facts are looked at when a module asks for them
        tasks, after_batch, handlers = (self.tasks(raw, key) for key in TASK_LISTS)
        _check_handlers(handlers)
        _check_notifications(raw, handlers)
        play = Play(
            name=keywords.text(raw, "name") or hosts,
            hosts=hosts,
            place=place,
            variables=keywords.variables(raw),
            environment=keywords.mapping(raw, "environment"),
            become=keywords.flag(raw, "become"),
            become_user=keywords.text(raw, "become_user"),
            serial=keywords.serial(raw),
            order=keywords.order(raw),
            max_fail_percentage=keywords.percentage(raw, "max_fail_percentage"),
            any_errors_fatal=keywords.flag_or_template(raw, "any_errors_fatal"),
            pause_after=keywords.batch_number(raw, "pause_after"),
            tasks=tasks,
            after_batch=after_batch,
            handlers=handlers,
        )
        self.check_templates(_only(raw, TASK_LISTS), place)
        return play

    def tasks(self, play: Mapping[str, Any], key: str) -> tuple[Task, ...]:
        """One of a play's lists of tasks."""
        raw = keywords.steps(play, key)
        tags = keywords.tags(play)
        return tuple(self.task(item, place_of(raw, at), tags, key == "handlers") for at, item in enumerate(raw))

    def task(self, raw: Any, place: Place, tags: frozenset[str], handler: bool) -> Task:
        """One task; `tags` are its play's."""
        if not isinstance(raw, Mapping):
            raise PlaybookError(f"a task must be a mapping, got {kind(raw)}", place=place, hint="write `- module: …`")
        key = self.module_key(raw, place)
        module = self.module_name(key)
        if not handler and "listen" in raw:
            refuse(raw, "listen", "`listen` belongs to a handler", "move the task to `handlers`, or use `notify`")
        args = self.arguments(raw, key)
        task = Task(
            name=keywords.text(raw, "name") or module,
            module=module,
            args=args,
            place=place,
            loop=_loop(raw),
            register=_register(raw),
            notify=keywords.texts(raw, "notify"),
            listen=keywords.texts(raw, "listen"),
            tags=tags | keywords.tags(raw),
            variables=keywords.variables(raw),
            environment=keywords.mapping(raw, "environment"),
            become=keywords.flag(raw, "become"),
            become_user=keywords.text(raw, "become_user"),
            **_decisions(raw),
        )
        binding.check(self.modules[module], module, args, place=place_of(raw, key))
        self.check_conditions(raw, CONDITIONS)
        self.check_conditions(args, tuple(binding.expressions(self.modules[module])))
        self.check_templates(_only(raw, CONDITIONS), place)
        return task

    def module_key(self, raw: Mapping[str, Any], place: Place) -> str:
        """The one key of a task that names a module."""
        found = [key for key in raw if self.module_name(key) in self.modules]
        for key in raw:
            if key not in keywords.TASK and key not in found:
                refuse_unknown(raw, key, "task", keywords.TASK) if found else self.refuse_module(raw, key)
        if not found:
            raise PlaybookError("a task without a module", place=place, hint="say what to do, such as `command: …`")
        if len(found) > 1:
            refuse(raw, found[1], f"two modules in one task: `{found[0]}` and `{found[1]}`", "make two tasks of it")
        return found[0]

    def refuse_module(self, raw: Mapping[str, Any], key: Any) -> None:
        """Refuse a word of a task that has no module: one of the two is misspelt."""
        words = (*keywords.TASK, *self.modules)
        if key in (*keywords.PLAY, *keywords.UNSUPPORTED) or str(key).startswith("with_"):
            refuse_unknown(raw, key, "task", words)
        hint = did_you_mean(self.module_name(key), words) or f"modules: {', '.join(sorted(self.modules))}"
        refuse(raw, key, f"there is no module or keyword `{key}`", hint)

    def module_name(self, key: Any) -> str:
        """A module's short name: `ansible.builtin.command` is `command`."""
        name = str(key)
        return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)

    def arguments(self, raw: Mapping[str, Any], key: str) -> Placed:
        """A task's arguments, from the module's own value and from `args`, with their places."""
        merged = _placed({}, place_of(raw, key))
        for source in (self.own_arguments(raw, key), keywords.mapping(raw, "args")):
            for name, value in source.items():
                if name in merged:
                    refuse(source, name, f"argument `{name}` is given twice", "remove one of the two")
                merged[name], merged.places[name] = value, place_of(source, name)
        return merged

    def own_arguments(self, raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """What stands after the module's name: a mapping, or a string for a module that takes one."""
        value, name = raw[key], binding.free_form(self.modules[self.module_name(key)])
        if value is None:
            return {}
        if isinstance(value, str) and name:
            self.refuse_embedded(raw, key, value)
            return _placed({name: (value, place_of(raw, key))}, place_of(raw, key))
        if not isinstance(value, Mapping):
            hint = f"write `{key}:` and below it `argument: value`"
            refuse(raw, key, f"{key}: arguments must be a mapping, got {kind(value)}", hint)
        return value

    def refuse_embedded(self, raw: Mapping[str, Any], key: str, line: str) -> None:
        """Refuse `command: make creates=/x`: Ansible would take it for an argument, a shell for a word."""
        known = arguments(self.modules[self.module_name(key)])
        for word in line.split():
            name, equals, _value = word.partition("=")
            if equals and name in known:
                refuse(raw, key, f"{key}: `{name}=…` inside the text", f"write it below `args:` as `{name}: …`")

    def check_conditions(self, raw: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        """Refuse conditions that are no expression."""
        for key in keys:
            for condition in keywords.conditions(raw, key):
                if isinstance(condition, str):
                    self.templates.check(condition, place_of(raw, key), condition=True)

    def check_templates(self, value: Any, place: Place) -> None:
        """Refuse templates that cannot be compiled, at their own places."""
        if isinstance(value, str) and is_template(value):
            self.templates.check(value, place)
        elif isinstance(value, Mapping | list):
            for key, one in value.items() if isinstance(value, Mapping) else enumerate(value):
                found = place_of(value, key)
                self.check_templates(one, place if found == NOWHERE else found)


def _only(raw: Mapping[str, Any], without: tuple[str, ...]) -> Placed:
    """The mapping without some keys, its places kept."""
    return _placed({key: (one, place_of(raw, key)) for key, one in raw.items() if key not in without}, place_of(raw))


def _placed(items: Mapping[Any, tuple[Any, Place]], place: Place) -> Placed:
    """A mapping of values with their places."""
    result = Placed()
    result.place, result.places = place, {}
    for key, (value, where) in items.items():
        result[key], result.places[key] = value, where
    return result


def _decisions(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that decide whether a task runs and what its result means."""
    flags = {key: keywords.flag_or_template(raw, key) for key in ("ignore_errors", "run_once", "no_log")}
    results = {key: keywords.conditions(raw, key) or None for key in ("changed_when", "failed_when")}
    return {"when": keywords.conditions(raw, "when"), "once": keywords.once(raw), **flags, **results}


def _loop(raw: Mapping[str, Any]) -> Any:
    value = raw.get("loop")
    if isinstance(value, list) or (isinstance(value, str) and is_template(value)):
        return value
    if "loop" in raw:
        refuse(raw, "loop", f"`loop` must be a list, got {kind(value)}", 'give a list, or a template: "{{ names }}"')
    return None


def _register(raw: Mapping[str, Any]) -> str | None:
    name = raw.get("register")
    if name is not None and not keywords.is_name(name):
        refuse(raw, "register", "`register` must be the name of a variable", "use letters, digits and `_`")
    return name


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


def _check_notifications(play: Mapping[str, Any], handlers: tuple[Task, ...]) -> None:
    """Refuse a `notify` that no handler of the play answers to."""
    names = {name for handler in handlers for name in (handler.name, *handler.listen)}
    if any(is_template(name) for name in names):
        return
    for raw in (step for key in TASK_LISTS for step in keywords.steps(play, key)):
        for name in keywords.texts(raw, "notify"):
            if name not in names and not is_template(name):
                hint = did_you_mean(name, names) or f"add a handler with `name: {name}`"
                refuse(raw, "notify", f"no handler is called `{name}`", hint)
