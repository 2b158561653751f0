"""A host over SSH: one Fabric connection for commands, streams, the Docker API and forwarded requests."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.errors import ConnectError, LostError
from deployer.model.connection import Endpoint
from deployer.transport.options import SshOptions
from deployer.transport.remote import ShellRemote
from deployer.transport.wire import ChannelWire, Wire
from deployer.transport.wire_socket import WireSocket

if TYPE_CHECKING:
    from fabric import Connection
    from paramiko import Channel, Transport

MAX_CHANNELS = 8  # sshd's MaxSessions is 10: two are kept for ending what runs too long
PROHIBITED = 1  # RFC 4254 section 5.1: administratively prohibited


class SshRemote(ShellRemote):
    """One host over one SSH connection, or more where sshd's MaxSessions is small.

    A lost connection is told once; the next call makes a new one.
    """

    def __init__(self, endpoint: Endpoint, *, options: SshOptions | None = None) -> None:
        super().__init__(endpoint)
        self._options = options or SshOptions()
        self._connecting = threading.Lock()
        self._connection: Connection | None = None
        self._further: list[Connection] = []  # for sessions that the first one is refused
        self._slots = threading.BoundedSemaphore(MAX_CHANNELS)

    def connect(self, *, patience: float | None = None) -> None:
        """Open the connection; raises ConnectError, AuthError or HostKeyError. Again: does nothing."""
        from deployer.transport.dial import open_connection

        with self._connecting:
            self._refuse_closed()
            self._further = [one for one in self._further if one.is_connected]
            if self._connection is not None and self._connection.is_connected:
                return
            options = self._options
            if patience is not None:
                options = replace(options, connect_timeout=patience, patience=patience, attempts=1)
            self._connection = open_connection(self.endpoint, options, self._meter)

    def login(self) -> str | None:
        return str(self._connection.user) if self._connection is not None else None

    def _execute(self, command: str, *, urgent: bool = False) -> Wire:
        import paramiko

        if not urgent:
            self._refuse_closed()
        wire = None
        try:
            wire = self._open_channel(urgent)
            wire.execute(command)
        except (paramiko.SSHException, OSError, EOFError) as fault:
            if wire is not None:
                wire.close()
            self.check_connection()
            raise ConnectError(f"the host opens no more sessions: {fault}", host=self.name) from fault
        return wire

    def _open_channel(self, urgent: bool) -> ChannelWire:
        if urgent:
            return self._counted(ChannelWire(self._open_session()))
        self._slots.acquire()
        try:
            channel = self._open_session()
        except BaseException:
            self._slots.release()
            raise
        return self._counted(ChannelWire(channel, self._slots.release))

    def _open_session(self) -> Channel:
        """A session of the first connection that has one left."""
        import paramiko

        transport = self._transport()
        try:
            return transport.open_session(timeout=self._options.connect_timeout)
        except paramiko.SSHException as fault:
            # of two refusals at the same time paramiko gives one thread both, the other a plain SSHException
            if not transport.is_active() or "Timeout" in str(fault):
                raise
        with self._connecting:
            return self._open_further()

    def _open_further(self) -> Channel:
        import paramiko

        from deployer.transport.dial import close_connection, open_connection

        for connection in self._further:
            with suppress(paramiko.SSHException):
                return connection.transport.open_session(timeout=self._options.connect_timeout)  # type: ignore[no-any-return]
        connection = open_connection(self.endpoint, self._options, self._meter)
        try:
            session = connection.transport.open_session(timeout=self._options.connect_timeout)
        except BaseException:
            close_connection(connection)
            raise
        self._further.append(connection)
        return session  # type: ignore[no-any-return]

    def _counted(self, wire: ChannelWire) -> ChannelWire:
        self._meter.add(execs=1)
        return wire

    def dial(self, address: str, port: int, timeout: float) -> WireSocket:
        import paramiko

        self.connect()
        try:
            channel = self._transport().open_channel(
                "direct-tcpip", dest_addr=(address, port), src_addr=("127.0.0.1", 0), timeout=timeout
            )
        except paramiko.ChannelException as fault:
            if fault.code == PROHIBITED:
                raise PermissionError("the host's sshd forbids forwarding") from fault
            raise ConnectionRefusedError(fault.text) from fault
        except paramiko.SSHException as fault:
            self.check_connection()
            raise TimeoutError("no answer") from fault
        return WireSocket(ChannelWire(channel), timeout)

    def _transport(self) -> Transport:
        if self._connection is None or not self._connection.is_connected:
            raise self._lost()
        return self._connection.transport  # type: ignore[no-any-return]

    def _lost(self) -> LostError:
        hint = "the host may be rebooting, or the network is down"
        return LostError("the connection was lost", host=self.name, hint=hint)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ConnectError("the connection was closed", host=self.name)

    def check_connection(self) -> None:
        self._refuse_closed()
        self._transport()
        if not all(connection.is_connected for connection in self._further):
            raise self._lost()

    def _disconnect(self) -> None:
        from deployer.transport.dial import close_connection

        for connection in (self._connection, *self._further):
            if connection is not None:
                close_connection(connection)
