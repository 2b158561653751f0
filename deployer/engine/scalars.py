"""Keywords of tasks whose values are templates, as one flag, number or text for one host."""

from __future__ import annotations

from typing import Any

from deployer.engine.ports import Language, Variables
from deployer.errors import Place, PlaybookError
from deployer.model.truth import truth


def flag_of(language: Language, value: bool | str, variables: Variables, place: Place) -> bool:
    """True or false; raises PlaybookError for what is neither."""
    if isinstance(value, bool):
        return value
    found = truth(language.render(value, variables, place=place))
    if found is None:
        raise PlaybookError(f"`{value}` must be true or false", place=place)
    return found


def number_of(language: Language, value: Any, variables: Variables, place: Place) -> float:
    """A number; raises PlaybookError for what is none."""
    found = language.render(value, variables, place=place)
    try:
        return float(found)
    except (TypeError, ValueError):
        raise PlaybookError(f"`{value}` must be a number", place=place) from None
