"""Bytes to and from one running program: its input and its two outputs, over an SSH channel or local pipes.

What the bytes mean, and when a program has run too long, is left to `reply` and `shell`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from deployer.transport.meter import Meter

if TYPE_CHECKING:
    import paramiko

CHUNK = 65536


class InputClosedError(Exception):
    """The program takes no more input: it has ended or closed it."""


class Wire(ABC):
    """One program. Read by one thread at a time; `close` may come from any."""

    def __init__(self) -> None:
        self._ahead = b""

    @abstractmethod
    def send(self, data: bytes | memoryview, timeout: float) -> int:
        """Send what fits within `timeout` seconds and say how much that was; raises InputClosedError."""

    @abstractmethod
    def finish_input(self) -> None:
        """Let the program see the end of its input."""

    @abstractmethod
    def _receive(self, timeout: float) -> tuple[bytes, bytes]: ...

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Both outputs are at their end and all of them has been received."""

    @abstractmethod
    def status(self) -> int | None:
        """The exit status of an ended program; None if there is none."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the program; again: does nothing."""

    def receive(self, timeout: float) -> tuple[bytes, bytes]:
        """What has come on either output; waits at most `timeout` seconds for the first byte."""
        ahead, self._ahead = self._ahead, b""
        out, err = self._receive(0 if ahead else timeout)
        return ahead + out, err

    def unread(self, out: bytes) -> None:
        """Give output back, to be received again."""
        self._ahead = out + self._ahead


class ChannelWire(Wire):
    """A program, or a forwarded connection, at the other end of an SSH channel."""

    def __init__(self, channel: paramiko.Channel, done: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._channel = channel
        self._done = done
        self._closing = threading.Lock()
        self._open = True
        self._news = threading.Event()
        channel.in_buffer.set_event(self._news)
        channel.in_stderr_buffer.set_event(self._news)

    def execute(self, command: str) -> None:
        """Start a command line; the host has accepted it when this returns."""
        self._channel.exec_command(command)

    def send(self, data: bytes | memoryview, timeout: float) -> int:
        self._channel.settimeout(timeout)
        try:
            sent = self._channel.send(bytes(data[:CHUNK]))
        except TimeoutError:
            return 0
        except (OSError, EOFError):  # the channel was closed; the connection broke while it was written to
            raise InputClosedError from None
        if not sent:
            raise InputClosedError
        return sent

    def finish_input(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            self._channel.shutdown_write()

    def _receive(self, timeout: float) -> tuple[bytes, bytes]:
        # Only this thread's reads clear the event, and none happens between `_ready` and `wait`: no news is missed.
        if not self._ready() and not self._at_end():
            self._news.wait(timeout)
        return self._drain(self._channel.recv_ready, self._channel.recv), self._drain(
            self._channel.recv_stderr_ready, self._channel.recv_stderr
        )

    def _drain(self, ready: Callable[[], bool], read: Callable[[int], bytes]) -> bytes:
        parts = []
        while ready():
            parts.append(read(CHUNK * 16))
        return b"".join(parts)

    def _ready(self) -> bool:
        return self._channel.recv_ready() or self._channel.recv_stderr_ready()

    def _at_end(self) -> bool:
        return bool(self._channel.closed or self._channel.eof_received)

    @property
    def ended(self) -> bool:
        return not self._ahead and self._at_end() and not self._ready()

    def status(self) -> int | None:
        self._channel.status_event.wait(2)
        status = self._channel.exit_status
        return status if status >= 0 else None

    def close(self) -> None:
        with self._closing:
            if not self._open:
                return
            self._open = False
        with contextlib.suppress(OSError, EOFError):
            self._channel.close()
        self._done()


class ProcessWire(Wire):
    """A program on this machine, in a session of its own."""

    def __init__(self, command: str, meter: Meter) -> None:
        super().__init__()
        self._meter = meter
        self._process = subprocess.Popen(
            ["sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._input = self._process.stdin
        self._outputs = (self._process.stdout, self._process.stderr)
        self._selector = selectors.DefaultSelector()
        for stream in (self._input, *self._outputs):
            os.set_blocking(stream.fileno(), False)
        for stream in self._outputs:
            self._selector.register(stream, selectors.EVENT_READ)

    def send(self, data: bytes | memoryview, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while True:
            try:
                sent = os.write(self._input.fileno(), data[:CHUNK])
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return 0
                self._wait_writable(deadline - time.monotonic())
            except (OSError, ValueError):
                raise InputClosedError from None
            else:
                self._meter.add(bytes_out=sent)
                return sent

    def _wait_writable(self, timeout: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._input, selectors.EVENT_WRITE)
            selector.select(max(timeout, 0))

    def finish_input(self) -> None:
        with contextlib.suppress(OSError):
            self._input.close()

    def _receive(self, timeout: float) -> tuple[bytes, bytes]:
        got: dict[object, bytes] = dict.fromkeys(self._outputs, b"")
        try:
            events = self._selector.select(timeout) if self._selector.get_map() else []
            for key, _ in events:
                got[key.fileobj] = self._read(key.fileobj)
        except (OSError, ValueError):
            return b"", b""
        out, err = (got[stream] for stream in self._outputs)
        self._meter.add(bytes_in=len(out) + len(err))
        return out, err

    def _read(self, stream: object) -> bytes:
        data = os.read(stream.fileno(), CHUNK)  # type: ignore[attr-defined]
        if not data:
            self._selector.unregister(stream)  # type: ignore[arg-type]
        return data

    @property
    def ended(self) -> bool:
        return not self._ahead and not self._selector.get_map()

    def status(self) -> int | None:
        try:
            status = self._process.wait(2)
        except subprocess.TimeoutExpired:
            return None
        return status if status >= 0 else None

    def close(self) -> None:
        """Close the pipes, then end the program if that did not."""
        for stream in (self._input, *self._outputs):
            with contextlib.suppress(OSError):
                stream.close()
        self._selector.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
