"""The playbook language at run time: templates rendered, conditions tested, tasks bound to their modules.

Which variables a host has and when a task runs is the engine's business; reading playbooks is `playbook`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deployer.config import binding
from deployer.config.keywords import is_template, kind
from deployer.config.values import place_of
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import NOWHERE, Place, PlaybookError
from deployer.model.encrypted import Encrypted
from deployer.model.playbook import Step, Task
from deployer.model.vars_source import VarsSource


class Language:
    """Renders, tests and binds with the modules of a registry; may be used by several threads.

    Variables may hold templates themselves and are rendered when they are used. What a template gives is never taken
    for a template again; what a host said must be made `literal` before it becomes a variable.
    """

    def __init__(self, modules: Mapping[str, type[Any]], vault: Keyring = NO_KEYS) -> None:
        from deployer.config import lazy, scope, template_errors, templates  # Jinja2 costs time: only when it is used

        self._modules = modules
        self._rooms = scope
        self._told = template_errors.told
        self._lazy = lazy
        self._templates = templates.Templates(vault)
        self._vault = vault

    def render(self, value: Any, variables: Mapping[str, Any], *, place: Place = NOWHERE) -> Any:
        """The value with every template in it rendered; a string that is one `{{ expression }}` keeps its type.

        Keys, items and arguments that come out as `omit` are left out. Raises PlaybookError with the nearest place
        known: that of the key or item, else `place`.
        """
        found = self._rendered(value, self._rooms.Scope(self._templates, variables), place)
        self._vault.keep_out_named(found)
        return found

    def keep_out(self, value: Any) -> None:
        """What a value holds is a secret from now on: no output shows it."""
        self._vault.keep_out(value)

    def keep_out_named(self, value: Any) -> None:
        """What in a value is a secret by its name is one from now on."""
        self._vault.keep_out_named(value)

    def render_file(self, text: str, variables: Mapping[str, Any], *, place: Place = NOWHERE, **options: Any) -> str:
        """The content of a template file, `options` being Jinja2's; errors name the line in the file of `place`.

        What it includes is looked for beside it, then in the playbook's `templates/`, then beside the playbook.
        """
        scope, path = self._rooms.Scope(self._templates, variables), Path(place.path)
        beside = Path(str(variables.get("playbook_dir", ".")))
        shown = str(path.relative_to(beside)) if path.is_relative_to(beside) else place.path
        with self._told(variables, place, file=True):
            folders = (path.parent, beside / "templates", beside)
            result = self._templates.file(text, scope, path, folders, options, shown=shown)
            return "" if result is None else str(self._lazy.defined(result))

    def decrypted(self, content: bytes, path: str) -> bytes:
        """A file's content, opened if ansible-vault has encrypted it; raises VaultError if no password does."""
        return self._vault.content(content, path)

    def test(self, conditions: tuple[str | bool, ...], variables: Mapping[str, Any], *, place: Place = NOWHERE) -> bool:
        """Whether all conditions are true, later ones unasked after a false one.

        Raises PlaybookError for one that is neither true nor false, as Ansible 2.19 does.
        """
        scope = self._rooms.Scope(self._templates, variables)
        return all(self._tested(condition, scope, place) for condition in conditions)

    def names(self, value: Any) -> frozenset[str]:
        """The variables that the templates in a value ask for, without those that they ask for in turn."""
        if isinstance(value, str):
            return self._templates.names(value) if is_template(value) else frozenset()
        if isinstance(value, Mapping):
            return frozenset().union(*map(self.names, value.values()))
        return frozenset().union(*map(self.names, value)) if isinstance(value, list | tuple) else frozenset()

    def condition_names(self, conditions: tuple[str | bool, ...]) -> frozenset[str]:
        """The variables that conditions ask for."""
        asked = (self._templates.names(one, condition=True) for one in conditions if isinstance(one, str))
        return frozenset().union(*asked)

    def bare_names(self, task: Task) -> frozenset[str]:
        """The variables that arguments which are expressions ask for: `that` of an assert."""
        module = self._modules.get(task.module, object)  # `meta` and includes have none
        found = [task.args[name] for name in binding.expressions(module) if name in task.args]
        conditions = [one for value in found for one in (value if isinstance(value, list | tuple) else [value])]
        return self.condition_names(tuple(conditions))

    def sets(self, task: Task) -> frozenset[str]:
        """The names of variables that a task gives its host."""
        return binding.sets(self._modules[task.module], task.args) | ({task.register} if task.register else set())

    def bind(self, task: Task, variables: Mapping[str, Any], *, args: Mapping[str, Any] | None = None) -> Any:
        """The task's module with its arguments (or `args` instead) rendered, converted and checked.

        Raises PlaybookError for what cannot be rendered, and for unknown, missing and mistyped arguments.
        """
        raw, cls = task.args if args is None else args, self._modules[task.module]
        scope, bare = self._rooms.Scope(self._templates, variables), binding.expressions(cls)
        given = {
            name: value if name in bare else self._item(raw, name, scope, task.place) for name, value in raw.items()
        }
        rendered = self._lazy.bare({name: value for name, value in given.items() if value is not self._lazy.OMIT})
        self._vault.keep_out_named(rendered)
        module = binding.make(cls, task.module, rendered, raw=raw, place=task.place)
        found = {
            field: self._evaluated_argument(getattr(module, name), field, scope, _place(raw, name, task.place))
            for name, field in bare.items()
            if raw.get(name) is not None
        }
        return replace(module, **found) if found else module

    def included(
        self, task: Task, file: str, variables: Mapping[str, Any], *, handlers: bool = False
    ) -> tuple[Step, ...]:
        """The steps of a file that a task includes, with these variables for the tasks in it.

        Raises ConfigError for a file that is not there, and for whatever is wrong in it.
        """
        from deployer.config.steps import StepReader, find_file

        around = replace(task.around, parameters={**task.around.parameters, **variables})
        reader = StepReader(self._modules, self._templates, self._vault)
        steps = reader.file(find_file(file, around.folders, task.place), around, handlers=handlers)
        reader.errors.settle()
        return steps

    def load_vars(
        self, source: VarsSource, folder: str, *, place: Place = NOWHERE
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The variables of files, templates as they are, and the files.

        A file is looked for in the folder and in `vars` there; a folder, beside the file of `place`. Raises
        PlaybookError for what is not there, and for a file that is no mapping.
        """
        from deployer.config.steps import find_file
        from deployer.config.vars_files import files_in, load_vars

        if source.folder is not None:
            files = files_in(Path(place.path or folder).absolute().parent / source.folder, source, place)
        else:
            files = [find_file(source.file or "", (str(Path(folder, "vars")), folder), place)]
        found: dict[str, Any] = {}
        for path in files:
            found |= load_vars(path, self._vault)
        return found, tuple(map(str, files))

    def literal(self, value: Any) -> Any:
        """The same value, its text protected from being taken for templates: for what hosts and programs say."""
        return self._lazy.literal(value)

    def hostvars(self, by_host: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """`hostvars` for templates: every host's variables, rendered among themselves when they are used."""
        hosts: Mapping[str, Any] = self._rooms.Hosts(self._templates, by_host)
        return hosts

    def _rendered(self, value: Any, scope: Any, place: Place) -> Any:
        if isinstance(value, str):
            return self._evaluated(value, scope, place)
        if isinstance(value, Mapping):
            keys = [(key, self._item(value, key, scope, place)) for key in value]
            return {key: one for key, one in keys if one is not self._lazy.OMIT}
        if isinstance(value, list | tuple):
            items = [self._item(value, at, scope, place) for at in range(len(value))]
            return [one for one in items if one is not self._lazy.OMIT]
        return self._lazy.literal(self._vault.text(value)) if isinstance(value, Encrypted) else value

    def _item(self, value: Any, key: Any, scope: Any, place: Place) -> Any:
        return self._rendered(value[key], scope, _place(value, key, place))

    def _evaluated(self, text: str, scope: Any, place: Place) -> Any:
        if not is_template(text):
            return text
        with self._told(scope.variables, place):
            return self._lazy.defined(self._templates.evaluate(text, scope))

    def _evaluated_argument(self, value: Any, field: str, scope: Any, place: Place) -> Any:
        """What the bare expressions of an argument come to; a lone one that is undefined says so."""
        if field == "results":
            conditions = value if isinstance(value, tuple) else (value,)
            return tuple(self._tested(condition, scope, place) for condition in conditions)
        with self._told(scope.variables, place):
            return self._lazy.shown(self._templates.condition(value, scope))

    def _tested(self, condition: str | bool, scope: Any, place: Place) -> bool:
        if isinstance(condition, bool):
            return condition
        with self._told(scope.variables, place):
            result = self._lazy.defined(self._templates.condition(condition, scope))
        if not isinstance(result, bool):
            raise PlaybookError(
                f"condition `{condition.strip()}` must be true or false, got {kind(result)}",
                place=None if place == NOWHERE else place,
                hint="compare it (`x == 1`, `x | length > 0`), or write `x | bool`",
            )
        return result


def _place(value: Any, key: Any, otherwise: Place) -> Place:
    found = place_of(value, key)
    return otherwise if found == NOWHERE else found
