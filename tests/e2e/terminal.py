"""The real command on a terminal: somebody reads what it asks, and types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from command_run import COMMAND, surroundings

_CONTROLLED = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def answered(args: tuple[str, ...], room: Path, *, question: str, answer: str) -> tuple[int, str]:
    """The exit status and the screen of `deploy ARGS`, whose question is answered once it is there."""
    here, there = pty.openpty()
    env = {**surroundings(room), "TERM": "xterm"}
    process = subprocess.Popen(
        [str(COMMAND), *args], cwd=room, env=env, stdin=there, stdout=there, stderr=there, start_new_session=True
    )
    os.close(there)
    screen, asked = b"", False
    with os.fdopen(here, "r+b", buffering=0) as terminal:
        while piece := _read(terminal.fileno()):
            screen += piece
            if not asked and question.encode() in screen:
                asked = True
                terminal.write(f"{answer}\n".encode())
    code, text = process.wait(), screen.decode(errors="replace")
    assert asked, f"it never asked {question!r}:\n{text}"
    return code, text


@dataclass
class Terminal:
    """A command on a terminal of its own, and all that it has drawn there."""

    process: subprocess.Popen[bytes]
    here: int
    drawn: bytearray = field(default_factory=bytearray)
    reader: threading.Thread = field(init=False)
    closing: bool = False

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def screen(self) -> str:
        return self.drawn.decode(errors="replace")

    def close(self) -> None:
        """Close the window: the kernel sends SIGHUP, and there is nowhere to write to any more."""
        self.closing = True
        self.reader.join(10)
        os.close(self.here)

    def ended(self) -> int:
        code = self.process.wait()
        self.reader.join(10)
        return code

    def _read(self) -> None:
        while not self.closing:
            if select.select([self.here], [], [], 0.1)[0]:
                piece = _read(self.here)
                if not piece:
                    return
                self.drawn += piece


@contextmanager
def open_terminal(
    args: tuple[str, ...], room: Path, *, env: Mapping[str, str] | None = None, columns: int = 80, lines: int = 24
) -> Iterator[Terminal]:
    """`deploy ARGS` on a terminal of that size, which is its controlling one; killed if it still runs at the end."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _CONTROLLED, str(COMMAND), *args], cwd=room,
        env={**surroundings(room), "TERM": "xterm", **(env or {})}, stdin=there, stdout=there, stderr=there,
        start_new_session=True,
    )  # fmt: skip
    os.close(there)
    try:
        yield Terminal(process, here)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        with suppress(OSError):
            os.close(here)


def watched(args: tuple[str, ...], room: Path, **rest: Any) -> tuple[int, str]:
    """The exit status and all that was drawn, of `deploy ARGS` on a terminal."""
    with open_terminal(args, room, **rest) as terminal:
        return terminal.ended(), terminal.screen()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
