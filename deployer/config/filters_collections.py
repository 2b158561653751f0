"""Filters on mappings and lists: combining, turning one into the other, sets, picking."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from random import Random, SystemRandom
from typing import Any

from jinja2 import Environment, pass_environment
from jinja2.filters import do_unique

from deployer.config.keywords import did_you_mean, kind
from deployer.config.operands import expect
from deployer.errors import PlaybookError

_LISTS: Mapping[str, Callable[[list[Any], list[Any]], list[Any]]] = {  # what two lists under one key come to
    "replace": lambda low, high: high,
    "keep": lambda low, high: low,
    "append": lambda low, high: low + high,
    "prepend": lambda low, high: high + low,
    "append_rp": lambda low, high: [one for one in low if one not in high] + high,
    "prepend_rp": lambda low, high: high + [one for one in low if one not in high],
}


def combine(*given: Any, recursive: bool = False, list_merge: str = "replace") -> dict[Any, Any]:
    """One mapping out of several, or of a list of them, the later ones winning.

    With `recursive` inner mappings are combined too; `list_merge` says what becomes of lists under one key.
    """
    if list_merge not in _LISTS:
        hint = did_you_mean(list_merge, _LISTS) or f"it is one of {', '.join(_LISTS)}"
        raise PlaybookError(f"`combine`: no `list_merge` is called `{list_merge}`", hint=hint)
    mappings = [expect("combine", one, Mapping) for one in flatten(given, levels=1)]
    result: dict[Any, Any] = dict(mappings[-1]) if mappings else {}
    for lower in reversed(mappings[:-1]):
        result = _merged(lower, result, recursive, list_merge)
    return result


def _merged(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    if not low or low == high:
        return dict(high)
    result = dict(low)
    for key, value in high.items():
        old = low.get(key)
        if recursive and isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(old, value, recursive, list_merge)
        else:
            both = isinstance(old, list) and isinstance(value, list)
            result[key] = _LISTS[list_merge](old, value) if both else value  # type: ignore[arg-type]
    return result


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    return [{key_name: key, value_name: one} for key, one in expect("dict2items", value, Mapping).items()]


def items2dict(items: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    for item in expect("items2dict", items, list):
        if not isinstance(item, Mapping) or not {key_name, value_name} <= item.keys():
            raise PlaybookError(f"`items2dict` needs mappings with `{key_name}` and `{value_name}`")
    return {item[key_name]: item[value_name] for item in items}


def rekey_on_member(data: Any, key: Any, duplicates: str = "error") -> dict[Any, Any]:
    """A mapping of the members, each under what it has as `key`."""
    members = data.values() if isinstance(data, Mapping) else expect("rekey_on_member", data, list)
    result: dict[Any, Any] = {}
    for member in members:
        if key not in expect("rekey_on_member", member, Mapping):
            raise PlaybookError(f"`rekey_on_member`: a member has no `{key}`")
        if member[key] in result and duplicates != "overwrite":
            raise PlaybookError(f"`rekey_on_member`: two members with one `{key}`", hint="duplicates='overwrite'")
        result[member[key]] = member
    return result


def subelements(items: Any, path: Any, skip_missing: bool = False) -> list[tuple[Any, Any]]:
    """Each item with each element of the list in it that a dotted path leads to."""
    keys = path.split(".") if isinstance(path, str) else expect("subelements", path, list)
    outer = items.values() if isinstance(items, Mapping) else expect("subelements", items, list)
    return [(item, one) for item in outer for one in _inner(item, keys, skip_missing)]


def _inner(value: Any, keys: list[Any], skip_missing: bool) -> list[Any]:
    for key in keys:
        if key not in expect("subelements", value, Mapping):
            if skip_missing:
                return []
            raise PlaybookError(f"`subelements`: an item has no `{key}`", hint="skip_missing=true leaves it out")
        value = value[key]
    found: list[Any] = expect("subelements", value, list)
    return found


@pass_environment
def extract(env: Environment, key: Any, container: Any, morekeys: Any = None) -> Any:
    """What the container has under the key, and in that under further keys; undefined if there is nothing."""
    further = [] if morekeys is None else morekeys if isinstance(morekeys, list) else [morekeys]
    for one in [key, *further]:
        container = env.getitem(container, one)
    return container


def flatten(items: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    result: list[Any] = []
    for item in expect("flatten", items, Iterable):
        if skip_nulls and item in (None, "None", "null"):
            continue
        if isinstance(item, list | tuple) and (levels is None or levels >= 1):
            result += flatten(item, None if levels is None else int(levels) - 1, skip_nulls)
        else:
            result.append(item)
    return result


@pass_environment
def unique(env: Environment, items: Any, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    """The items without repetitions; of text that differs in case alone the first is kept, as in Jinja2."""
    try:
        return list(do_unique(env, items, bool(case_sensitive), attribute))
    except TypeError:  # what cannot be hashed
        if case_sensitive is False or attribute:
            raise
        return _distinct(expect("unique", items, Iterable))


def union(first: Any, second: Any) -> list[Any]:
    return _distinct([*_members("union", first), *_members("union", second)])


def intersect(first: Any, second: Any) -> list[Any]:
    others = _members("intersect", second)
    return _distinct(one for one in _members("intersect", first) if one in others)


def difference(first: Any, second: Any) -> list[Any]:
    others = _members("difference", second)
    return _distinct(one for one in _members("difference", first) if one not in others)


def symmetric_difference(first: Any, second: Any) -> list[Any]:
    return difference(first, second) + difference(second, first)


def _members(what: str, items: Any) -> Collection[Any]:
    """The items, as a set if they may be in one: looking up is then quick."""
    listed = list(expect(what, items, Iterable))
    try:
        return dict.fromkeys(listed).keys()
    except TypeError:
        return listed


def _distinct(items: Iterable[Any]) -> list[Any]:
    listed = list(items)
    try:
        return list(dict.fromkeys(listed))
    except TypeError:
        return [one for at, one in enumerate(listed) if one not in listed[:at]]


def random(end: Any, start: int | None = None, step: int | None = None, seed: Any = None) -> Any:
    """A number below `end`, or one of the items; with a seed always the same."""
    source = SystemRandom() if seed is None else Random(seed)  # noqa: S311 - the same choice every time is asked for
    if isinstance(end, int):
        return source.randrange(start or 0, end, step or 1)
    if start or step:
        raise PlaybookError("`random`: `start` and `step` are for numbers")
    if not isinstance(end, Sequence) or not end:
        raise PlaybookError(f"`random` needs a number or a list with something in it, got {kind(end)}")
    return source.choice(end)


def shuffle(items: Any, seed: Any = None) -> Any:
    """The items in another order; with a seed always in the same. What is no list stays as it is."""
    if not isinstance(items, Iterable):
        return items
    shuffled = list(items)
    source = Random(seed) if seed else SystemRandom()  # noqa: S311 - as above
    source.shuffle(shuffled)
    return shuffled


FILTERS: Mapping[str, Callable[..., Any]] = {
    "combine": combine, "dict2items": dict2items, "items2dict": items2dict, "rekey_on_member": rekey_on_member,
    "subelements": subelements, "extract": extract, "flatten": flatten, "unique": unique, "union": union,
    "intersect": intersect, "difference": difference, "symmetric_difference": symmetric_difference,
    "zip": zip, "zip_longest": itertools.zip_longest, "product": itertools.product,
    "permutations": itertools.permutations, "combinations": itertools.combinations, "random": random,
    "shuffle": shuffle,
}  # fmt: skip
