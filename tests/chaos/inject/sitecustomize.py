"""Does something to the deployer that it is loaded into, at one exchange with a host; or only counts them.

Loaded by Python itself where this folder is on PYTHONPATH. An exchange is a call of a Remote that reaches a host: a
script, a stream, a gate that begins to watch. The heartbeats in between are not counted.

CHAOS_LOG      file that gets a line for each exchange: its number, the host, and who asked for it
CHAOS_KILL_AT  number of the exchange, from 1, at which the deployer is killed
CHAOS_WHEN     `before` it is sent, or just `after` that
CHAOS_SIGN_AT  the exchange (host, who asked, how) at which the file CHAOS_SIGN is made, counted from …
CHAOS_FROM     … this other one on, if it is given; several, one after the other, with `|` between them
CHAOS_HOLD     1: it is not sent before there is a file CHAOS_SIGN.go
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any


def _told(name: str) -> str:
    return os.environ.get(f"CHAOS_{name}", "")


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

    def next(self, exchange: str) -> int:
        with self.lock:
            self.number += 1
            with open(_told("LOG"), "a") as log:
                log.write(f"{self.number} {exchange}\n")
            return self.number


class _Sign:
    """Tells somebody outside that the moment has come, once."""

    def __init__(self) -> None:
        self.path = Path(_told("SIGN") or os.devnull)
        self.waiting_for = [one for one in (*_told("FROM").split("|"), _told("SIGN_AT")) if one]
        self.lock = threading.Lock()

    def see(self, exchange: str) -> None:
        with self.lock:
            if not self.waiting_for or self.waiting_for[0] != exchange:
                return
            self.waiting_for.pop(0)
            if self.waiting_for:
                return
        self.path.touch()
        while _told("HOLD") and not Path(f"{self.path}.go").exists():
            time.sleep(0.05)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _die_soon(what: str) -> None:
    time.sleep(DELAY[what])
    _die()


def _watch(kind: type, what: str, count: _Count, sign: _Sign) -> None:
    real = getattr(kind, what)

    def counted(self: Any, *args: Any, **rest: Any) -> Any:
        asked_by = _asked_by()
        exchange = f"{self.name} {asked_by} {what}"
        if asked_by is not None:
            if count.next(exchange) == int(_told("KILL_AT") or 0):
                if _told("WHEN") == "before":
                    _die()
                threading.Thread(target=_die_soon, args=(what,), daemon=True).start()
            sign.see(exchange)
        return real(self, *args, **rest)

    setattr(kind, what, counted)


if _told("LOG"):
    with contextlib.suppress(ImportError):
        from deployer.transport.remote import ShellRemote

        counter, signs = _Count(), _Sign()
        for method in DELAY:
            _watch(ShellRemote, method, counter, signs)
