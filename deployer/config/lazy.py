"""Values that are rendered when a template uses them, and what a template's result is made of.

A variable's value may hold templates at any depth: each is rendered on its own, so that a mapping may refer to itself
and an unused key may be undefined. How a template is compiled and run is left to `templates`.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from types import GeneratorType
from typing import Any

from jinja2 import Undefined

from deployer.config.keywords import is_template
from deployer.errors import PlaybookError

Lift = Callable[[Any, str], Any]  # a raw value and what it is called -> what a template sees
STREAMS = (GeneratorType, KeysView, ValuesView, ItemsView, map, filter, zip, range)


class Literal(str):
    """Text that is never a template, whatever it holds: what a host said, or what a template gave."""

    __slots__ = ()


class Omit:
    """The value of `omit`: an argument, key or item that has it is left out."""

    def __str__(self) -> str:
        raise PlaybookError("`omit` must be the whole value", hint="write `{{ x | default(omit) }}` and nothing else")

    __repr__ = object.__repr__


OMIT = Omit()


class LazyMapping(Mapping[Any, Any]):
    """A mapping of raw values; its attributes are private because a template's dot looks at attributes first."""

    __slots__ = ("_lift", "_name", "_raw")

    def __init__(self, raw: Mapping[Any, Any], lift: Lift, name: str) -> None:
        self._raw, self._lift, self._name = raw, lift, name

    def __getitem__(self, key: Any) -> Any:
        return self._lift(self._raw[key], f"{self._name}.{key}")

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[Any]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __str__(self) -> str:
        return str(settled(self))


class LazyList(Sequence[Any]):
    """A list of raw values."""

    __slots__ = ("_lift", "_name", "_raw")

    def __init__(self, raw: Sequence[Any], lift: Lift, name: str) -> None:
        self._raw, self._lift, self._name = raw, lift, name

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self._raw)))]
        return self._lift(self._raw[index], f"{self._name}[{index}]")

    def __len__(self) -> int:
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list | tuple | LazyList) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Any) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: Any) -> list[Any]:
        return [*other, *self]

    def __str__(self) -> str:
        return str(settled(self))


def bare(value: Any) -> Any:
    """The value for a filter: nothing lazy, no Literal; what is undefined stays so, for `default` to see."""
    if isinstance(value, str):
        return str(value) if type(value) is Literal else value
    if isinstance(value, dict | LazyMapping):
        return {key: bare(one) for key, one in value.items()}
    if isinstance(value, list | LazyList):
        return [bare(one) for one in value]
    return tuple(bare(one) for one in value) if type(value) is tuple else value


def settled(value: Any) -> Any:
    """The result of a template: plain dicts and lists without `omit`, text that is no template any more.

    Raises UndefinedError for an undefined value inside; one that is undefined itself is returned.
    """
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, dict | LazyMapping):
        return {key: defined(one) for key, one in value.items() if one is not OMIT}
    if isinstance(value, (list, tuple, LazyList, *STREAMS)):
        return [defined(one) for one in value if one is not OMIT]
    return value


def shown(value: Any) -> Any:
    """The settled value without protection, to be looked at; what is undefined is said to be."""
    return "(undefined)" if isinstance(value, Undefined) else bare(settled(value))


def literal(value: Any) -> Any:
    """The same value with all its text protected from being taken for templates."""
    if isinstance(value, str):
        return Literal(value) if is_template(value) else value
    if isinstance(value, Mapping):
        return {key: literal(one) for key, one in value.items()}
    return [literal(one) for one in value] if isinstance(value, list | tuple) else value


def defined(value: Any) -> Any:
    """The settled value; raises UndefinedError if it is undefined."""
    if isinstance(value, Undefined):
        str(value)
    return settled(value)
