"""What YAML and JSON files hold, with the place of every key and item kept for later errors."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from deployer.errors import NOWHERE, Place
from deployer.model.encrypted import Encrypted


class Mapping(dict[Any, Any]):
    """A YAML mapping: equal to a plain dict; `place` is where it starts, `places` where each key stands."""

    place: Place = NOWHERE
    places: dict[Any, Place]

    def __init__(self, content: Iterable[tuple[Any, Any]] = (), *, places: dict[Any, Place] | None = None) -> None:
        super().__init__(content)
        self.places = places or {}

    def take(self, other: dict[Any, Any]) -> None:
        """Update from another mapping, places included."""
        self.update(other)
        self.places.update({key: place_of(other, key) for key in other})


class Listing(list[Any]):
    """A YAML sequence: equal to a plain list; `place` is where it starts, `places` where each item does."""

    place: Place = NOWHERE
    places: list[Place]


def place_of(value: Any, key: Any = None) -> Place:
    """Where a loaded mapping or list starts, or where one of its keys or items stands; NOWHERE if unknown."""
    if key is None:
        return getattr(value, "place", NOWHERE)
    try:
        place: Place = value.places[key]
    except (AttributeError, LookupError, TypeError):
        return getattr(value, "place", NOWHERE)
    return place


def nearest(word: object, words: Iterable[object]) -> str | None:
    """The one of `words` that `word` was most likely meant to be, or None."""
    known = {str(one).lower(): str(one) for one in words}
    close = get_close_matches(str(word).lower(), known, n=1)
    return known[close[0]] if close else None


def kind_of(value: Any) -> str:
    """What a value is, in a person's words; never the value itself."""
    kinds = {dict: "a mapping", list: "a list", str: "a string", bool: "true or false", int: "a number"}
    if value is None:
        return "nothing"
    if isinstance(value, Encrypted):
        return "an encrypted value"
    return next((words for kind, words in kinds.items() if isinstance(value, kind)), "a number")
