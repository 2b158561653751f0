"""docs/modules.md out of the modules themselves: docstrings, fields with the comments on their lines, defaults.

Which modules there are is the caller's to say; this writes no file.
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
import textwrap
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any

from deployer.frozen import dataclass

_HEAD = """\
# Modules

What a task can call, with its arguments. Written from the code: edit the docstrings and comments in
`deployer/modules/`, not this page.

Every module looks first and plans only what is missing; planning nothing means *unchanged*. None of them removes
a volume, a network or data.
"""
EXAMPLES = "\n\nExamples:\n"  # what comes after it, at the end of a docstring, are tasks in YAML
_WORDS: Mapping[str, str] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "Any": "any value",
}


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument as the page shows it."""

    name: str
    type: str
    default: str  # as in YAML; "required" if there is none
    text: str  # the comment on its line


def render_modules(modules: Mapping[str, type[Any]]) -> str:
    """The whole page, modules in alphabetical order."""
    index = ", ".join(f"[`{name}`](#{name})" for name in sorted(modules))
    return "\n".join([_HEAD, index, *(_section(name, modules[name]) for name in sorted(modules))])


def read_text(cls: type[Any]) -> str:
    """What a module does, in its own words."""
    return inspect.cleandoc(cls.__doc__ or "").partition(EXAMPLES)[0].strip()


def read_examples(cls: type[Any]) -> str:
    """Its examples: tasks in YAML, as the docstring ends with; empty if there are none."""
    return textwrap.dedent(inspect.cleandoc(cls.__doc__ or "").partition(EXAMPLES)[2]).strip("\n")


def describe(cls: type[Any]) -> tuple[str, Mapping[str, str]]:
    """What a module, or any dataclass, does, and what its fields are."""
    return read_text(cls), _comments(cls)


def _section(name: str, cls: type[Any]) -> str:
    lines = ["", f"## {name}", "", read_text(cls), ""]
    rows = [f"| `{one.name}` | {one.type} | {one.default} | {one.text} |" for one in read_arguments(cls)]
    lines += ["| argument | type | default | |", "|---|---|---|---|", *rows] if rows else ["It takes no arguments."]
    notes, examples = list(read_notes(name, cls)), read_examples(cls)
    shown = ["", "```yaml", examples, "```"] if examples else []
    return "\n".join([*lines, *([""] if notes else []), *notes, *shown])


def read_notes(name: str, cls: type[Any]) -> Iterator[str]:
    if free_form := getattr(cls, "free_form", None):
        yield f"Short form: `{name}: TEXT` means `{name}: {{{free_form}: TEXT}}`."
    aliases: Mapping[str, str] = getattr(cls, "aliases", {})
    if aliases:
        yield "Other names: " + ", ".join(f"`{other}` for `{own}`" for other, own in aliases.items()) + "."
    if getattr(cls, "gathers", None):
        yield "Any further argument is a variable to set."
    if getattr(cls, "always_acts", False):
        yield f"`{name}` is an escape hatch: it always acts, unless its arguments say that there is nothing to do."


def read_arguments(cls: type[Any]) -> tuple[Argument, ...]:
    """The arguments of a module, in the order of its fields; those that the engine fills in are left out."""
    comments = _comments(cls)
    return tuple(
        Argument(
            name=field.name, type=_type(str(field.type)), default=_default(field),
            text=_escape(comments.get(field.name, "")),
        )
        for field in fields(cls)
        if field.init and not field.metadata.get("internal")
    )  # fmt: skip


def _comments(cls: type[Any]) -> dict[str, str]:
    """The comment on each field's own lines, base classes first."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        if "__dataclass_fields__" in vars(one):
            found.update(_own_comments(textwrap.dedent(inspect.getsource(one))))
    return found


@cache
def _own_comments(source: str) -> Mapping[str, str]:
    by_line: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            by_line[token.start[0]] = token.string.removeprefix("#").strip()
    body = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)).body
    found: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            found[node.target.id] = " ".join(by_line[line] for line in lines if line in by_line)
    return found


def _type(annotation: str) -> str:
    """A type in the words of somebody who writes YAML."""
    return _named(ast.parse(annotation, mode="eval").body)


def _named(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp):
        sides = (_named(node.left), _named(node.right))
        return " or ".join(dict.fromkeys(side for side in sides if side))
    if isinstance(node, ast.Subscript):
        return _generic(node)
    if isinstance(node, ast.Constant) and node.value is None:
        return ""
    text = ast.unparse(node)
    return _WORDS.get(text, text.lower())


def _generic(node: ast.Subscript) -> str:
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    outer = ast.unparse(node.value)
    if outer == "Literal":
        return ", ".join(f"`{ast.literal_eval(one)}`" for one in inner)
    if outer in ("Mapping", "dict"):
        return "mapping"
    return f"list of {_named(inner[0])}s" if _named(inner[0]) in _WORDS.values() else "list"


def _default(field: Field[Any]) -> str:
    if field.default_factory is not MISSING:
        return f"`{_yaml(field.default_factory())}`"
    if field.default is MISSING:
        return "**required**"
    return "" if field.default is None else f"`{_yaml(field.default)}`"


def _yaml(value: Any) -> str:
    """A default as it could stand in a playbook: bare words bare, the rest as JSON, which YAML is a superset of."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z/][\w./-]*", value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _escape(text: str) -> str:
    """A comment as a table cell: in a template, braces and bars stay what they are."""
    return text.replace("|", "\\|")
