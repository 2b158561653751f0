"""Lets HTTP libraries speak over a Wire: the few methods of a socket that they use.

As with a real socket, `close` waits for the files that were made of it: http.client closes the socket of an answer that
ends with its connection before it reads the body.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable

from deployer.transport.wire import InputClosedError, Wire

TICK = 0.5


class WireSocket:
    """A socket as http.client and urllib3 see one. Timeouts are seconds; None waits for ever."""

    def __init__(self, wire: Wire, timeout: float | None = None) -> None:
        self._wire = wire
        self._timeout = timeout
        self._received = b""
        self._complaint = b""
        self._io_refs = 0  # this name and the next are those of socket.socket: urllib3's TLS counts with them
        self._closed = False

    @property
    def ended(self) -> bool:
        return not self._received and self._wire.ended

    def complaint(self) -> str:
        """The last line that the program at the other end wrote on stderr."""
        if not self._wire.ended:
            self._complaint += self._wire.receive(TICK)[1]
        lines = self._complaint.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def sendall(self, data: bytes | Iterable[bytes]) -> None:
        deadline = self._deadline()
        rest = memoryview(data if isinstance(data, bytes | bytearray) else b"".join(data))
        while rest:
            self._check(deadline)
            try:
                rest = rest[self._wire.send(rest, TICK) :]
            except InputClosedError:
                raise BrokenPipeError("the other side takes no more") from None

    def recv(self, size: int, _flags: int = 0) -> bytes:
        """At most `size` bytes; none at the end. Raises TimeoutError."""
        deadline = self._deadline()
        while not self._received and not self._wire.ended:
            self._check(deadline)
            self._received, complaint = self._wire.receive(TICK)
            self._complaint = (self._complaint + complaint)[-4000:]
        data, self._received = self._received[:size], self._received[size:]
        return data

    def recv_into(self, buffer: memoryview, nbytes: int = 0, _flags: int = 0) -> int:
        data = self.recv(nbytes or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode: str = "rb", _buffering: int | None = None) -> io.BufferedReader:
        assert mode == "rb", "answers are read as bytes"
        self._io_refs += 1
        return io.BufferedReader(_Reader(self), io.DEFAULT_BUFFER_SIZE)

    def close(self) -> None:
        self._closed = True
        if not self._io_refs:
            self._wire.close()

    def _decref_socketios(self) -> None:
        self._io_refs -= 1
        if self._closed:
            self.close()

    def _deadline(self) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout

    def _check(self, deadline: float | None) -> None:
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError("timed out")


class _Reader(io.RawIOBase):
    """Reads from a WireSocket and leaves it open: a connection outlives its answers."""

    def __init__(self, sock: WireSocket) -> None:
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._sock._decref_socketios()
