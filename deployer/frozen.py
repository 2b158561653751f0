"""Frozen dataclasses that are made fast: every command begins by making some three hundred.

The standard library writes and compiles the source of six methods for each class, at a millisecond a class. Here all
classes share theirs; fields, defaults and `__post_init__` are the standard library's, so `fields`, `replace` and
`asdict` work as ever. To a type checker it is the standard library's `dataclass`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
        """As the standard library's with `frozen=True`, which must be said."""
        assert frozen

        def made(cls: type[T]) -> type[T]:
            cls.__doc__ = cls.__doc__ or cls.__name__  # else its signature is worked out for that
            return _complete(dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls))

        return made


def _complete(cls: type[T]) -> type[T]:
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    compared = tuple(field.name for field in fields if field.compare)
    methods = {
        "__init__": _init(cls, fields),
        "__repr__": _repr(tuple(field.name for field in fields if field.repr)),
        "__eq__": _eq(compared),
        "__hash__": _hash(compared),
        "__setattr__": _refusal(cls, fields, "assign to", object.__setattr__),
        "__delattr__": _refusal(cls, fields, "delete", object.__delattr__),
    }
    for name, method in methods.items():
        if name not in vars(cls):
            method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
            setattr(cls, name, method)
    return cls


def _init(cls: type, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    taken = {field.name: field for field in fields if field.init}
    placed = tuple(name for name, field in taken.items() if not field.kw_only)
    plain = {name: one.default for name, one in taken.items() if one.default is not dataclasses.MISSING}
    makers = {
        one.name: one.default_factory for one in fields if one.default_factory is not dataclasses.MISSING
    }  # of fields that are not taken, too
    needed = tuple(name for name in taken if name not in plain and name not in makers)
    known, finish = taken.keys(), getattr(cls, "__post_init__", None)

    def init(self: Any, /, *values: Any, **named: Any) -> None:
        if values:
            named |= _placed(cls, placed, values, named)
        own = self.__dict__
        own.update(plain)
        own.update(named)
        for name, make in makers.items():
            if name not in named:
                own[name] = make()
        if not named.keys() <= known or any(name not in own for name in needed):
            raise _misfit(cls, [name for name in named if name not in known], [one for one in needed if one not in own])
        if finish is not None:
            finish(self)

    return init


def _placed(cls: type, placed: tuple[str, ...], values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Values by position, by name. Raises TypeError if they are too many, or named as well."""
    found = dict(zip(placed, values, strict=False))
    twice = [name for name in found if name in named]
    if twice or len(values) > len(placed):
        word = (
            f"got multiple values for argument {twice[0]!r}" if twice else f"takes {len(placed)} positional arguments"
        )
        raise TypeError(f"{cls.__qualname__}.__init__() {word}")
    return found


def _misfit(cls: type, unknown: list[str], missing: list[str]) -> TypeError:
    words = f"got an unexpected keyword argument {unknown[0]!r}" if unknown else f"misses {', '.join(missing)}"
    return TypeError(f"{cls.__qualname__}.__init__() {words}")


def _repr(names: tuple[str, ...]) -> Callable[..., str]:
    def represent(self: Any) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({told})"

    return represent


def _eq(names: tuple[str, ...]) -> Callable[..., Any]:
    def equal(self: Any, other: object) -> Any:  # NotImplemented, too
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in names)

    return equal


def _hash(names: tuple[str, ...]) -> Callable[..., int]:
    def digest(self: Any) -> int:
        return hash(tuple([getattr(self, name) for name in names]))

    return digest


def _refusal(
    cls: type, fields: tuple[dataclasses.Field[Any], ...], word: str, other: Callable[..., None]
) -> Callable[..., None]:
    names = frozenset(field.name for field in fields)

    def refuse(self: Any, name: str, *value: Any) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot {word} field {name!r}")
        other(self, name, *value)

    return refuse
