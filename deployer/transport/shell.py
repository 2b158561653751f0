"""Holds one conversation with a host: sends a script (and its input), gathers the reply, keeps the deadline.

A `Shell` is one long-lived `sh` that answers any number of scripts, one at a time: a command is one round trip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from deployer.model.connection import Result
from deployer.protocols import OnBytes
from deployer.transport.reply import PRELUDE, Reply, request
from deployer.transport.wire import InputClosedError, Wire

GRACE = 5.0  # seconds that an ended script has to be mourned
TICK = 0.5  # seconds between looks at the clock

Kill = Callable[[int], None]  # end a process group on the host


class OverdueError(Exception):
    """The deadline has passed; the remote process group has been ended."""


class Feed:
    """What is still to be sent, and how much has been."""

    def __init__(self, source: Iterable[bytes], on_bytes: OnBytes | None = None) -> None:
        self._source: Iterator[bytes] | None = iter(source)
        self._rest = memoryview(b"")
        self._sent = 0
        self._on_bytes = on_bytes

    def advance(self, wire: Wire) -> bool:
        """Send a piece; False if there is nothing left. Whatever the source raises passes through."""
        while not self._rest and self._source is not None:
            chunk = next(self._source, None)
            if chunk is None:
                self._source = None
                return False
            self._rest = memoryview(chunk)
        if not self._rest:
            return False
        self._push(wire)
        return True

    def _push(self, wire: Wire) -> None:
        try:
            sent = wire.send(self._rest, TICK)
        except InputClosedError:
            self._source, self._rest = None, memoryview(b"")
            return
        self._rest = self._rest[sent:]
        self._sent += sent
        if sent and self._on_bytes:
            self._on_bytes(self._sent)


def converse(wire: Wire, reply: Reply, feed: Feed, *, deadline: float, close_input: bool = False) -> None:
    """Send everything while reading everything, until the reply is done or the program has ended.

    Raises OverdueError at the deadline (time.monotonic).
    """
    sending = True
    while not reply.done and not wire.ended:
        left = deadline - time.monotonic()
        if left <= 0:
            raise OverdueError
        if sending:
            sending = feed.advance(wire)
            if not sending and close_input:
                wire.finish_input()
        reply.feed(*wire.receive(0 if sending else min(left, TICK)))
    reply.finish()


def await_beginning(wire: Wire, reply: Reply) -> None:
    """Wait a little for the script to say its process id, without sending anything."""
    deadline = time.monotonic() + GRACE
    while not (reply.begun or wire.ended or time.monotonic() > deadline):
        reply.feed(*wire.receive(TICK))


def mourn(wire: Wire, reply: Reply) -> bool:
    """After its process group was ended: whether the script's reply still comes to its end."""
    with suppress(OverdueError):
        converse(wire, reply, Feed(()), deadline=time.monotonic() + GRACE)
    return reply.done


def result_of(reply: Reply, started: float) -> Result:
    """What the script wrote between its marks; a status that never came is None."""
    out, err = (part.raw.decode(errors="replace") if part.pid else "" for part in (reply.out, reply.err))
    if reply.done and not reply.begun:
        err = "the host's sh could not start the script (no space left, or no more processes?)"
    return Result(status=reply.out.status, stdout=out, stderr=err, seconds=time.monotonic() - started)


class Shell:
    """One long-lived `sh` as one user. Used by one thread at a time: hold `lock` around `answer`."""

    def __init__(self, start: Callable[[], Wire]) -> None:
        self.lock = threading.Lock()
        self._start = start
        self._wire: Wire | None = None

    def answer(self, script: str, reply: Reply, *, timeout: float, kill: Kill) -> Result:
        """Run one script. Raises OverdueError after its process group was ended; the next one finds a sound shell."""
        started = time.monotonic()
        wire, text = self._ready()
        try:
            converse(wire, reply, Feed([text + request(script, reply.nonce)]), deadline=started + timeout)
        except BaseException:
            self._abort(wire, reply, kill)
            raise
        if not reply.done:
            self.close()
        return result_of(reply, started)

    def _ready(self) -> tuple[Wire, bytes]:
        """The open wire, and what a new one must be told first."""
        if self._wire is not None and not self._wire.ended:
            return self._wire, b""
        self.close()
        self._wire = self._start()
        return self._wire, PRELUDE.encode()

    def _abort(self, wire: Wire, reply: Reply, kill: Kill) -> None:
        sound = False
        try:
            if reply.out.pid and not reply.done:
                kill(reply.out.pid)
                sound = mourn(wire, reply)
        finally:
            if not sound:
                self.close()

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
