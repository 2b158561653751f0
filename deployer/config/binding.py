"""A task's arguments as an instance of its module's dataclass: names, types and requirements checked, with places.

Rendering the arguments is `language`'s part; what they mean is the module's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployer.config.conversion import LATER, WrongError, arguments, instance, public, unknown
from deployer.config.keywords import is_template
from deployer.config.values import place_of
from deployer.errors import NOWHERE, Place, PlaybookError
from deployer.model.encrypted import Encrypted


def make(cls: type[Any], name: str, args: Mapping[str, Any], *, raw: Any = None, place: Place = NOWHERE) -> Any:
    """An instance of a module's class from rendered arguments; `raw` are those in the file, for the places.

    Raises PlaybookError for unknown, missing and mistyped arguments, and for what the class itself refuses.
    """
    try:
        return instance(cls, _named(cls, args))
    except WrongError as wrong:
        raise _error(name, wrong, args if raw is None else raw, place) from None


def refusals(cls: type[Any], name: str, args: Mapping[str, Any], *, place: Place = NOWHERE) -> Iterator[PlaybookError]:
    """All that is wrong with arguments whatever their templates will give.

    What is said of the arguments as a whole is said only if each of them is right: it may be wrong because one is.
    """
    left, found = dict(args), False
    while True:
        try:
            named = _named(cls, left)
            _refuse_internal(cls, named)
            instance(cls, _postponed(named))
        except WrongError as problem:
            culprit = next(iter(problem.path), None)
            own = next((one for one in left if one == culprit or _alias(cls, one) == culprit), None)
            if own is not None or not found:
                yield _error(name, problem, args, place)
            if own is None:
                return
            found = True
            del left[own]
        else:
            return


def free_form(cls: type[Any]) -> str | None:
    """The argument that a module's plain string goes to, if it takes one."""
    name: str | None = getattr(cls, "free_form", None)
    return name


def expressions(cls: type[Any]) -> dict[str, str]:
    """The arguments that hold bare expressions, as `when` does, each with the field that takes what they come to."""
    marks = (("conditions", "results"), ("evaluates", "value"))
    return {getattr(cls, mark): field for mark, field in marks if hasattr(cls, mark)}


def sets(cls: type[Any], args: Mapping[str, Any]) -> frozenset[str]:
    """The variables that a task with these arguments gives its host."""
    return frozenset(args) - {*public(arguments(cls))} if hasattr(cls, "gathers") else frozenset()


def _alias(cls: type[Any], name: str) -> str:
    known: Mapping[str, str] = getattr(cls, "aliases", {})
    return known.get(name, name)


def _named(cls: type[Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by the names of their fields: aliases undone, names at will in the field that gathers them."""
    known, aliases, gathers = public(arguments(cls)), getattr(cls, "aliases", {}), getattr(cls, "gathers", None)
    if gathers:
        named = {aliases.get(name, name): value for name, value in args.items()}
        own = {name: value for name, value in named.items() if name in known}
        return {**own, gathers: {name: value for name, value in named.items() if name not in known}}
    found: dict[str, Any] = {}
    for name, value in args.items():
        own_name = aliases.get(name, name)
        if own_name in found:
            raise WrongError(f"`{name}` and `{own_name}` are one argument", (name,), "remove one of the two")
        found[own_name] = value
    return found


def _refuse_internal(cls: type[Any], args: Mapping[str, Any]) -> None:
    """Refuse what only this program fills in."""
    known = public(arguments(cls))
    for name in args:
        if name not in known and name != getattr(cls, "gathers", None):
            raise unknown(name, known)


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


def _postponed(value: Any) -> Any:
    """The value with LATER in place of every template."""
    if isinstance(value, str):
        return LATER if is_template(value) else value
    if isinstance(value, Encrypted):
        return LATER
    if isinstance(value, Mapping):
        return {key: _postponed(one) for key, one in value.items()}
    return [_postponed(one) for one in value] if isinstance(value, list | tuple) else value
