"""A person at a real terminal is asked; Ctrl-C does not have to wait for their answer."""

from __future__ import annotations

import io
import os
import pty
import select
import threading
from collections.abc import Iterator

import pytest

from deployer.cli.person import ask_person


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What types into the terminal that is stdin."""
    keys, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stderr", io.StringIO())
        yield keys
    os.close(keys)


@pytest.mark.parametrize("echo", [True, False])
def test_line_is_what_was_typed(keyboard: int, echo: bool) -> None:
    typist = threading.Timer(0.3, os.write, (keyboard, b"blue sky\n"))
    typist.start()
    assert ask_person("Which colour", echo, threading.Event()) == "blue sky"
    typist.join()
    shown = os.read(keyboard, 100) if select.select([keyboard], [], [], 0)[0] else b""
    assert (b"blue sky" in shown) is echo


def test_stop_ends_the_wait(keyboard: int) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert ask_person("Well", True, stop) == ""
