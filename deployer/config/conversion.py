"""Plain values to dataclasses and the types of their fields, strings read as Ansible reads them.

What is refused is said with the path to the value; where that stands in a file is left to `binding`.
"""

from __future__ import annotations

import collections.abc
import functools
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from deployer.config.keywords import did_you_mean, kind
from deployer.model.truth import truth

LISTS = {tuple: tuple, list: list, set: set, frozenset: frozenset, collections.abc.Sequence: tuple}
MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
SCALARS: Mapping[Any, str] = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
LATER = object()  # what a template will give
Path = tuple[Any, ...]  # keys and indices from the task's arguments down to a value


class WrongError(Exception):
    """An argument that is not what its module takes; `path` leads to it."""

    def __init__(self, message: str, path: Path, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint


def arguments(cls: type[Any]) -> dict[str, Field[Any]]:
    """The fields that a dataclass is made with, by name."""
    return {field.name: field for field in fields(cls) if field.init}


def public(known: Mapping[str, Field[Any]]) -> list[str]:
    """The names of those that a playbook may give."""
    return [name for name, field in known.items() if not field.metadata.get("internal")]


def unknown(name: Any, known: list[str], path: Path = ()) -> WrongError:
    """The error for an argument that there is not; `known` are those that there are."""
    hint = did_you_mean(name, known) or f"it takes {', '.join(known) or 'no arguments'}"
    return WrongError(f"{_owner(path)}no argument is called `{name}`", (*path, name), hint)


def _named(path: Path) -> str:
    """`http.status`, `files[1]`: what a message calls a value."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return f"`{''.join(parts).removeprefix('.')}`"


def instance(cls: type[Any], args: Mapping[str, Any], path: Path = ()) -> Any:
    """A dataclass made from a mapping; LATER if a value of it is. Raises WrongError."""
    values = _checked(cls, args, path)
    if _holds_later(values):
        return LATER
    try:
        return cls(**values)
    except ValueError as error:
        message = str(error)
        hint = getattr(error, "hint", None)
        raise WrongError(f"{_owner(path)}{message}", path, hint) from None


def _checked(cls: type[Any], args: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The converted values, by name."""
    known = arguments(cls)
    for name in args:
        if name not in known:
            raise unknown(name, public(known), path)
    for name, field in known.items():
        if name not in args and field.default is MISSING and field.default_factory is MISSING:
            raise WrongError(f"{_owner(path)}argument `{name}` is missing", path, f"write `{name}: …`")
    types_ = _types(cls)  # type: ignore[arg-type]
    return {name: convert(value, types_[name], (*path, name)) for name, value in args.items()}


def _owner(path: Path) -> str:
    return f"{_named(path)}: " if path else ""


@functools.cache
def _types(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


def convert(value: Any, wanted: Any, path: Path) -> Any:
    """The value as the wanted type, strings read as Ansible reads them; raises WrongError."""
    origin = get_origin(wanted)
    if wanted in (Any, object) or value is LATER:
        return value
    if origin in (Union, types.UnionType):
        return _union(value, get_args(wanted), path)
    if origin is Literal:
        return _choice(value, get_args(wanted), path)
    if (origin or wanted) in LISTS:
        return _listed(value, wanted, path)
    if (origin or wanted) in MAPPINGS:
        return _mapped(value, get_args(wanted), path)
    return _single(value, wanted, path)


def _single(value: Any, wanted: Any, path: Path) -> Any:
    if wanted in SCALARS:
        return _scalar(value, wanted, path)
    if isinstance(value, wanted):
        return value
    if is_dataclass(wanted):
        if not isinstance(value, Mapping):
            raise _mistyped(path, "a mapping", value)
        return instance(cast(type[Any], wanted), value, path)
    if issubclass(wanted, Enum):
        return wanted(_choice(value, [one.value for one in wanted], path))
    if issubclass(wanted, PurePath):
        if not isinstance(value, str):
            raise _mistyped(path, "a path", value)
        return wanted(value)
    raise _mistyped(path, f"a {wanted.__name__}", value)


def _scalar(value: Any, wanted: type[Any], path: Path) -> Any:
    fits = {str: (str, int, float), int: (str, int, float), float: (str, int, float), bool: (str, bool, int)}[wanted]
    if not isinstance(value, fits) or (isinstance(value, bool) and wanted is not bool):
        hint = "put it into quotes" if wanted is str and isinstance(value, bool) else None
        raise _mistyped(path, SCALARS[wanted], value, hint)
    if wanted is str:
        return str(value)
    if wanted is bool:
        said = truth(value)
        value = value if said is None else said
    try:
        return msgspec.convert(value.strip() if isinstance(value, str) else value, wanted, strict=False)
    except msgspec.ValidationError:
        raise _mistyped(path, SCALARS[wanted], value) from None


def _union(value: Any, kinds: tuple[Any, ...], path: Path) -> Any:
    if value is None and type(None) in kinds:
        return None
    arms = [one for one in kinds if one is not type(None)]
    exact = [one for one in arms if isinstance(one, type) and type(value) is one]
    if exact:
        return value
    shaped = [one for one in arms if is_dataclass(one)]
    if isinstance(value, Mapping) and len(shaped) == 1:  # it says better what is wrong than "neither" does
        return instance(cast(type[Any], shaped[0]), value, path)
    wrongs = []
    for arm in arms:
        try:
            return convert(value, arm, path)
        except WrongError as wrong:
            wrongs.append(wrong)
    if len(arms) == 1 or len(wrongs[-1].path) > len(path):
        raise wrongs[-1]
    raise _mistyped(path, " or ".join(_words(arm) for arm in arms), value)


def _choice(value: Any, choices: Iterable[Any], path: Path) -> Any:
    known = list(choices)
    found = [one for one in known if one == value or (not isinstance(value, bool) and str(one) == str(value))]
    if not found:
        expected = f"one of {', '.join(f'`{one}`' for one in known)}"
        raise _mistyped(path, expected, value, did_you_mean(value, known))
    return found[0]


def _listed(value: Any, wanted: Any, path: Path) -> Any:
    """A list or tuple; as Ansible does for lists, a string is split at commas, and a number is a list of one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = [value]
    items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(items, list | tuple | set | frozenset):
        raise _mistyped(path, "a list", value)
    inner = [one for one in get_args(wanted) if one is not Ellipsis] or [Any]
    make_list = LISTS[get_origin(wanted) or wanted]
    return make_list(convert(item, inner[0], (*path, at)) for at, item in enumerate(items))


def _mapped(value: Any, inner: tuple[Any, ...], path: Path) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _mistyped(path, "a mapping", value)
    of_key, of_value = inner or (Any, Any)
    return {convert(key, of_key, (*path, key)): convert(one, of_value, (*path, key)) for key, one in value.items()}


def _mistyped(path: Path, expected: str, value: Any, hint: str | None = None) -> WrongError:
    return WrongError(f"{_named(path)} must be {expected}, got {kind(value)}", path, hint)


def _words(wanted: Any) -> str:
    origin = get_origin(wanted) or wanted
    if origin in MAPPINGS or is_dataclass(origin):
        return "a mapping"
    return "a list" if origin in LISTS else SCALARS.get(origin, f"a {getattr(origin, '__name__', origin)}")


def _holds_later(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_later(one) for one in value.values())
    return value is LATER or (isinstance(value, list | tuple | set | frozenset) and any(map(_holds_later, value)))
