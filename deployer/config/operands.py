"""What filters and tests are given: text, mappings, sequences, or an error that names the filter and never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deployer.config.keywords import kind
from deployer.errors import PlaybookError

WORDS: Mapping[Any, str] = {Mapping: "a mapping", list: "a list", Iterable: "a list", str: "a string"}


def expect(what: str, value: Any, wanted: Any) -> Any:
    """The value if it is of the wanted type (a tuple counts as a list); raises PlaybookError."""
    if not isinstance(value, (list, tuple) if wanted is list else wanted):
        raise PlaybookError(f"`{what}` needs {WORDS[wanted]}, got {kind(value)}")
    return value


def text(value: Any) -> str:
    """The value as the text that a template would show."""
    return str(value)
