"""Opens SSH connections on Fabric: host keys first, then authentication, with retries for faults that pass.

What is then done with a connection is left to `ssh`; which keys are trusted to `host_key`, how to log in to `login`.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import paramiko
from fabric import Config, Connection
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from deployer.errors import AuthError, ConnectError, RemoteError
from deployer.model.connection import Endpoint
from deployer.transport.algorithms import apply_algorithms
from deployer.transport.compression import METHODS, Compressor, Decompressor
from deployer.transport.fault import explained, is_drop, passes
from deployer.transport.host_certificate import MARK
from deployer.transport.host_key import HostKey, Policy, judged, require_known
from deployer.transport.jumps import way_to
from deployer.transport.known_hosts import AUTHORITY, KnownHosts, PublicKey, read_known_hosts
from deployer.transport.login import Login
from deployer.transport.meter import CountingSocket, Meter
from deployer.transport.options import SshOptions
from deployer.transport.proxy_command import CommandSocket
from deployer.transport.route import Route, route_to
from deployer.transport.tcp import Place, connect, look_up_host

# sshd's MaxStartups drops connections at random from the tenth unauthenticated one on.
_STARTING = threading.BoundedSemaphore(8)
DROPS = 4  # times as many attempts against a busy sshd
DIRECT = "direct"  # Fabric asks for a way only where a gateway is named
_RSA = ("rsa-sha2-512", "rsa-sha2-256")

# Faults are raised and told by us; a thread of paramiko's would print them once more.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _SeenError(Exception):
    """The host showed its key, and that is all that was wanted."""

    def __init__(self, key: PublicKey, certificate: bytes | None) -> None:
        super().__init__(key.fingerprint)
        self.key = key
        self.certificate = certificate


class _Transport(paramiko.Transport):
    """Asks for a certificate before a plain key where an authority is trusted for the host; compresses by content."""

    wants_certificate = False
    _compression_info: ClassVar[dict[str, Any]] = {
        **paramiko.Transport._compression_info,  # type: ignore[attr-defined]
        **dict.fromkeys(METHODS, (Compressor, Decompressor)),
    }

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        kinds = tuple(super().preferred_keys)
        return tuple(sorted(kinds, key=lambda kind: not kind.endswith(MARK))) if self.wants_certificate else kinds


class _Connection(Connection):  # type: ignore[misc]
    """Fabric's, over a way that we open: through the connection to a jump host, a command, or TCP."""

    route: Route | None = None
    places: tuple[Place, ...] = ()
    failed: Route | None = None  # the host of the way that the last attempt did not get past
    proxy: CommandSocket | None = None

    def look_up(self) -> None:
        """Find the address that the way begins with."""
        assert self.route is not None
        if isinstance(self.gateway, _Connection):
            self.gateway.look_up()
        elif self.route.proxy_command is None:
            self.places = look_up_host(self.route.address, self.route.port, self.route.family)

    def open_gateway(self) -> Any:
        assert self.route is not None
        if isinstance(self.gateway, _Connection):
            return super().open_gateway()
        if self.route.proxy_command is None:
            return connect(self.places, self.route.options.connect_timeout, self.route.bind)
        self.proxy = CommandSocket(self.route.proxy_command)
        return self.proxy


def open_connection(endpoint: Endpoint, options: SshOptions, meter: Meter) -> Connection:
    """An authenticated connection. Raises ConnectError, AuthError or HostKeyError."""
    route = route_to(endpoint, options)
    connection = _connection(route, endpoint, meter)
    attempts = Retrying(
        stop=lambda state: state.attempt_number >= _most(state, route.options),
        wait=wait_exponential(multiplier=0.3, max=3) + wait_random(0, 0.5),
        retry=retry_if_exception(passes),
        reraise=True,
    )
    try:
        attempts(_open, connection)
    except RemoteError:
        raise
    except Exception as fault:
        raise explained(fault, connection.failed or route, _said(connection)) from fault
    connection.transport.set_keepalive(max(1, round(route.options.keepalive)))
    return connection


def scan(endpoint: Endpoint, options: SshOptions) -> HostKey:
    """The key that a host shows, without logging in. Raises ConnectError; jump hosts must be known already."""
    route = route_to(endpoint, options)
    connection = _connection(route, endpoint, Meter())

    def take(key: PublicKey, certificate: bytes | None) -> None:
        raise _SeenError(key, certificate)

    connection.client.set_missing_host_key_policy(Policy(take))
    try:
        _open(connection)
    except _SeenError as seen:
        return HostKey(route, seen.key, judged(route, seen.key, seen.certificate))
    except RemoteError:
        raise
    except Exception as fault:
        raise explained(fault, connection.failed or route, _said(connection)) from fault
    raise ConnectError(f"{route.label} showed no key", host=route.host)


