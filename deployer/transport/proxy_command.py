"""Runs a ProxyCommand and gives its input and output as a socket, as OpenSSH does: by the user's shell.

(paramiko's own splits the words itself, and reads byte by byte.)
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from typing import Any

PATIENCE = 0.5  # seconds that the command has to end by itself, and again when it is asked to


class CommandSocket:
    """Bytes to and from a command; everything that a socket can do beside this is the socket's own."""

    def __init__(self, command: str) -> None:
        ours, its = socket.socketpair()
        self._socket = ours
        self._last_line = ""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        with its:
            shell = os.environ.get("SHELL") or "/bin/sh"
            end = its.fileno()
            self._process = subprocess.Popen(
                [shell, "-c", f"exec {command}"], stdin=end, stdout=end, stderr=self._said, start_new_session=True
            )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def said(self) -> str:
        """After `close`: the last line that the command wrote to its standard error."""
        return self._last_line

    def close(self) -> None:
        """Let the command see the end of its input, and end it. Again: does nothing."""
        self._socket.close()
        for number in (0, signal.SIGTERM, signal.SIGKILL):
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
                break
        if not self._said.closed:
            text = os.pread(self._said.fileno(), 4096, 0).decode(errors="replace")
            self._last_line = (text.strip().splitlines() or [""])[-1]
            self._said.close()
