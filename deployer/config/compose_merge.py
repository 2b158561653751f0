"""Two compose files as one, by Compose's rules: `!reset` and `!override`, short forms beside long ones.

Reading the files, `extends` and `include` are left to `compose_text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployer.config.values import Listing, place_of
from deployer.config.values import Mapping as PlacedMapping
from deployer.errors import Place, ProjectError
from deployer.frozen import dataclass

REPLACED = frozenset({"command", "entrypoint", "test"})  # lists that a later file replaces, not lengthens
NAMED = frozenset({"depends_on", "networks"})  # a service's lists that may also be mappings


class Reset:
    """What `!reset` leaves: the key is taken away from what was read before."""


@dataclass(frozen=True)
class Override:
    """What `!override` leaves: the value replaces what was read before."""

    value: Any


def mapping(value: Any, what: str, place: Place) -> PlacedMapping:
    """The value, if it is a mapping (nothing counts as an empty one); else ProjectError."""
    if isinstance(value, PlacedMapping):
        return value
    if value is None:
        empty = PlacedMapping()
        empty.place = place
        return empty
    found = "a list" if isinstance(value, list) else "plain text"
    hint = "write `name: value` lines below it"
    raise ProjectError(f"{what} must be a mapping, found {found}", place=place, hint=hint)


def merge(base: PlacedMapping, over: PlacedMapping) -> PlacedMapping:
    """Both as one: mappings by key, lists one after the other, plain values from `over`."""
    merged = PlacedMapping(base.items(), places={**base.places, **over.places})
    merged.place = base.place if base else over.place
    for key, value in over.items():
        if isinstance(value, Reset):
            merged.pop(key, None)
        else:
            merged[key] = _merged_value(str(key), merged.get(key), value)
    return merged


def _merged_value(key: str, before: Any, value: Any) -> Any:
    if isinstance(value, Override):
        return value.value
    before, value = _long_form(key, before, value)
    if isinstance(before, PlacedMapping) and isinstance(value, PlacedMapping):
        return merge(before, value)
    if isinstance(before, list) and isinstance(value, list) and key not in REPLACED:
        longer = Listing([*before, *(item for item in value if item not in before)])
        longer.place, longer.places = place_of(before), []
        return longer
    return before if value is None else value


def _long_form(key: str, before: Any, value: Any) -> tuple[Any, Any]:
    """Both as mappings where one is and the other is Compose's short form of the same."""
    if PlacedMapping not in (type(before), type(value)):
        return before, value
    return _expanded(key, before), _expanded(key, value)


def _expanded(key: str, value: Any) -> Any:
    if key == "build" and isinstance(value, str):
        return mapping_of({"context": value}, value)
    if key in NAMED and isinstance(value, list):
        return mapping_of({str(name): None for name in value}, value)
    return value


def mapping_of(items: Mapping[str, Any], origin: Any) -> PlacedMapping:
    result = PlacedMapping(items.items())
    result.place = place_of(origin)
    return result


def cleaned(value: Any) -> Any:
    """Without what the tags left where there was nothing to take away or to replace."""
    if isinstance(value, Override):
        return cleaned(value.value)
    if isinstance(value, PlacedMapping):
        for key in [key for key, item in value.items() if isinstance(item, Reset)]:
            del value[key]
        for key in value:
            value[key] = cleaned(value[key])
    return value