def close_connection(connection: Connection) -> None:
    """End a connection, those of its jump hosts, and its command, whatever state they are in."""
    hop = connection
    while isinstance(hop, _Connection):
        hop.client.close()
        if hop.proxy is not None:
            hop.proxy.close()
        hop = hop.gateway


def _said(connection: _Connection) -> str:
    """What the command that the way begins with complains about."""
    hop = connection
    while isinstance(hop.gateway, _Connection):
        hop = hop.gateway
    return hop.proxy.said() if hop.proxy is not None else ""


def _open(connection: _Connection) -> None:
    """One attempt; nothing stays open if it fails."""
    try:
        connection.look_up()
        with _STARTING:
            connection.open()
    except BaseException:
        connection.failed = _first_unreached(connection)
        close_connection(connection)
        raise


def _first_unreached(connection: _Connection) -> Route | None:
    hop = connection
    while isinstance(hop.gateway, _Connection) and not hop.gateway.is_connected:
        hop = hop.gateway
    return hop.route


def _most(state: RetryCallState, options: SshOptions) -> int:
    """How many attempts there are: a busy sshd drops at random, so more of them help."""
    fault = state.outcome.exception() if state.outcome else None
    return (
        options.attempts * DROPS if fault is not None and is_drop(fault) and options.attempts > 1 else options.attempts
    )


def _connection(route: Route, endpoint: Endpoint, meter: Meter) -> _Connection:
    if endpoint.key_file and not os.path.isfile(endpoint.key_file):
        raise AuthError(f"no key file {endpoint.key_file}", host=route.host, hint="check ansible_ssh_private_key_file")
    connection = _Connection(
        route.address,
        user=route.user,
        port=route.port,
        config=Config(ssh_config=paramiko.SSHConfig(), lazy=True),
        gateway=_gateway(route, endpoint, meter) or DIRECT,
        connect_timeout=max(1, round(route.options.connect_timeout)),
        connect_kwargs=_connect_arguments(route, endpoint, meter),
    )
    connection.route = route
    connection.client.set_missing_host_key_policy(Policy(partial(require_known, route)))
    return connection


def _gateway(route: Route, endpoint: Endpoint, meter: Meter) -> _Connection | None:
    """The chain of jump hosts, each checked as strictly as the host itself."""
    gateway: _Connection | None = None
    for way, hop in way_to(route, endpoint):
        through = _connection(replace(way, compresses=False), hop, meter)  # what it carries is encrypted
        if gateway is not None:
            through.gateway = gateway
        gateway = through
    return gateway


def _connect_arguments(route: Route, endpoint: Endpoint, meter: Meter) -> dict[str, Any]:
    options = route.options

    def transport(sock: Any, **rest: Any) -> paramiko.Transport:
        made = _Transport(_prepared(sock, options, meter), **rest)
        apply_algorithms(made, route.algorithms)
        _prefer(made, read_known_hosts(route.known_hosts), route.names)
        meter.add(connections=1)
        return made

    return {
        "compress": route.compresses,
        "auth_strategy": Login(route, endpoint.password, endpoint.key_passphrase),
        "banner_timeout": options.connect_timeout,
        "auth_timeout": options.silence,
        "channel_timeout": options.connect_timeout,
        "transport_factory": transport,
    }


def _prepared(sock: Any, options: SshOptions, meter: Meter) -> Any:
    """A real socket without Nagle's delay (40 ms per exec otherwise), that notices a silent peer, and counts."""
    if not isinstance(sock, socket.socket):
        return sock
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(options.silence * 1000))
    return CountingSocket(sock, meter)


def _prefer(transport: _Transport, known: KnownHosts, names: tuple[str, ...]) -> None:
    """Ask the host for the kind of key that is known of it; for a certificate where only its authority is."""
    security = transport.get_security_options()
    types = known.types(names)
    transport.wants_certificate = not types and bool(known.keys(names, AUTHORITY))
    first = [kind for name in types for kind in (_RSA if name == "ssh-rsa" else (name,)) if kind in security.key_types]
    security.key_types = tuple(dict.fromkeys([*first, *security.key_types]))
