"""The text diff that --diff shows. Which files are secret, and so never come here, is the planner's knowledge."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

LARGE = 1_000_000  # bytes of a side; beyond, a line diff costs more time than anyone would read


def unified(path: str, before: bytes | None, after: bytes) -> str:
    """A unified diff, as `diff -u` prints it; empty if nothing differs. `before` None: there is no such file yet."""
    if before == after:
        return ""
    old, new = before or b"", after
    if max(len(old), len(new)) > LARGE:
        return f"files differ: {path} ({len(old)} bytes before, {len(new)} after; too large to show)\n"
    texts = _text(old), _text(new)
    if texts[0] is None or texts[1] is None:
        return f"binary files differ: {path} ({len(old)} bytes before, {len(new)} after)\n"
    origin = "/dev/null" if before is None else f"{path} (on the host)"
    return "".join(_lines(texts[0], texts[1], origin, f"{path} (wanted)"))


def _text(content: bytes) -> str | None:
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def _lines(before: str, after: str, origin: str, wanted: str) -> Iterator[str]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, origin, wanted):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
