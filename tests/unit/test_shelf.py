"""The shelf of bytes that several hosts need: made once, bounded, and no place for a failure."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployer.engine.shelf import Shelf


def test_a_thing_is_made_once_for_all_who_ask_at_once() -> None:
    shelf, made, gate = Shelf(100), [], threading.Barrier(8)

    def make() -> bytes:
        made.append(1)
        return b"thing"

    def ask(_: int) -> bytes:
        gate.wait()
        return shelf.take("key", make)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [b"thing"] * 8
    assert made == [1]


def test_what_was_asked_for_longest_ago_goes_when_there_is_no_room() -> None:
    shelf = Shelf(10)
    made: list[str] = []

    def take(key: str) -> None:
        shelf.take(key, lambda: made.append(key) or b"12345")  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "c", "b"):
        take(key)
    assert made == ["a", "b", "c", "b"]


def test_a_thing_larger_than_the_room_is_given_all_the_same() -> None:
    shelf = Shelf(3)
    assert shelf.take("large", lambda: b"12345") == b"12345"
    assert shelf.take("other", lambda: b"12") == b"12"


def test_whoever_cannot_make_it_is_told_and_the_next_one_tries_again() -> None:
    shelf = Shelf(10)

    def fail() -> bytes:
        raise ValueError("changed")

    with pytest.raises(ValueError, match="changed"):
        shelf.take("key", fail)
    assert shelf.take("key", lambda: b"sound") == b"sound"
