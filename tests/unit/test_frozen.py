"""Frozen dataclasses of our own making do what the standard library's do, method for method."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import pytest

from deployer import frozen

Make = Callable[..., Any]


def classes(make: Make) -> tuple[type, type, type]:
    """The same three classes: by position, by keyword, and one that inherits."""

    @make(frozen=True)
    class Point:
        """Where."""

        x: int
        y: int = 2
        kind: ClassVar[str] = "point"

        @cached_property
        def total(self) -> int:
            return self.x + self.y

    @make(frozen=True, kw_only=True)
    class Named:
        name: str
        secret: str = field(default="s", repr=False)
        place: int = field(default=0, compare=False)
        more: Mapping[str, int] = field(default_factory=dict)
        length: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            if not self.name:
                raise ValueError("no name")
            object.__setattr__(self, "length", len(self.name))

    @make(frozen=True, kw_only=True)
    class Child(Named):
        age: int

        def __repr__(self) -> str:
            return "a child"

    return Point, Named, Child


OURS, THEIRS = classes(frozen.dataclass), classes(dataclasses.dataclass)


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "work",
    [
        lambda p, n, c: repr(p(1)),
        lambda p, n, c: repr(p(1, 3)),
        lambda p, n, c: repr(p(y=5, x=4)),
        lambda p, n, c: repr(n(name="a", secret="told")),
        lambda p, n, c: repr(c(name="a", age=1)),
        lambda p, n, c: asdict(c(name="abc", age=1, more={"x": 1})),
        lambda p, n, c: (p(1) == p(1, 2), p(1) == p(2), p(1) != p(1), p(1) == (1, 2)),
        lambda p, n, c: (n(name="a") == n(name="a", place=9), n(name="a") == n(name="b")),
        lambda p, n, c: (n(name="a") == c(name="a", age=1), n(name="a", secret="x") == n(name="a")),
        lambda p, n, c: (hash(p(1)) == hash((1, 2)), len({p(1), p(1, 2), p(3)})),
        lambda p, n, c: hash(n(name="a")),
        lambda p, n, c: (p(1).total, p(1).kind, n(name="abc").length),
        lambda p, n, c: [one.name for one in fields(c)],
        lambda p, n, c: repr(replace(n(name="a", secret="x"), name="bcd")),
        lambda p, n, c: replace(n(name="a", secret="x"), name="bcd").length,
        lambda p, n, c: replace(n(name="a"), length=3),
        lambda p, n, c: repr(copy.deepcopy(c(name="a", age=2, more={"k": 1}))),
        lambda p, n, c: n(name="a").more is n(name="b").more,
        lambda p, n, c: dataclasses.is_dataclass(p),
        lambda p, n, c: p.__match_args__,
        lambda p, n, c: p(),
        lambda p, n, c: p(1, 2, 3),
        lambda p, n, c: p(1, x=2),
        lambda p, n, c: p(1, z=2),
        lambda p, n, c: n("a"),
        lambda p, n, c: n(name=""),
        lambda p, n, c: n(name="a", length=3),
        lambda p, n, c: c(name="a"),
        lambda p, n, c: setattr(p(1), "x", 2),
        lambda p, n, c: setattr(p(1), "other", 2),
        lambda p, n, c: setattr(c(name="a", age=1), "name", 2),
        lambda p, n, c: delattr(p(1), "x"),
    ],
)  # fmt: skip
def test_they_do_the_same(work: Callable[..., Any]) -> None:
    ours, theirs = outcome(lambda: work(*OURS)), outcome(lambda: work(*THEIRS))
    assert ours == theirs


@frozen.dataclass(frozen=True)
class Kept:
    value: int


def test_they_can_be_kept_and_read_back() -> None:
    assert pickle.loads(pickle.dumps(Kept(3))) == Kept(3)


def test_a_wrong_name_and_a_missing_one_are_named() -> None:
    with pytest.raises(TypeError, match=r"Kept.__init__\(\) got an unexpected keyword argument 'walue'"):
        Kept(walue=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Kept.__init__\(\) misses value"):
        Kept()  # type: ignore[call-arg]
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'value'"):
        Kept(1).value = 2  # type: ignore[misc]
