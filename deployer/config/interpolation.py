"""Compose's `${NAME}` in text: which names it asks for, and what it becomes once they are known.

Which values there are is left to the inventory; where the text stands is left to `compose_file`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from deployer.frozen import dataclass

START = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*))", re.ASCII)
OPERATOR = re.compile(r":?[-?+]")


@dataclass(frozen=True)
class Reference:
    """One `$NAME`, `${NAME}` or `${NAME:-rest}`; the operator is empty, or one of `-` `?` `+` with or without `:`."""

    name: str
    operator: str = ""
    rest: str = ""

    @property
    def needed(self) -> bool:
        """The text has no value of its own for this name."""
        return not self.operator.endswith(("-", "+"))

    def value(self, variables: Mapping[str, str]) -> str:
        """What stands there instead; `${NAME}` again if the name is needed and not known."""
        known = self.name in variables and (bool(variables[self.name]) or not self.operator.startswith(":"))
        if self.operator.endswith("+"):
            return interpolate(self.rest, variables) if known else ""
        if known:
            return variables[self.name]
        return f"${{{self.name}}}" if self.needed else interpolate(self.rest, variables)


def needed_names(text: str) -> Iterator[str]:
    """The names that a text asks for and gives no default for, in order, those inside defaults included."""
    for part in _parts(text):
        if not isinstance(part, Reference):
            continue
        if part.needed:
            yield part.name
        elif part.operator.endswith("-"):
            yield from needed_names(part.rest)


def used_names(text: str) -> Iterator[str]:
    """All names in a text, those inside defaults included."""
    for part in _parts(text):
        if isinstance(part, Reference):
            yield part.name
            yield from used_names(part.rest or "")


def filled_names(text: str) -> Iterator[str]:
    """The names whose value must not be empty: `${NAME:?…}`."""
    for part in _parts(text):
        if isinstance(part, Reference) and part.operator == ":?":
            yield part.name


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """The text with every `${NAME}` replaced as Compose does; unknown names without a default stay as `${NAME}`."""
    return "".join(part.value(variables) if isinstance(part, Reference) else part for part in _parts(text))


def _parts(text: str) -> Iterator[str | Reference]:
    at = 0
    while start := START.search(text, at):
        yield text[at : start.start()]
        if start["escaped"]:
            part: str | Reference = "$"
            at = start.end()
        elif start["named"]:
            part, at = Reference(start["named"]), start.end()
        else:
            end = _closing(text, start.end())
            part, at = _braced(start["braced"], text[start.end() : end]), end + 1
        yield part
    yield text[at:]


def _braced(name: str, tail: str) -> Reference:
    operator = OPERATOR.match(tail)
    return Reference(name, operator[0], tail[operator.end() :]) if operator else Reference(name)


def _closing(text: str, at: int) -> int:
    """Where the brace that is open at `at` closes; the text's end if it never does."""
    depth = 1
    for position in range(at, len(text)):
        if text[position] == "}":
            depth -= 1
        elif text.startswith("${", position):
            depth += 1
        if depth == 0:
            return position
    return len(text)
