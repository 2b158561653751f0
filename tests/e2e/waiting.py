"""Waiting for something to become so, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within: float = 30.0, every: float = 0.2, what: str = "") -> T:
    """The first truthy answer of `look`; AssertionError, naming the last answer, if there is none in time (seconds).

    What takes long is looked at less often, as looks cost others their time: `every` so many seconds at first, later
    once a second.
    """
    start = time.monotonic()
    while True:
        seen = look()
        if seen:
            return seen
        waited = time.monotonic() - start
        if waited > within:
            raise AssertionError(f"not within {within:g} s: {what or look}; last seen: {seen!r}")
        time.sleep(max(every, min(1.0, waited / 20)))
