"""The variables that are known here as JSON Schema: those of a deployment, and those that say how a host is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployer.config import endpoint
from deployer.config.schema_types import DRAFT, INTEGER, LATER, SCALARS, Describe, Json, Types, choice, described
from deployer.config.settings import SETTINGS

_TEXT: Json = {"type": ["string", "null"], "pattern": r"\S"}
_PORT: Json = {
    "type": ["integer", "string", "null"], "minimum": 1, "maximum": 65535, "pattern": f"{INTEGER}|{LATER}",
}  # fmt: skip
_PASSWORD: Json = {"type": ["string", "integer", "null"]}
_NUMBER: Json = {"type": ["integer", "string"], "pattern": f"{INTEGER}|{LATER}"}
_PLUGINS = tuple(f"{prefix}{name}" for prefix in ("", "ansible.builtin.") for name in endpoint.CONNECTIONS)

CONNECTION: Mapping[tuple[str, ...], tuple[Json, str]] = {  # spellings -> what they take, and what they are
    endpoint.ADDRESS: (_TEXT, "Name or address of the host, if it is not its name in the inventory."),
    endpoint.PORT: (_PORT, "Port of its sshd."),
    endpoint.USER: (_TEXT, "Who logs in."),
    endpoint.KEY_FILE: (_TEXT, "Private key to log in with."),
    endpoint.BECOME_PASSWORD: (_PASSWORD, "Password for sudo; better in a vault."),
    ("ansible_connection",): ({"anyOf": [choice(_PLUGINS), {"type": "null"}]}, "ssh, or local: this machine."),
    ("ansible_become",): (
        {**SCALARS[bool], "type": [*SCALARS[bool]["type"], "null"]},
        "Whether tasks become root where a play says nothing.",
    ),
    ("ansible_group_priority",): (_NUMBER, "Of groups at one depth, the higher number wins; 1 without it."),
}  # fmt: skip


def settings(types: Types) -> dict[str, Json]:
    """The variables of a deployment."""
    return {
        one.name: {
            **described(types.of(one.takes), one.meaning),
            **({} if one.default is None else {"default": one.default}),
        }
        for one in SETTINGS
    }


def connection() -> dict[str, Json]:
    """The variables that say how a host is reached."""
    return {name: described(schema, text) for names, (schema, text) in CONNECTION.items() for name in names}


def variables(types: Types) -> Json:
    """Variables of a host or a group: those that are known must fit, and there may be any others."""
    return {
        "type": ["object", "null"],
        "properties": {**connection(), **settings(types)},
        "propertyNames": {"minLength": 1},
    }


def vars_schema(describe: Describe) -> Json:
    """The schema of a file in group_vars or host_vars."""
    types = Types(describe)
    found = variables(types)
    return {"$schema": DRAFT, "title": "Variables of deploy", **found, "definitions": types.definitions}


def inventory_schema(describe: Describe) -> Json:
    """The schema of an inventory in YAML; what Ansible would skip with a warning is wrong here."""
    types = Types(describe)
    group: dict[str, Any] = {"$ref": "#/definitions/group"}
    known = {"$ref": "#/definitions/variables"}
    names = {"minLength": 1}
    sections = {
        "hosts": {
            "description": "Names, ranges such as web[01:10], each with its variables.",
            "type": ["object", "string", "null"], "minLength": 1, "propertyNames": names,
            "additionalProperties": {"anyOf": [known, {"enum": ["", 0, False, []]}]},
        },
        "vars": {
            "description": "Variables of all hosts in the group.",
            "anyOf": [known, {"type": "string", "minLength": 1}],
        },
        "children": {
            "description": "Groups inside this one.",
            "type": ["object", "string", "null"], "minLength": 1, "propertyNames": names,
            "additionalProperties": group,
        },
    }  # fmt: skip
    return {
        "$schema": DRAFT,
        "title": "Inventory of deploy",
        "type": ["object", "null"],
        "propertyNames": {"minLength": 1, "not": {"enum": [*sections, "plugin", "_meta"]}},
        "additionalProperties": group,
        "definitions": {
            "group": {"type": ["object", "null"], "properties": sections, "additionalProperties": False},
            "variables": variables(types),
            **types.definitions,
        },
    }
