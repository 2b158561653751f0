"""Pieces of text that every reporter shares: lines made of named parts, lists of hosts, durations, sizes.

Which events become which lines is narrate's and recap's business; colours belong to live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deployer.frozen import dataclass

SHOWN_HOSTS = 8  # of a list, before the rest becomes a number
TAIL = 20  # lines of output that a failure shows

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Line:
    """One line of output; every part carries a kind ("ok", "failed", "host" …) for whoever colours it."""

    parts: tuple[tuple[str, str], ...]  # kind, text
    result: bool = False  # it belongs to the result (stdout), not to the progress (stderr)

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.parts)


def line(kind: str, text: str) -> Line:
    """A Line of one part."""
    return Line(((kind, clean(text)),))


def paragraph(kind: str, text: str) -> list[Line]:
    """A Line for each line of a text, the first one flush left, the others indented."""
    first, *rest = text.splitlines() or [""]
    return [line(kind, first), *(line(kind, f"  {part}") for part in rest)]


BLANK = Line((("", ""),))


def clean(text: str) -> str:
    """The text without what moves a terminal's cursor or cannot be encoded; carriage returns keep the last word."""
    visible = _ESCAPES.sub("", text).rstrip("\r\n").rsplit("\r", 1)[-1]
    return encodable(_CONTROLS.sub("", visible.expandtabs(4)).replace("\n", " "))


def harmless(text: str) -> str:
    """The same for a text that keeps its lines and tabs."""
    return encodable(_CONTROLS.sub("", _ESCAPES.sub("", text)))


def encodable(text: str) -> str:
    """The text with undecodable bytes of file names as `\\xNN`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def brief(title: str) -> str:
    """A title on one line: what follows the first line becomes a count."""
    first, *rest = title.strip().splitlines() or [""]
    return clean(first) + (f" … (+{count(len(rest), 'line')})" if rest else "")


def tail(text: str) -> list[str]:
    """The last lines of an output, blank ones at its end left out."""
    return [clean(part) for part in text.rstrip().split("\n")[-TAIL:]] if text.strip() else []


def count(number: int, noun: str) -> str:
    """ "1 host", "3 hosts"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def hosts(names: Sequence[str], *, every: bool = False) -> str:
    """ "web1, web2, web3"; of a long list the first ones and how many more, unless `every` one is wanted."""
    if every or len(names) <= SHOWN_HOSTS:
        return ", ".join(names)
    return ", ".join(names[:SHOWN_HOSTS]) + f" and {len(names) - SHOWN_HOSTS} more"


def duration(seconds: float) -> str:
    """ "0.4 s", "42 s", "3 min 05 s", "2 h 10 min"."""
    whole = int(seconds + 0.5)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def size(number: int) -> str:
    """ "512 B", "1.5 kB", "12.3 MB": powers of 1000, as Docker prints them."""
    if number < 1000:
        return f"{number} B"
    for power, unit in enumerate(("kB", "MB"), start=1):
        if number / 1000**power < 999.95:
            return f"{number / 1000**power:.1f} {unit}"
    return f"{number / 1000**3:.1f} GB"
