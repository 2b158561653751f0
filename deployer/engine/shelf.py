"""Bytes that several hosts need at about the same time: made once, and kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


@dataclass
class _Place:
    """One thing's place; its lock is held while the thing is made."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    thing: bytes | None = None


class Shelf:
    """Keeps at most `room` bytes; what was asked for longest ago goes first. For many threads."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._full = 0

    def take(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The thing with this key; whoever comes first makes it, others wait. What `make` raises, its caller gets."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
        with place.lock:
            if place.thing is None:
                thing = make()
                self._keep(key, place, thing)
                return thing
            return place.thing

    def _keep(self, key: Hashable, place: _Place, thing: bytes) -> None:
        with self._lock:
            place.thing = thing
            if self._places.get(key) is not place:
                return  # it had to go before it was made
            self._full += len(thing)
            while self._full > self._room and len(self._places) > 1:
                _, gone = self._places.popitem(last=False)
                self._full -= len(gone.thing or b"")
