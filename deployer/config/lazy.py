"""Values that are rendered when a template uses them, and what a template's result is made of.

A variable's value may hold templates at any depth: each is rendered on its own, so that a mapping may refer to itself
and an unused key may be undefined. How a template is compiled and run is left to `templates`.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    ItemsView,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
    ValuesView,
)
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup

from deployer.config.keywords import is_template
from deployer.errors import PlaybookError
from deployer.model.literal import Literal

Lift = Callable[[Any, str], Any]  # a raw value and what it is called -> what a template sees
STREAMS = (GeneratorType, KeysView, ValuesView, ItemsView, map, filter, zip)


class Omit:
    """The value of `omit`: an argument, key or item that has it is left out."""

    def __str__(self) -> str:
        raise PlaybookError("`omit` must be the whole value", hint="write `{{ x | default(omit) }}` and nothing else")

    __repr__ = object.__repr__


OMIT = Omit()


class LazyMapping(MutableMapping[Any, Any]):
    """A mapping of raw values; its attributes are private because a template's dot looks at attributes first.

    A template may change it, for itself alone: what it was made from stays as it is.
    """

    __slots__ = ("_lift", "_name", "_raw", "_seen")

    def __init__(self, raw: Mapping[Any, Any], lift: Lift, name: str) -> None:
        self._raw, self._lift, self._name = raw, lift, name
        self._seen: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        if key not in self._seen:
            self._seen[key] = self._lift(self._raw[key], f"{self._name}.{key}")
        return self._seen[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._raw = {**self._raw, key: None}
        self._seen[key] = value

    def __delitem__(self, key: Any) -> None:
        kept = dict(self._raw)
        del kept[key]
        self._raw = kept
        self._seen.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[Any]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __str__(self) -> str:
        return str(settled(self))


class LazyList(MutableSequence[Any]):
    """A list of raw values, which a template may change for itself."""

    __slots__ = ("_lift", "_name", "_raw", "_seen")

    def __init__(self, raw: Sequence[Any], lift: Lift, name: str) -> None:
        self._raw, self._lift, self._name = raw, lift, name
        self._seen: dict[int, Any] = {}

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self._raw)))]
        at = range(len(self._raw))[index]
        if at not in self._seen:
            self._seen[at] = self._lift(self._raw[at], f"{self._name}[{at}]")
        return self._seen[at]

    def __setitem__(self, index: Any, value: Any) -> None:
        changed = list(self)
        changed[index] = value
        self._become(changed)

    def __delitem__(self, index: Any) -> None:
        changed = list(self)
        del changed[index]
        self._become(changed)

    def insert(self, index: int, value: Any) -> None:
        changed = list(self)
        changed.insert(index, value)
        self._become(changed)

    def _become(self, values: list[Any]) -> None:
        self._raw = values
        self._seen = dict(enumerate(values))

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


def bare(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """The value for a filter: nothing lazy, no Literal; what is undefined stays so, for `default` to see.

    What stands in two places is one object in the result, too.
    """
    if isinstance(value, str):
        return str(value) if type(value) is Literal else value
    if not isinstance(value, dict | list | LazyMapping | LazyList) and type(value) is not tuple:
        return value
    known = {} if seen is None else seen
    if id(value) not in known:
        known[id(value)] = _bare_collection(value, known)
    return known[id(value)]


def _bare_collection(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, dict | LazyMapping):
        return {key: bare(one, seen) for key, one in value.items()}
    kind = tuple if isinstance(value, tuple) else list
    return kind(bare(one, seen) for one in value)


def settled(value: Any) -> Any:
    """The result of a template: plain dicts and lists without `omit`, text that is no template any more.

    Raises UndefinedError for an undefined value inside; one that is undefined itself is returned.
    """
    if isinstance(value, str):
        return literal(str(value) if isinstance(value, Markup) else value)
    if isinstance(value, dict | LazyMapping):
        return {settled(key): defined(one) for key, one in value.items() if one is not OMIT}
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
        raise PlaybookError("an `if` without `else` gave nothing", hint="say what it gives else: `x if y else ''`")
    if isinstance(value, range):
        raise PlaybookError("a `range` is no list", hint="write `range(…) | list`")
    if isinstance(value, MethodType | BuiltinFunctionType | FunctionType):
        raise PlaybookError(f"`{value.__name__}` is something to call", hint=f"write `.{value.__name__}()`")
    return settled(value)
