"""Versions that can be compared: loosely and strictly as distutils did, and by semver.org's rules."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from deployer.config.keywords import did_you_mean
from deployer.errors import PlaybookError

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), operator.eq),
    **dict.fromkeys(("!=", "<>", "ne"), operator.ne),
    **dict.fromkeys(("<", "lt"), operator.lt),
    **dict.fromkeys(("<=", "le"), operator.le),
    **dict.fromkeys((">", "gt"), operator.gt),
    **dict.fromkeys((">=", "ge"), operator.ge),
}
_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?")
_NUMBER, _LABELS = r"(0|[1-9]\d*)", r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMANTIC = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_LABELS}))?(?:\+{_LABELS})?")


def loose(version: str) -> tuple[Any, ...]:
    """Numbers and words in turn; a word and a number cannot be compared."""
    parts = [part for part in re.split(r"(\d+|[a-z]+|\.)", version) if part and part != "."]
    return tuple(int(part) if part.isdigit() else part for part in parts)


def strict(version: str) -> tuple[Any, ...]:
    """Two or three numbers, and `a1` or `b1` for what comes before them."""
    found = _STRICT.fullmatch(version)
    if found is None:
        raise ValueError("strict")
    numbers = (int(found[1]), int(found[2]), int(found[3] or 0))
    return (*numbers, (found[4], int(found[5])) if found[4] else ("z", 0))


def semantic(version: str) -> tuple[Any, ...]:
    """Three numbers, and a pre-release that comes before them; what was built with it does not count."""
    found = _SEMANTIC.fullmatch(version)
    labels = (found[4] or "").split(".") if found else []
    if found is None or any(re.fullmatch(r"0\d+", label) for label in labels):
        raise ValueError("semantic")
    ranks = tuple((0, int(label), "") if label.isdigit() else (1, 0, label) for label in labels)
    return (int(found[1]), int(found[2]), int(found[3]), (0, ranks) if found[4] else (1, ()))


TYPES: Mapping[str, Callable[[str], tuple[Any, ...]]] = {
    "loose": loose, "strict": strict, "semver": semantic, "semantic": semantic,
}  # fmt: skip


def compare(
    value: Any, version: Any, operator: str = "eq", strict: bool | None = None, version_type: str | None = None
) -> bool:
    """The test `version`: whether two versions stand as the operator says. Raises PlaybookError."""
    if strict is not None and version_type is not None:
        raise PlaybookError("`is version` takes `strict` or `version_type`, not both")
    if not value or not version:
        raise PlaybookError("`is version` got no version to compare")
    if operator not in _OPERATORS:
        raise PlaybookError(f"`is version` has no operator `{operator}`", hint=f"there are {', '.join(_OPERATORS)}")
    read = TYPES.get(version_type or ("strict" if strict else "loose"))
    if read is None:
        hint = did_you_mean(version_type, TYPES) or f"it is one of {', '.join(TYPES)}"
        raise PlaybookError(f"`is version` has no version_type `{version_type}`", hint=hint)
    try:
        return _OPERATORS[operator](read(str(value)), read(str(version)))
    except ValueError as wrong:
        raise PlaybookError(f"`is version` got what is no {wrong} version") from None
    except TypeError:
        raise PlaybookError("`is version` cannot compare a number with a word", hint="version_type='semver'") from None
