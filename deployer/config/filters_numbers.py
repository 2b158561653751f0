"""Filters on numbers, sizes, times, and what is true or false."""

from __future__ import annotations

import datetime
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from deployer.config.keywords import kind
from deployer.config.operands import expect
from deployer.errors import PlaybookError

_TRUE = frozenset({"yes", "on", "true", "1"})  # fewer than `model.truth` has: the filter knows no y and no t
_FALSE = frozenset({"no", "off", "false", "0"})
_UNITS = {unit: 1 << (10 * power) for power, unit in reversed(list(enumerate("BKMGTPEZY")))}
_UNIT_WORDS = dict(zip(_UNITS, ("yotta", "zetta", "exa", "peta", "tera", "giga", "mega", "kilo", ""), strict=True))


def to_bool(value: Any) -> bool:
    """Ansible's words for true and false; nothing, and what is neither text nor 1, is false."""
    word = str(value).lower() if isinstance(value, str | int) else value
    if isinstance(value, str) and word not in _TRUE | _FALSE | {""}:
        raise PlaybookError("`bool` got a string that is neither true nor false", hint="use yes or no")
    return word in _TRUE if isinstance(word, str) else bool(word == 1)


def to_datetime(value: Any, format: str = "%Y-%m-%d %H:%M:%S") -> datetime.datetime:  # noqa: A002 - as Ansible calls it
    try:
        return datetime.datetime.strptime(expect("to_datetime", value, str), format)
    except ValueError:
        raise PlaybookError(f"`to_datetime` got a time that is not written as `{format}`") from None


def strftime(string_format: Any, second: Any = None, utc: bool = False) -> str:
    try:
        at = None if second is None else float(second)
    except (TypeError, ValueError):
        raise PlaybookError(f"`strftime` needs seconds since 1970, got {kind(second)}") from None
    return time.strftime(expect("strftime", string_format, str), (time.gmtime if utc else time.localtime)(at))


def now(utc: bool = False, fmt: str | None = None) -> Any:
    """The time here, or in UTC, as a datetime without a zone or as text."""
    at = datetime.datetime.now(datetime.UTC if utc else None).replace(tzinfo=None)
    return at.strftime(fmt) if fmt else at


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    if not isinstance(size, int | float):
        raise PlaybookError(f"`human_readable` needs a number, got {kind(size)}")
    fits = (name for name, limit in _UNITS.items() if (size >= limit if unit is None else unit.upper() == name))
    name = next(fits, "B")
    base = "bits" if isbits else "Bytes"
    return f"{size / _UNITS[name]:.2f} {base if name == 'B' else name + base[0]}"


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """The number of bytes, or of bits, that `10M`, `1.5 GB` or `8Mb` means."""
    found = re.fullmatch(r"([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*", str(size))
    unit = (found[2] or default_unit) if found else None
    if found is None or (unit and not _is_unit(unit, isbits)):
        raise PlaybookError("`human_to_bytes` got no size", hint=f"such as `{'8Mb' if isbits else '10MB'}`, or `10M`")
    return round(float(found[1]) * (_UNITS[unit[0].upper()] if unit else 1))


def log(value: Any, base: float = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value, base)


def root(value: Any, base: float = 2) -> float:
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base))


def _is_unit(unit: str, isbits: bool) -> bool:
    name = unit[0].upper()
    if name not in _UNITS or len(unit) == 1:
        return name in _UNITS
    word, short = ("bit", "b") if isbits else ("byte", "B")
    return unit.lower() == _UNIT_WORDS[name] + word or unit == (name if name != "B" else "") + short


FILTERS: Mapping[str, Callable[..., Any]] = {
    "bool": to_bool, "to_datetime": to_datetime, "strftime": strftime, "human_readable": human_readable,
    "human_to_bytes": human_to_bytes, "log": log, "root": root, "pow": math.pow,
}  # fmt: skip
