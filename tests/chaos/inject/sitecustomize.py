"""Kills the deployer that it is loaded into, in the middle of one exchange with a host; or only counts them.

Loaded by Python itself where this folder is on PYTHONPATH. An exchange is a call of a Remote that reaches a host: a
script, a stream, a gate that begins to watch. The heartbeats in between are not counted.

CHAOS_LOG      file that gets a line for each exchange: its number, the host, and who asked for it
CHAOS_KILL_AT  number of the exchange, from 1
CHAOS_WHEN     `before` it is sent, or just `after` that
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import Any

LOG, AT, WHEN = (os.environ.get(f"CHAOS_{name}", "") for name in ("LOG", "KILL_AT", "WHEN"))
DELAY = {"run": 0.05, "stream": 0.05, "probe": 0.7}  # seconds between sending and dying


def _asked_by() -> str | None:
    """The function of the engine that asked; None for a heartbeat."""
    frame = sys._getframe(2)
    names = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("deployer.engine."):
            names.append(f"{module.rpartition('.')[2]}.{frame.f_code.co_name}")
        frame = frame.f_back
    own = [name for name in names if name not in ("guard._do", "look.look", "guard.check")]
    return None if "guard.beat" in names else (own or ["?"])[0]


class _Count:
    def __init__(self) -> None:
        self.number = 0
        self.lock = threading.Lock()

    def next(self, host: str, what: str, asked_by: str) -> int:
        with self.lock:
            self.number += 1
            with open(LOG, "a") as log:
                log.write(f"{self.number} {host} {asked_by} {what}\n")
            return self.number


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _die_soon(what: str) -> None:
    time.sleep(DELAY[what])
    _die()


def _watch(kind: type, what: str, count: _Count) -> None:
    real = getattr(kind, what)

    def counted(self: Any, *args: Any, **rest: Any) -> Any:
        asked_by = _asked_by()
        if asked_by is not None and count.next(self.name, what, asked_by) == int(AT or 0):
            if WHEN == "before":
                _die()
            threading.Thread(target=_die_soon, args=(what,), daemon=True).start()
        return real(self, *args, **rest)

    setattr(kind, what, counted)


if LOG:
    with contextlib.suppress(ImportError):
        from deployer.transport.remote import ShellRemote

        counter = _Count()
        for method in DELAY:
            _watch(ShellRemote, method, counter)
