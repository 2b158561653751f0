"""The words of one task: which of them names its module, what its arguments are, and whether its templates compile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deployer.config import binding, keywords
from deployer.config import keyword_values as values
from deployer.config.collector import Collector
from deployer.config.conversion import arguments
from deployer.config.keywords import did_you_mean, is_template, kind, refuse, refuse_unknown
from deployer.config.values import Mapping as Placed
from deployer.config.values import place_of
from deployer.errors import NOWHERE, Place, PlaybookError
from deployer.frozen import dataclass

if TYPE_CHECKING:
    from deployer.config.templates import Templates

PREFIXES = ("ansible.builtin.", "ansible.legacy.", "ansible.posix.")


@dataclass(frozen=True)
class StepWords:
    """Reads and checks with the modules of one registry."""

    modules: Mapping[str, type[Any]]
    templates: Templates
    errors: Collector

    def module_key(self, raw: Mapping[str, Any], place: Place) -> str | None:
        """The one key of a task that names a module; None if that is misspelt."""
        misspelt = False
        found = [key for key in raw if self.is_module(self.module_name(key))]
        for key in raw:
            if key not in keywords.TASK and key not in found:
                with self.errors.collecting():
                    refuse_unknown(raw, key, "task", keywords.TASK) if found else self.refuse_module(raw, key)
                misspelt = True
        if misspelt and not found:
            return None
        if not found:
            raise PlaybookError("a task without a module", place=place, hint="say what to do, such as `command: …`")
        if len(found) > 1:
            refuse(raw, found[1], f"two modules in one task: `{found[0]}` and `{found[1]}`", "make two tasks of it")
        return str(found[0])

    def is_module(self, name: str) -> bool:
        return name in self.modules or name in keywords.DIRECTIVES

    def refuse_module(self, raw: Mapping[str, Any], key: Any) -> None:
        """Refuse a word of a task that has no module: one of the two is misspelt."""
        words = (*keywords.TASK, *self.modules, *keywords.DIRECTIVES)
        if key in (*keywords.PLAY, *keywords.BLOCK, *keywords.UNSUPPORTED) or str(key).startswith("with_"):
            refuse_unknown(raw, key, "task", words)
        hint = did_you_mean(self.module_name(key), words) or f"modules: {', '.join(sorted(self.modules))}"
        refuse(raw, key, f"there is no module or keyword `{key}`", hint)

    def module_name(self, key: Any) -> str:
        """A module's short name: `ansible.builtin.command` is `command`."""
        return short_name(str(key))

    def arguments(self, raw: Mapping[str, Any], key: str) -> Placed:
        """A task's arguments, from the module's own value and from `args`, with their places."""
        merged = mapping({}, place_of(raw, key))
        for source in (self.own_arguments(raw, key), values.mapping(raw, "args")):
            for name, value in source.items():
                if name in merged:
                    refuse(source, name, f"argument `{name}` is given twice", "remove one of the two")
                merged[name], merged.places[name] = value, place_of(source, name)
        return merged

    def own_arguments(self, raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """What stands after the module's name: a mapping, or a string for a module that takes one."""
        value, name = raw[key], self.free_form(self.module_name(key))
        if value is None:
            return {}
        if isinstance(value, str) and name:
            self.refuse_embedded(raw, key, value)
            return mapping({name: (value, place_of(raw, key))}, place_of(raw, key))
        if not isinstance(value, Mapping):
            hint = f"write `{key}:` and below it `argument: value`"
            refuse(raw, key, f"{key}: arguments must be a mapping, got {kind(value)}", hint)
        return value

    def free_form(self, name: str) -> str | None:
        return keywords.FREE_FORM.get(name) or binding.free_form(self.modules[name])

    def refuse_embedded(self, raw: Mapping[str, Any], key: str, line: str) -> None:
        """Refuse `command: make creates=/x`: Ansible would take it for an argument, a shell for a word."""
        name = self.module_name(key)
        known = () if name in keywords.DIRECTIVES else arguments(self.modules[name])
        for word in line.split():
            name, equals, _value = word.partition("=")
            if equals and name in known:
                refuse(raw, key, f"{key}: `{name}=…` inside the text", f"write it below `args:` as `{name}: …`")

    def loop(self, raw: Mapping[str, Any]) -> Any:
        """A list, or a template that gives one; None: no loop."""
        value = raw.get("loop")
        if isinstance(value, list) or (isinstance(value, str) and is_template(value)):
            return value
        if "loop" in raw:
            refuse(
                raw, "loop", f"`loop` must be a list, got {kind(value)}", 'give a list, or a template: "{{ names }}"'
            )
        return None

    def check_meta(self, raw: Mapping[str, Any], key: str, args: Mapping[str, Any], handlers: bool) -> None:
        """Refuse a `meta` that is not known, and what none of them takes."""
        word = args.get("action")
        if list(args) != ["action"] or word not in keywords.METAS:
            hint = did_you_mean(word, keywords.METAS) or f"it is one of {', '.join(keywords.METAS)}"
            refuse(raw, key, f"`meta: {word}` is not supported", hint)
        if "loop" in raw:
            refuse(raw, "loop", "`meta` takes no `loop`", "remove it")
        if handlers and word == "flush_handlers":
            refuse(raw, key, "`meta: flush_handlers` cannot be a handler", "remove it")

    def check_file(self, raw: Mapping[str, Any], key: str, args: Mapping[str, Any], known: tuple[str, ...]) -> None:
        """Refuse an include or import without a file, and arguments that it does not take."""
        for name in args:
            if name not in known:
                refuse(args, name, f"{key}: no argument is called `{name}`", did_you_mean(name, known))
        if not isinstance(args.get("file"), str):
            refuse(raw, key, f"{key}: the file is missing", f"write `{key}: tasks.yml`")

    def check_conditions(self, raw: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        """Refuse conditions that are no expression."""
        for key in keys:
            with self.errors.collecting():
                for condition in values.conditions(raw, key):
                    self.check_condition(condition, place_of(raw, key))

    def check_condition(self, condition: str | bool, place: Place) -> None:
        with self.errors.collecting():
            if isinstance(condition, str):
                self.templates.check(condition, place, condition=True)

    def check_templates(self, value: Any, place: Place) -> None:
        """Refuse templates that cannot be compiled, at their own places."""
        if isinstance(value, str) and is_template(value):
            with self.errors.collecting():
                self.templates.check(value, place)
        elif isinstance(value, Mapping | list):
            for key, one in value.items() if isinstance(value, Mapping) else enumerate(value):
                found = place_of(value, key)
                self.check_templates(one, place if found == NOWHERE else found)

    def only(self, raw: Mapping[str, Any], without: tuple[str, ...]) -> Placed:
        """The mapping without some keys, its places kept."""
        return mapping(
            {key: (one, place_of(raw, key)) for key, one in raw.items() if key not in without}, place_of(raw)
        )


def short_name(name: str) -> str:
    """A module's name without Ansible's prefix."""
    return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)


def mapping(items: Mapping[Any, tuple[Any, Place]], place: Place) -> Placed:
    """A mapping of values with their places."""
    result = Placed()
    result.place, result.places = place, {}
    for key, (value, where) in items.items():
        result[key], result.places[key] = value, where
    return result
