"""This machine as a host (`ansible_connection: local`), under the same contract as one over SSH."""

from __future__ import annotations

import os
import pwd
import socket

from deployer.errors import ConnectError
from deployer.model.connection import Endpoint
from deployer.transport.remote import ShellRemote
from deployer.transport.wire import ProcessWire, Wire


class LocalRemote(ShellRemote):
    """This machine; nothing is connected, and bytes are those through the pipes of its shells."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._login = pwd.getpwuid(os.geteuid()).pw_name

    def connect(self, *, patience: float | None = None) -> None:
        """Does nothing; raises ConnectError after `close`."""
        self.check_connection()

    def login(self) -> str | None:
        return self._login

    def _execute(self, command: str, *, urgent: bool = False) -> Wire:
        if not urgent:
            self.check_connection()
        self._meter.add(execs=1)
        return ProcessWire(command, self._meter)

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((address, port), timeout=timeout)

    def check_connection(self) -> None:
        if self._closed:
            raise ConnectError("the connection was closed", host=self.name)

    def _disconnect(self) -> None:
        pass
