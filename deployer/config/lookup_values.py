"""Lookups that give back what they are given, and variables by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployer.config.keywords import kind
from deployer.config.operands import expect
from deployer.config.rendering import current
from deployer.config.template_errors import Absent
from deployer.errors import PlaybookError


def variables(terms: tuple[Any, ...], *, default: Any = None) -> list[Any]:
    """`vars`: the values of variables whose names are put together."""
    scope = current().scope
    found = []
    for name in terms:
        if not isinstance(name, str):
            raise PlaybookError(f"lookup `vars` needs a name, got {kind(name)}")
        if name in scope.variables:
            found.append(scope[name])
        else:
            found.append(default if default is not None else Absent(name=name))
    return found


def items(terms: tuple[Any, ...]) -> list[Any]:
    """The terms, and those of lists among them."""
    return [one for term in terms for one in (term if isinstance(term, list | tuple) else [term])]


def listed(terms: tuple[Any, ...]) -> list[Any]:
    """`list`: the terms as they are."""
    return list(terms)


def dictionary(terms: tuple[Any, ...]) -> list[Any]:
    """`dict`: keys and values of mappings, one after the other."""
    mappings = [expect("lookup('dict')", term, Mapping) for term in terms]
    return [{"key": key, "value": value} for one in mappings for key, value in one.items()]


LOOKUPS: Mapping[str, Callable[..., list[Any]]] = {
    "vars": variables, "items": items, "list": listed, "dict": dictionary,
}  # fmt: skip
