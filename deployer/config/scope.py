"""The variables that a template sees, each rendered when it is first asked for.

How templates are compiled and run is left to `templates`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from deployer.config.keywords import is_template
from deployer.config.lazy import LazyList, LazyMapping, defined, literal
from deployer.config.template_errors import Absent, AbsentError, again
from deployer.errors import PlaybookError
from deployer.model.encrypted import Encrypted

if TYPE_CHECKING:
    from deployer.config.templates import Templates

ALL = "vars"  # the name under which templates see all their variables


class Scope(Mapping[str, Any]):
    """The variables of one rendering: each is rendered when a template first asks for it, and once."""

    def __init__(self, templates: Templates, variables: Mapping[str, Any]) -> None:
        self.templates = templates
        self.variables = variables
        self.seen: dict[str, Any] = {}
        self.doing: list[str] = []

    def extended(self, values: Mapping[str, Any]) -> Scope:
        """A scope with further variables, whose values are no templates."""
        return Scope(self.templates, {**self.variables, **literal(values)})

    def __getitem__(self, name: str) -> Any:
        if name not in self.seen:
            self.seen[name] = self._value(name)
        return self.seen[name]

    def __contains__(self, name: object) -> bool:
        return name in self.variables or name in self.templates.env.globals or name == ALL

    def __iter__(self) -> Iterator[str]:
        return iter({**self.templates.env.globals, **self.variables})

    def __len__(self) -> int:
        return len({**self.templates.env.globals, **self.variables})

    def _value(self, name: str) -> Any:
        if name in self.variables:
            return self.lift(self.variables[name], name)
        if name == ALL:
            return LazyMapping(self.variables, lambda _raw, key: self[key.removeprefix(".")], "")
        return self.templates.env.globals[name]

    def lift(self, value: Any, name: str) -> Any:
        """A raw value as a template sees it; `name` is what messages call it. By that name it may be a secret."""
        if isinstance(value, str):
            found = self.expand(value, name) if is_template(value) else value
            self.templates.vault.keep_out_named(found, name.rpartition(".")[2])
            return found
        if isinstance(value, Encrypted):
            return literal(self.templates.vault.text(value))
        if isinstance(value, Mapping) and not isinstance(value, LazyMapping | Hosts):
            return LazyMapping(value, self.lift, name)
        return LazyList(value, self.lift, name) if isinstance(value, list | tuple) else value

    def expand(self, text: str, name: str) -> Any:
        if name in self.doing:
            chain = " → ".join(f"`{one}`" for one in [*self.doing[self.doing.index(name) :], name])
            raise PlaybookError(f"a variable refers to itself: {chain}", hint="break the circle")
        self.doing.append(name)
        try:
            return defined(self.templates.evaluate(text, self))
        except AbsentError as absent:
            absent.user = absent.user or name
            return Absent(exc=functools.partial(again, absent))
        finally:
            self.doing.pop()


class Hosts(Mapping[str, Any]):
    """`hostvars`: every host's variables, rendered among themselves."""

    def __init__(self, templates: Templates, by_host: Mapping[str, Mapping[str, Any]]) -> None:
        self._templates = templates
        self._by_host = by_host

    def __getitem__(self, host: str) -> LazyMapping:
        scope = Scope(self._templates, self._by_host[host])
        return LazyMapping(self._by_host[host], lambda raw, name: scope.lift(raw, name.removeprefix(".")), "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_host)

    def __len__(self) -> int:
        return len(self._by_host)
