"""The real command on a terminal: somebody reads what it asks, and types."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

from command_run import COMMAND, surroundings


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


def watched(
    args: tuple[str, ...], room: Path, *, env: Mapping[str, str] | None = None, columns: int = 80, lines: int = 24
) -> tuple[int, str]:
    """The exit status and all that was drawn, of `deploy ARGS` on a terminal of that size."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    around = {**surroundings(room), "TERM": "xterm", **(env or {})}
    process = subprocess.Popen(
        [str(COMMAND), *args], cwd=room, env=around, stdin=there, stdout=there, stderr=there, start_new_session=True
    )
    os.close(there)
    screen = b""
    with os.fdopen(here, "r+b", buffering=0) as terminal:
        while piece := _read(terminal.fileno()):
            screen += piece
    return process.wait(), screen.decode(errors="replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
