"""What is known of variables before a run: which there are, and what expressions come to.

An expression is evaluated only if it hangs on nothing that the run finds out, and starts no program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import nodes

from deployer.config.keywords import is_template
from deployer.config.scope import Scope
from deployer.config.template_reading import names
from deployer.config.templates import Templates
from deployer.errors import PlaybookError

RUNS = re.compile(r"\b(?:pipe|lines)\b")  # lookups that start programs


class Known:
    """The variables of one host: some with a value, `later` those that a run finds out."""

    def __init__(self, templates: Templates, variables: Mapping[str, Any], later: frozenset[str]) -> None:
        self.templates = templates
        self.variables = variables
        self.later = later
        self.scope = Scope(templates, variables)

    def has(self, name: str) -> bool:
        """Whether there is such a variable, or may be one."""
        return name in self.later or name in self.scope

    def value(self, expression: nodes.Expr) -> object:
        """The value of an expression; None if only a run knows it, or it cannot be evaluated."""
        if starts_programs(expression) or not self.are_calm(names(expression)):
            return None
        try:
            return self.templates.value(expression, self.scope)
        except Exception:  # what is wrong with it is said where it is used
            return None

    def are_calm(self, wanted: frozenset[str]) -> bool:
        """Whether variables, and those that they are made of, have values and start no program."""
        waiting, seen = set(wanted), set[str]()
        while waiting:
            name = waiting.pop()
            if name in self.later or name not in self.scope:
                return False
            seen.add(name)
            inner = self.asks(name)
            if inner is None:
                return False
            waiting |= inner - seen
        return True

    def asks(self, name: str) -> frozenset[str] | None:
        """The variables that a variable's value asks for; None if it starts a program, or nobody can say."""
        found: set[str] = set()
        for text in _texts(self.variables.get(name)):
            if not is_template(text):
                continue
            if RUNS.search(text):
                return None
            try:
                found |= self.templates.names(text)
            except PlaybookError:
                return None
        return frozenset(found)


def starts_programs(tree: nodes.Node) -> bool:
    """Whether a lookup in it may start a program."""
    found = {one.value for one in tree.find_all(nodes.Const) if isinstance(one.value, str)}
    return any(RUNS.search(one) for one in found)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for one in inner for text in _texts(one)]
