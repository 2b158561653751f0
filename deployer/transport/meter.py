"""Counts what a Remote costs: connections, channels and the bytes on the wire. It times nothing."""

from __future__ import annotations

import socket
import threading
from typing import Any

from deployer.model.connection import Traffic


class Meter:
    """Counters that several threads may add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = self._execs = self._out = self._in = 0

    def add(self, *, connections: int = 0, execs: int = 0, bytes_out: int = 0, bytes_in: int = 0) -> None:
        with self._lock:
            self._connections += connections
            self._execs += execs
            self._out += bytes_out
            self._in += bytes_in

    def traffic(self) -> Traffic:
        with self._lock:
            return Traffic(connections=self._connections, execs=self._execs, bytes_out=self._out, bytes_in=self._in)


class CountingSocket:
    """A socket whose bytes are counted; everything else is the socket's own."""

    def __init__(self, sock: socket.socket, meter: Meter) -> None:
        self._sock = sock
        self._meter = meter

    def send(self, data: bytes) -> int:
        sent = self._sock.send(data)
        self._meter.add(bytes_out=sent)
        return sent

    def recv(self, size: int) -> bytes:
        data = self._sock.recv(size)
        self._meter.add(bytes_in=len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
