"""A playbook as JSON Schema, made of the modules and of the tables of keywords; what editors check and complete by.

What only a run can know, such as whether a file is there or a variable is defined, no schema says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deployer.config import keywords, schema_modules, schema_words
from deployer.config.playbook import IMPORTS
from deployer.config.schema_types import DRAFT, NAME, Describe, Json, Types, described, ref
from deployer.config.schema_variables import settings
from deployer.config.schema_words import words
from deployer.config.step_words import PREFIXES

READING = ("include_tasks", "import_tasks")


def playbook_schema(modules: Mapping[str, type[Any]], describe: Describe) -> Json:
    """The schema of a playbook; `describe` gives the text of a module and those of its arguments."""
    items = _if(_any_of(IMPORTS), ref("import_playbook"), ref("play"))
    return {"$schema": DRAFT, "title": "Playbook of deploy", **_list(items), **_definitions(modules, describe)}


def tasks_schema(modules: Mapping[str, type[Any]], describe: Describe) -> Json:
    """The schema of a file of tasks, as `import_tasks` and `include_tasks` read it."""
    found = {"$schema": DRAFT, "title": "Tasks of deploy", **_list(ref("step"))}
    return {**found, **_definitions(modules, describe)}


def _list(items: Json) -> Json:
    return {"type": ["array", "null"], "items": items}


def _definitions(modules: Mapping[str, type[Any]], describe: Describe) -> Json:
    types = Types(describe)
    called = {name: schema_modules.value(cls, types) for name, cls in modules.items()}
    known = {**called, **schema_modules.directives()}
    calls = [*modules, "meta"]
    return {
        "definitions": {
            "play": _object(words(keywords.PLAY), required=["hosts"]),
            "import_playbook": _import_playbook(),
            "step": _if({"required": ["block"]}, ref("block"), _step("task")),
            "handler": _step("handler_task"),
            "block": _object(words(keywords.BLOCK), required=["block"]),
            "task": _task(calls, without=("listen",), others=("block", *READING)),
            "handler_task": _task(calls, others=READING),
            "call": _call(calls, modules),
            "include_tasks": _reading("include_tasks", keywords.INCLUDE),
            "import_tasks": _reading("import_tasks", keywords.IMPORT),
            "task_word": {"enum": list(keywords.TASK)},
            "loop_control": schema_words.loop_control(),
            "variables": {
                "type": ["object", "null"], "propertyNames": {"pattern": NAME}, "properties": settings(types),
            },
            **{f"{name}_module": one for name, one in known.items()},
            **types.definitions,
        },
    }  # fmt: skip


def _object(properties: Json, *, required: Iterable[str] = (), **more: Any) -> Json:
    return {
        "type": "object", "properties": properties, "additionalProperties": False, "required": [*required], **more
    }  # fmt: skip


def _if(condition: Json, then: Json, otherwise: Json) -> Json:
    return {"type": "object", "if": condition, "then": then, "else": otherwise}


def _any_of(names: Iterable[str]) -> Json:
    """That one of these keys is there."""
    return {"anyOf": [{"required": [name]} for name in names]}


def _step(task: str) -> Json:
    """One item of a list of tasks: an include, an import, or the call of a module."""
    found = ref(task)
    for name in READING:
        found = _if(_any_of(schema_modules.names(name)), ref(name), found)
    return found


def _task(calls: list[str], *, without: Iterable[str] = (), others: Iterable[str]) -> Json:
    """The call of one module; `others` is what a step may begin with instead, for the editor to offer."""
    own = words(name for name in keywords.TASK if name not in without)
    begins = {name: described({}, _text(name)) for name in others}
    return _object({**own, **begins, **_properties(calls)}, patternProperties=_patterns(calls), allOf=[ref("call")])


def _call(calls: list[str], modules: Mapping[str, type[Any]]) -> Json:
    """What a task must be whatever else it says: one module, with all arguments that it needs."""
    whole = {name: found for name, cls in modules.items() if (found := schema_modules.whole(cls))}
    return {
        "dependencies": {spelt: _alone(spelt, name) for name in calls for spelt in schema_modules.names(name)},
        "not": {"propertyNames": ref("task_word")},
        "errorMessage": "a task without a module",
        **_unless_args(whole),
    }


def _properties(calls: list[str]) -> Json:
    return {name: ref(f"{name}_module") for name in calls}


def _patterns(calls: list[str]) -> Json:
    return {_prefixed(name): ref(f"{name}_module") for name in calls}


def _alone(spelt: str, name: str) -> Json:
    """What a module brings into a task: no other beside it, and its arguments in `args`; a `meta` takes no loop."""
    return {
        "propertyNames": {"anyOf": [{"const": spelt}, ref("task_word")]},
        "properties": {"loop": False} if name == "meta" else {"args": ref(f"{name}_module")},
    }


def _reading(name: str, known: tuple[str, ...]) -> Json:
    """An include or an import of tasks: its file is named, here or in `args`."""
    return _object(
        {**words(known), **_properties([name])},
        patternProperties=_patterns([name]),
        **_unless_args({name: {"type": ["string", "object"], "required": ["file"]}}),
    )


def _unless_args(whole: Json) -> Json:
    """What must be whole where there is no `args` to complete it."""
    prefixed = {_prefixed(name): one for name, one in whole.items()}
    return {"if": {"not": {"required": ["args"]}}, "then": {"properties": whole, "patternProperties": prefixed}}


def _prefixed(name: str) -> str:
    """The pattern of a module's longer names: `ansible.builtin.copy`."""
    return f"^({'|'.join(prefix.replace('.', '[.]') for prefix in PREFIXES)}){name}$"


def _text(name: str) -> str:
    return schema_words.WORDS[name][1] if name in schema_words.WORDS else "A file of tasks, relative to this."


def _import_playbook() -> Json:
    found = words(one for one in keywords.IMPORT_PLAYBOOK if one != "import_playbook")
    path = described(schema_words.PATH, "A file of plays, relative to this.")
    return _object({**found, **dict.fromkeys(IMPORTS, path)})
