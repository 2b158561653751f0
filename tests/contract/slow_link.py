"""A port that forwards to another one, every byte so much later, each way: a link with latency."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """The port of one delayed connection to `port`."""
    with _listening(_serve, port, seconds) as own:
        yield own


@contextmanager
def cutting(port: int, after: int, callers: list[object]) -> Iterator[int]:
    """A port that forwards to another one, and hangs up on the first caller when so many bytes have come back to it.

    All callers are noted.
    """
    with _listening(_serve_all, port, after, callers) as own:
        yield own


@contextmanager
def _listening(serve: Callable[..., None], *args: object) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, *args), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket, port: int, seconds: float) -> None:
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", port))
    for source, target in ((near, far), (far, near)):
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        source.settimeout(0.002)
        threading.Thread(target=_pump, args=(source, target, seconds), daemon=True).start()


def _serve_all(listener: socket.socket, port: int, after: int, callers: list[object]) -> None:
    with suppress(OSError):  # until the listener is closed
        while True:
            near, caller = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for source, target, most in ((near, far, None), (far, near, None if callers else after)):
                threading.Thread(target=_forward, args=(source, target, most), daemon=True).start()
            callers.append(caller)


def _pump(source: socket.socket, target: socket.socket, seconds: float) -> None:
    waiting: list[tuple[float, bytes]] = []
    with source, target, suppress(OSError):
        while (data := _read(source)) != b"":
            if data:
                waiting.append((time.monotonic() + seconds, data))
            while waiting and waiting[0][0] <= time.monotonic():
                target.sendall(waiting.pop(0)[1])


def _read(source: socket.socket) -> bytes | None:
    """None if nothing has come yet, nothing at all at the end."""
    try:
        return source.recv(65536)
    except TimeoutError:
        return None


def _forward(source: socket.socket, target: socket.socket, most: int | None) -> None:
    with suppress(OSError):
        while (most is None or most > 0) and (data := source.recv(65536 if most is None else most)):
            target.sendall(data)
            most = None if most is None else most - len(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
