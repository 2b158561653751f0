"""Regular expressions of Python's, as far as a host's `grep -E` can be asked the same. Nothing here plans anything."""

from __future__ import annotations

import re

from deployer.frozen import dataclass
from deployer.modules._refusals import ArgumentRefusedError

_CLASSES = {"d": "0-9", "s": "[:space:]", "w": "[:alnum:]_"}
_CONTROLS = {"t": "\t", "f": "\f", "v": "\v", "r": "\r"}
_TOKEN = re.compile(
    r"\\(?P<escaped>.)|\[(?P<not>\^?)(?P<set>\]?(?:\\.|[^\]\\])*)\]|(?P<group>\(\?:)|(?P<other>.)", re.S
)


@dataclass(frozen=True)
class Pattern:
    """An extended regular expression of POSIX, and whether capitals matter."""

    text: str
    ignore_case: bool = False


def to_ere(argument: str, pattern: str) -> Pattern:
    """The same pattern for `grep -E`; raises ArgumentRefusedError for what that cannot say."""
    flags = re.match(r"\(\?([im]+)\)", pattern)
    rest = pattern[flags.end() :] if flags else pattern
    if re.search(r"\(\?(?!:)|\\[AZbB1-9n]|\n", rest):
        raise ArgumentRefusedError(
            f"{argument}: {pattern!r} is more than grep -E understands",
            hint="leave out look-around, names, back references, \\b, \\A, \\Z and line ends",
        )
    text = "".join(map(_translated, _TOKEN.finditer(re.sub(r"(?<!\\)([*+?}])\?", r"\1", rest))))
    return Pattern(text, ignore_case="i" in (flags[1] if flags else ""))


def _translated(token: re.Match[str]) -> str:
    if token["escaped"] is not None:
        return _escaped(token["escaped"])
    if token["set"] is not None:
        return f"[{token['not']}{_set(token['set'])}]"
    return "(" if token["group"] else token["other"]


def _escaped(letter: str) -> str:
    if letter.lower() in _CLASSES:
        return f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
    return _CONTROLS.get(letter, letter if letter.isalnum() else f"\\{letter}")


def _set(inside: str) -> str:
    """The inside of brackets: what must stand first or last is put there."""
    found = re.sub(r"\\(.)", lambda one: _CLASSES.get(one[1], _CONTROLS.get(one[1], one[1])), inside)
    first, last = "]" * (r"\]" in inside), "-" * (r"\-" in inside)
    middle = found.replace("]", "", 1) if first and r"\]" in inside else found
    return first + (middle.replace("-", "", 1) if last else middle) + last
