"""What the keywords of plays, blocks and tasks take: each function reads one kind of value, or refuses it at its place.

Which word may stand where is `keywords`' business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deployer.config.keywords import is_template, kind, refuse
from deployer.config.values import place_of
from deployer.errors import Place, PlaybookError
from deployer.model.truth import truth

ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")


def text(raw: Mapping[str, Any], key: str) -> str | None:
    """The value of a keyword that is one piece of text; a number counts as text."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        refuse(raw, key, f"`{key}` must be a string, got {kind(value)}")
    return None if value is None else str(value)


def texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The value of a keyword that is a string or a list of them."""
    value = raw.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, str | int):
            refuse(raw, key, f"`{key}` must be a string or a list of strings, got {kind(item)}")
    return tuple(str(item) for item in items)


def tags(raw: Mapping[str, Any]) -> frozenset[str]:
    """Tags, split at commas as in Ansible."""
    found = texts(raw, "tags")
    if any(is_template(tag) for tag in found):
        refuse(raw, "tags", "`tags` cannot be a template", "write the tags as they are; use `when` for what varies")
    return frozenset(part.strip() for tag in found for part in tag.split(",") if part.strip())


def flag(raw: Mapping[str, Any], key: str) -> bool | None:
    """True, false, or one of YAML's and Ansible's words for them."""
    value = raw.get(key)
    if value is None or isinstance(value, bool):
        return value
    said = truth(value)
    return said if said is not None else refuse(raw, key, f"`{key}` must be true or false, got {kind(value)}")


def flag_or_template(raw: Mapping[str, Any], key: str) -> bool | str | None:
    """A flag that may also be decided by a template."""
    value = raw.get(key)
    if isinstance(value, str) and is_template(value):
        return value
    return flag(raw, key)


def number(raw: Mapping[str, Any], key: str, *, least: float | None = 0) -> Any:
    """A number, or a template that gives one; None: it is not given."""
    value = raw.get(key)
    if value is None or (isinstance(value, str) and is_template(value)):
        return value
    try:
        found = float(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, bool) or not isinstance(found, int | float) or (least is not None and found < least):
        refuse(raw, key, f"`{key}` must be a number, got {kind(value)}", f"such as `{key}: 5`")
    return found


def conditions(raw: Mapping[str, Any], key: str) -> tuple[str | bool, ...]:
    """Bare expressions and booleans, all of which must be true."""
    value = raw.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    for item in items:
        if not isinstance(item, str | bool):
            refuse(raw, key, f"`{key}` must be an expression, true or false, got {kind(item)}")
        if isinstance(item, str) and not item.strip():
            refuse(raw, key, f"`{key}` is empty", "write an expression such as `x is defined`, or leave it out")
    return tuple(items)


def mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping, kept as it was read so that its places are not lost."""
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        refuse(raw, key, f"`{key}` must be a mapping, got {kind(value)}", f"write `{key}:` and below it `name: value`")
    return value


def variables(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """`vars`: a mapping whose keys are names that a template can use."""
    found = mapping(raw, "vars")
    for name in found:
        if not is_name(name):
            refuse(found, name, f"`{name}` cannot be the name of a variable", "use letters, digits and `_`")
    return found


def is_name(name: object) -> bool:
    """Whether a template can use it as a variable."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is not None


def steps(raw: Mapping[str, Any], key: str) -> list[Any]:
    """`tasks`, `rescue`, `handlers` …: a list, or nothing."""
    value = raw.get(key)
    if not isinstance(value, list | None):
        refuse(raw, key, f"`{key}` must be a list of tasks, got {kind(value)}", "begin every task with `- `")
    return value or []


def serial(raw: Mapping[str, Any]) -> Any:
    """A number of hosts, a percentage, a list of both, or a template."""
    value = raw.get("serial")
    for item in value if isinstance(value, list) else [value]:
        if not _is_size(item):
            refuse(raw, "serial", "`serial` must be a number, a percentage or a list of them", 'such as [1, "25%"]')
    return value


def order(raw: Mapping[str, Any]) -> str:
    """In which order a play takes its hosts."""
    value = text(raw, "order")
    if value is None:
        return "inventory"
    if value not in ORDERS:
        refuse(raw, "order", f"`order` is {value!r}", f"it is one of {', '.join(ORDERS)}")
    return value


def percentage(raw: Mapping[str, Any], key: str) -> Any:
    """A number from 0 to 100, or a template that gives one."""
    value = raw.get(key)
    if isinstance(value, str) and is_template(value):
        return value
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100):
        return value
    return refuse(raw, key, f"`{key}` must be a number from 0 to 100", f"such as `{key}: 20`")


def batch_number(raw: Mapping[str, Any], key: str) -> Any:
    """The number of a batch, from 1, or a template that gives one; None: no batch."""
    value = raw.get(key)
    if value is None or (isinstance(value, str) and is_template(value)):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    return refuse(raw, key, f"`{key}` must be the number of a batch, from 1", f"such as `{key}: 1`")


def once(raw: Mapping[str, Any]) -> bool:
    """True if a task is for one host of the whole rollout: `once: rollout`."""
    value = text(raw, "once")
    if value not in (None, "rollout"):
        refuse(raw, "once", f"`once` is {value!r}", "`once: rollout`, or `run_once: true`: once in each batch")
    return value is not None


def name_of_variable(raw: Mapping[str, Any], key: str) -> str | None:
    """The name of a variable."""
    name = raw.get(key)
    if name is not None and not is_name(name):
        refuse(raw, key, f"`{key}` must be the name of a variable", "use letters, digits and `_`")
    return name


def files(raw: Mapping[str, Any], key: str) -> tuple[tuple[str, ...], ...]:
    """Paths, each a string or a list of which the first that exists is meant."""
    value = raw.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    found = []
    for item in items:
        one = tuple(item) if isinstance(item, list) else (item,)
        if not one or not all(isinstance(path, str) for path in one):
            refuse(raw, key, f"`{key}` must be a list of paths", f"write `{key}: [one.yml]`")
        found.append(one)
    return tuple(found)


def _is_size(item: object) -> bool:
    if isinstance(item, str):
        return is_template(item) or re.fullmatch(r"\d+%?", item.strip()) is not None
    return item is None or (isinstance(item, int) and not isinstance(item, bool))


def hosts(raw: Mapping[str, Any], place: Place) -> str:
    """A play's host pattern; the items of a list become one pattern with the same meaning."""
    found = [pattern.strip() for pattern in texts(raw, "hosts") if pattern.strip()]
    if not found:
        where = place_of(raw, "hosts") if "hosts" in raw else place
        raise PlaybookError("a play without hosts", place=where, hint="say for whom it is: `hosts: all`")
    if len(found) == 1 or not any("," in pattern for pattern in found):
        return ":".join(found)
    if any(":" in pattern and "," not in pattern for pattern in found):  # with a comma, colons no longer split
        refuse(raw, "hosts", "`hosts` mixes `,` and `:`", "write one pattern an item")
    return ",".join(found)
