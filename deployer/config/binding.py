"""A task's arguments as an instance of its module's dataclass: names, types and requirements checked, with places.

Rendering the arguments is `language`'s part; what they mean is the module's.
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

from deployer.config.keywords import FALSE, TRUE, did_you_mean, is_template, kind
from deployer.config.text import place_of
from deployer.errors import NOWHERE, Place, PlaybookError

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


def make(cls: type[Any], name: str, args: Mapping[str, Any], *, raw: Any = None, place: Place = NOWHERE) -> Any:
    """An instance of a module's class from rendered arguments; `raw` are those in the file, for the places.

    Raises PlaybookError for unknown, missing and mistyped arguments, and for what the class itself refuses.
    """
    try:
        return _instance(cls, args, ())
    except WrongError as wrong:
        raise _error(name, wrong, args if raw is None else raw, place) from None


def check(cls: type[Any], name: str, args: Mapping[str, Any], *, place: Place = NOWHERE) -> None:
    """Raise PlaybookError for all that is wrong with arguments whatever their templates will give."""
    try:
        _instance(cls, _postponed(args), ())
    except WrongError as wrong:
        raise _error(name, wrong, args, place) from None


def free_form(cls: type[Any]) -> str | None:
    """The argument that a module's plain string goes to, if it takes one."""
    name: str | None = getattr(cls, "free_form", None)
    return name


def arguments(cls: type[Any]) -> dict[str, Field[Any]]:
    """The arguments that a dataclass takes, by name."""
    return {field.name: field for field in fields(cls) if field.init}


def _error(name: str, wrong: WrongError, args: Any, place: Place) -> PlaybookError:
    where = place
    for key in wrong.path:
        found = place_of(args, key)
        where = where if found == NOWHERE else found
        args = args[key] if _has(args, key) else None
    return PlaybookError(f"{name}: {wrong.message}", place=None if where == NOWHERE else where, hint=wrong.hint)


def _has(args: Any, key: Any) -> bool:
    if isinstance(args, Mapping):
        return key in args
    return isinstance(args, list) and isinstance(key, int) and key < len(args)


def _named(path: Path) -> str:
    """`http.status`, `files[1]`: what a message calls a value."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return f"`{''.join(parts).removeprefix('.')}`"


def _instance(cls: type[Any], args: Mapping[str, Any], path: Path) -> Any:
    values = _checked(cls, args, path)
    if _holds_later(values):
        return LATER
    try:
        return cls(**values)
    except ValueError as error:
        message = str(error)
        raise WrongError(f"{_named(path)}: {message}" if path else message, path) from None


def _checked(cls: type[Any], args: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The converted values, by name."""
    known = arguments(cls)
    for name in args:
        if name not in known:
            hint = did_you_mean(name, known) or f"it takes {', '.join(known) or 'no arguments'}"
            raise WrongError(f"{_owner(path)}no argument is called `{name}`", (*path, name), hint)
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
        return _instance(cast(type[Any], wanted), value, path)
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
        value = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}.get(str(value).lower(), value)
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
    """A list or tuple; a string is split at commas, as Ansible does for lists."""
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


def _postponed(value: Any) -> Any:
    """The value with LATER in place of every template."""
    if isinstance(value, str):
        return LATER if is_template(value) else value
    if isinstance(value, Mapping):
        return {key: _postponed(one) for key, one in value.items()}
    return [_postponed(one) for one in value] if isinstance(value, list | tuple) else value


def _holds_later(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_later(one) for one in value.values())
    return value is LATER or (isinstance(value, list | tuple | set | frozenset) and any(map(_holds_later, value)))
