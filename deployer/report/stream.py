"""A text stream that never fails: a run must not die because its terminal, pipe or log file did.

What is written to it is decided elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TextIO

from deployer.report.plainer import PLAINER


class Steady:
    """Writes through to a stream; once that cannot be written to, `gone` is called and everything is dropped."""

    def __init__(self, inner: TextIO, gone: Callable[[], object] | None = None) -> None:
        self._inner = inner
        self._on_gone = gone
        self._gone = False
        self.encoding = getattr(inner, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        if not self._gone:
            self._attempt(text)
        return len(text)

    def flush(self) -> None:
        if self._gone:
            return
        try:
            self._inner.flush()
        except (OSError, ValueError):
            self._give_up()

    def isatty(self) -> bool:
        return not self._gone and self._inner.isatty()

    def fileno(self) -> int:
        return self._inner.fileno()

    def _attempt(self, text: str) -> None:
        try:
            self._inner.write(_encodable(text, self.encoding))
        except (OSError, ValueError):
            self._give_up()

    def _give_up(self) -> None:
        """Point the descriptor at /dev/null: what the stream still buffers must not fail again at exit."""
        self._gone = True
        if self._on_gone:
            self._on_gone()
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._inner.fileno())
            os.close(null)
        except (OSError, ValueError):
            return


def _encodable(text: str, encoding: str) -> str:
    return text.encode(encoding, PLAINER).decode(encoding)


def unread(stderr: TextIO) -> Callable[[], object]:
    """Says on the other stream that nobody reads how a run goes, and that it goes on."""

    def say() -> None:
        other = Steady(stderr)
        other.write("warning: nobody reads the output any more; the run goes on to its end: deploy status shows it\n")
        other.flush()

    return say
