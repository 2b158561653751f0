"""Ctrl-C and SIGTERM: the first goes back, the second stops at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from deployer.engine.ports import Session
from deployer.errors import ExitCode
from deployer.model.event import Note

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_on_signals(session: Session, changed: threading.Event) -> Iterator[threading.Event]:
    """An event that the first signal sets: no further task starts. The second signal ends the process.

    With exit 7; 130 if nothing has `changed` yet.
    """
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            _end_at_once(changed=changed.is_set())
        stop.set()
        name = signal.Signals(number).name
        message = f"{name}: what was changed goes back once the running step has ended; again: stop at once"
        threading.Thread(target=session.emit, args=(Note(message=message, warning=True),), daemon=True).start()

    heard = [number for number in SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}  # under nohup, a closed terminal is no signal
    try:
        yield stop
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _end_at_once(*, changed: bool) -> None:
    show_cursor = b"\x1b[?25h" if os.isatty(2) else b""
    how = b"hosts may be mixed; look with deploy status" if changed else b"nothing was changed"
    with suppress(OSError):  # the terminal is gone
        os.write(2, show_cursor + b"\nstopped at once: " + how + b"\n")
    os._exit(ExitCode.MIXED if changed else ExitCode.INTERRUPTED)
