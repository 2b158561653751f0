"""JSON Schema of what `conversion` takes for a type: strings as Ansible reads them, templates wherever one may be.

Draft-07, the newest that the YAML servers of editors know for certain.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from deployer.config.conversion import LISTS, MAPPINGS, arguments
from deployer.model.truth import FALSE, TRUE

Json = dict[str, Any]
Describe = Callable[[type[Any]], tuple[str, Mapping[str, str]]]  # a dataclass -> its text, and its fields' texts

DRAFT = "http://json-schema.org/draft-07/schema#"
LATER = r"\{[{%#]|^\$ANSIBLE_VAULT;"  # in a string: a template, or a value that is encrypted
TEMPLATE: Json = {"type": "string", "pattern": LATER}
NAME = "^[A-Za-z_][A-Za-z0-9_]*$"  # of a variable
INTEGER = r"^\s*[-+]?[0-9]+\s*$"
NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"


def any_case(words: frozenset[str]) -> str:
    """A pattern for these words in upper case or lower; JavaScript has no flag for that inside a pattern."""
    spelt = ("".join(f"[{char.upper()}{char}]" if char.isalpha() else char for char in word) for word in sorted(words))
    return f"^({'|'.join(spelt)})$"


TRUTH = any_case(TRUE | FALSE)
FLAG: Json = {"type": ["boolean", "string", "integer"], "minimum": 0, "maximum": 1, "pattern": TRUTH}
SCALARS: Mapping[Any, Json] = {
    str: {"type": ["string", "number"]},
    bool: {**FLAG, "pattern": f"{TRUTH}|{LATER}"},
    int: {"type": ["integer", "string"], "pattern": f"{INTEGER}|{LATER}"},
    float: {"type": ["number", "string"], "pattern": f"{NUMBER}|{LATER}"},
}


def ref(name: str) -> Json:
    """What is defined elsewhere in the schema."""
    return {"$ref": f"#/definitions/{name}"}


class Types:
    """Schemas of types; dataclasses inside them are defined once, in `definitions`."""

    def __init__(self, describe: Describe) -> None:
        self.describe = describe
        self.definitions: dict[str, Json] = {}

    def of(self, wanted: Any) -> Json:
        """The schema of a type."""
        origin = get_origin(wanted)
        if wanted in (Any, object):
            return {}
        if origin in (Union, types.UnionType):
            return self._union(get_args(wanted))
        if origin is Literal:
            return choice(get_args(wanted))
        if (origin or wanted) in LISTS:
            return self._list(wanted)
        if (origin or wanted) in MAPPINGS:
            return self._mapping(get_args(wanted))
        return self._single(wanted)

    def fields(self, cls: type[Any]) -> dict[str, Json]:
        """The schemas of a dataclass's arguments, with their texts and defaults."""
        hints, texts = get_type_hints(cls), self.describe(cls)[1]
        known = {name: field for name, field in arguments(cls).items() if not field.metadata.get("internal")}
        return {
            name: {**described(self.of(hints[name]), texts.get(name, "")), **default_of(field)}
            for name, field in known.items()
        }

    def _single(self, wanted: Any) -> Json:
        if wanted in SCALARS:
            return dict(SCALARS[wanted])
        if is_dataclass(wanted):
            return self._defined(wanted)
        if isinstance(wanted, type) and issubclass(wanted, Enum):
            return choice(tuple(one.value for one in wanted))
        return {"type": "string"}

    def _defined(self, cls: Any) -> Json:
        name = cls.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # one that holds itself ends here
            self.definitions[name] = {
                "description": self.describe(cls)[0],
                "type": ["object", "string"],
                "pattern": LATER,
                "properties": self.fields(cls),
                "additionalProperties": False,
                "required": required(cls),
            }
        return ref(name)

    def _union(self, kinds: tuple[Any, ...]) -> Json:
        arms = [one for one in kinds if one is not type(None)]
        if str in arms:  # takes what numbers and choices take
            arms = [one for one in arms if one not in (int, float) and get_origin(one) is not Literal]
        schemas = [self.of(one) for one in arms]
        if {} in schemas:
            return {}
        if len(schemas) < len(kinds) and type(None) in kinds:
            schemas = with_null(schemas)
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def _list(self, wanted: Any) -> Json:
        inner = [one for one in get_args(wanted) if one is not Ellipsis] or [Any]
        kinds = {inner[0], *get_args(inner[0])}
        number = ["number"] if kinds & {str, float, Any} else ["integer"] if int in kinds else []
        return {"type": ["array", "string", *number], "items": self.of(inner[0]), **_comma_separated(inner[0])}

    def _mapping(self, inner: tuple[Any, ...]) -> Json:
        of_value = self.of(inner[1]) if inner else {}
        more = {"additionalProperties": of_value} if of_value else {}
        return {"type": ["object", "string"], "pattern": LATER, **more}


def _comma_separated(inner: Any) -> Json:
    """The pattern of a list that is written as text, where not any text will do."""
    if get_origin(inner) is Literal:
        item = "|".join(str(one) for one in get_args(inner))
    elif is_dataclass(inner):
        return {"pattern": rf"^\s*,?\s*$|{LATER}"}
    elif inner is int:
        item = "[-+]?[0-9]+"
    else:
        return {}
    return {"pattern": rf"^\s*(({item})(\s*,\s*({item}))*)?\s*,?\s*$|{LATER}"}


def with_null(schemas: list[Json]) -> list[Json]:
    """Schemas one of which takes null too."""
    if len(schemas) == 1 and isinstance(schemas[0].get("type"), list):
        return [{**schemas[0], "type": [*schemas[0]["type"], "null"]}]
    return [*schemas, {"type": "null"}]


def choice(values: tuple[Any, ...]) -> Json:
    """One of some values, or a template that gives one."""
    return {"anyOf": [{"enum": list(values)}, TEMPLATE]}


def described(schema: Json, text: str) -> Json:
    """The schema with a text that editors show."""
    return {"description": text, **schema} if text else schema


def default_of(field: Field[Any]) -> Json:
    """What is meant if nothing is said, for the editor to show."""
    value = field.default if field.default_factory is MISSING else field.default_factory()
    if value is MISSING or value is None:
        return {}
    return {"default": list(value) if isinstance(value, tuple) else value}


def required(cls: type[Any]) -> list[str]:
    """The arguments that have no default."""
    return [name for name, one in arguments(cls).items() if one.default is MISSING and one.default_factory is MISSING]
