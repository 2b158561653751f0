"""Modules as JSON Schema: what may stand after a module's name, and what must if there is no `args` beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployer.config import binding, keywords
from deployer.config.schema_types import NAME, TEMPLATE, Json, Types, described, required
from deployer.config.step_words import PREFIXES


def value(cls: type[Any], types: Types) -> Json:
    """What stands after a module's name: a mapping of arguments, or text where the module takes one."""
    properties = types.fields(cls)
    for other, own in getattr(cls, "aliases", {}).items():
        properties[other] = {**properties[own], "description": f"Another name for `{own}`."}
    gathers = getattr(cls, "gathers", None)
    others: Json = {"propertyNames": {"pattern": NAME}} if gathers else {"additionalProperties": False}
    kinds = ["object", "null", *(["string"] if binding.free_form(cls) else [])]
    return {"description": types.describe(cls)[0], "type": kinds, "properties": properties, **others, **_excluding(cls)}


def whole(cls: type[Any]) -> Json:
    """What the value must hold if there is no `args` beside it; empty: nothing."""
    needed = [_given(cls, (name,)) for name in required(cls)]
    if one_of := getattr(cls, "one_of", ()):
        needed.append(_given(cls, one_of))
    if not needed:
        return {}
    kinds = ["object", *(["string"] if binding.free_form(cls) else [])]
    return {"type": kinds, **(needed[0] if len(needed) == 1 else {"allOf": needed})}


def names(name: str) -> Iterator[str]:
    """What a playbook may call a module."""
    yield name
    yield from (f"{prefix}{name}" for prefix in PREFIXES)


def directives() -> Mapping[str, Json]:
    """What includes, imports and `meta` take, by their names."""
    text, apply = "A file of tasks, relative to this.", {"type": ["object", "null"]}
    action = {"enum": list(keywords.METAS)}
    return {
        "meta": {
            "description": "Something that the run itself does.",
            "anyOf": [action, {"type": ["object", "null"], "properties": {"action": action}}],
        },
        "include_tasks": _file(text, {"apply": described(apply, "Words for each of its tasks.")}),
        "import_tasks": _file(text, {}),
    }


def _file(text: str, others: Json) -> Json:
    properties = {"file": {"type": "string", "description": text}, **others}
    kinds = ["string", "object", "null"]
    return {"description": text, "type": kinds, "properties": properties, "additionalProperties": False}


def _spellings(cls: type[Any], name: str) -> list[str]:
    return [name, *(other for other, own in getattr(cls, "aliases", {}).items() if own == name)]


def _given(cls: type[Any], arguments: tuple[str, ...]) -> Json:
    """That one of these arguments is given, by whatever name."""
    spelt = [one for name in arguments for one in _spellings(cls, name)]
    return {"required": spelt} if len(spelt) == 1 else {"anyOf": [{"required": [one]} for one in spelt]}


def _excluding(cls: type[Any]) -> Json:
    """That no two arguments are given which exclude each other; a template may come to `omit`."""
    pairs = [*getattr(cls, "not_both", ()), *([cls.one_of] if hasattr(cls, "one_of") else [])]
    both = [{"allOf": [_said(cls, name) for name in pair]} for pair in pairs]
    return {"not": {"anyOf": both}} if both else {}


def _said(cls: type[Any], name: str) -> Json:
    """That an argument has a value of its own."""
    real = {"not": {"anyOf": [{"enum": [None, False]}, TEMPLATE]}}
    spelt = [{"required": [one], "properties": {one: real}} for one in _spellings(cls, name)]
    return {"type": "object", **(spelt[0] if len(spelt) == 1 else {"anyOf": spelt})}
