"""A person at the terminal, asked in the middle of a run."""

from __future__ import annotations

import select
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TICK = 0.2  # seconds between two looks at whether the run has been stopped


def ask_person(prompt: str, echo: bool, stop: threading.Event) -> str:
    """The line that they type, without its end; empty once `stop` is set or the terminal is gone.

    Not `input`: it would keep a worker waiting after Ctrl-C.
    """
    sys.stderr.write(f"{prompt}:\n" if prompt else "press Enter to go on, Ctrl-C to stop:\n")
    sys.stderr.flush()
    with _echo(echo):
        while not stop.is_set():
            if select.select([sys.stdin], [], [], _TICK)[0]:
                return sys.stdin.readline().rstrip("\r\n")
    return ""


@contextmanager
def _echo(wanted: bool) -> Iterator[None]:
    """The terminal shows what is typed, or not."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    if not wanted:
        quiet = list(before)
        quiet[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
