"""Opens SSH connections on Fabric: host keys first, then authentication, with retries for faults that pass.

What is then done with a connection is left to `ssh`; which keys are trusted is decided by `known_hosts`.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import paramiko
from fabric import Config, Connection
from fabric.connection import derive_shorthand
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from deployer.errors import AuthError, ConnectError, HostKeyError, RemoteError
from deployer.model.connection import Endpoint
from deployer.transport.fault import explained, passes
from deployer.transport.host_certificate import MARK, is_certified
from deployer.transport.known_hosts import AUTHORITY, Judgement, KnownHosts, PublicKey, Standing, read_known_hosts
from deployer.transport.meter import CountingSocket, Meter
from deployer.transport.options import SshOptions
from deployer.transport.ssh_config import Route, route_to

# sshd's MaxStartups drops connections at random from the tenth unauthenticated one on.
_STARTING = threading.BoundedSemaphore(8)
_TRUST_HINT = "check the fingerprint, then: deploy hosts trust ENV"
_RSA = ("rsa-sha2-512", "rsa-sha2-256")

# Faults are raised and told by us; a thread of paramiko's would print them once more.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _SeenError(Exception):
    """The host showed its key, and that is all that was wanted."""

    def __init__(self, key: PublicKey, certificate: bytes | None) -> None:
        super().__init__(key.fingerprint)
        self.key = key
        self.certificate = certificate


@dataclass(frozen=True)
class HostKey:
    """A key that a host showed, and what the known_hosts files say about it."""

    route: Route
    key: PublicKey
    judgement: Judgement


class _Policy(paramiko.MissingHostKeyPolicy):
    """Asked for every key, before authentication: paramiko itself is given no known ones."""

    def __init__(self, check: Callable[[PublicKey, bytes | None], None]) -> None:
        self._check = check

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        certificate = key.public_blob.key_blob if key.public_blob else None
        self._check(PublicKey(key.get_name(), key.asbytes()), certificate)


class _Transport(paramiko.Transport):
    """Asks for a certificate before a plain key where an authority is trusted for the host."""

    wants_certificate = False

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        kinds = tuple(super().preferred_keys)
        return tuple(sorted(kinds, key=lambda kind: not kind.endswith(MARK))) if self.wants_certificate else kinds


def open_connection(endpoint: Endpoint, options: SshOptions, meter: Meter) -> Connection:
    """An authenticated connection. Raises ConnectError, AuthError or HostKeyError."""
    route = route_to(endpoint, options)
    connection = _connection(route, endpoint, options, meter)
    attempts = Retrying(
        stop=stop_after_attempt(options.attempts),
        wait=wait_exponential(multiplier=0.3, max=3) + wait_random(0, 0.5),
        retry=retry_if_exception(passes),
        reraise=True,
    )
    try:
        attempts(_open, connection)
    except RemoteError:
        raise
    except Exception as fault:
        raise explained(fault, route, options) from fault
    connection.transport.set_keepalive(max(1, round(options.keepalive)))
    return connection


def scan(endpoint: Endpoint, options: SshOptions) -> HostKey:
    """The key that a host shows, without logging in. Raises ConnectError; jump hosts must be known already."""
    route = route_to(endpoint, options)
    connection = _connection(route, endpoint, options, Meter())

    def take(key: PublicKey, certificate: bytes | None) -> None:
        raise _SeenError(key, certificate)

    connection.client.set_missing_host_key_policy(_Policy(take))
    try:
        _open(connection)
    except _SeenError as seen:
        return HostKey(route, seen.key, _judged(route, seen.key, seen.certificate))
    except RemoteError:
        raise
    except Exception as fault:
        raise explained(fault, route, options) from fault
    raise ConnectError(f"{route.label} showed no key", host=route.host)


def close_connection(connection: Connection) -> None:
    """End a connection and those of its jump hosts, whatever state they are in."""
    hop = connection
    while isinstance(hop, Connection):
        hop.client.close()
        hop = hop.gateway


def _open(connection: Connection) -> None:
    """One attempt; nothing stays open if it fails."""
    with _STARTING:
        try:
            connection.open()
        except BaseException:
            close_connection(connection)
            raise


def _connection(route: Route, endpoint: Endpoint, options: SshOptions, meter: Meter) -> Connection:
    if route.key_files and not os.path.isfile(route.key_files[0]):
        raise AuthError(f"no key file {route.key_files[0]}", host=route.host, hint="check ansible_ssh_private_key_file")
    connection = Connection(
        route.address,
        user=route.user,
        port=route.port,
        config=Config(ssh_config=paramiko.SSHConfig(), lazy=True),
        gateway=_gateway(route, endpoint, options, meter) or route.proxy_command or False,
        connect_timeout=max(1, round(options.connect_timeout)),
        connect_kwargs=_connect_arguments(route, options, meter),
    )
    connection.client.set_missing_host_key_policy(_Policy(partial(_require_known, route)))
    return connection


def _gateway(route: Route, endpoint: Endpoint, options: SshOptions, meter: Meter) -> Connection | None:
    """The chain of jump hosts, each checked as strictly as the host itself."""
    gateway: Connection | None = None
    for hop in route.jumps:
        to_hop = replace(endpoint, key_file=None, **_place(hop))
        through = _connection(replace(route_to(to_hop, options), jumps=(), is_jump=True), to_hop, options, meter)
        if gateway is not None:
            through.gateway = gateway
        gateway = through
    return gateway


def _place(hop: str) -> dict[str, Any]:
    """Address, port and user of `user@host:port`."""
    parts = derive_shorthand(hop)
    return {"address": parts["host"], "port": parts["port"], "user": parts["user"]}


def _connect_arguments(route: Route, options: SshOptions, meter: Meter) -> dict[str, Any]:
    def transport(sock: Any, **rest: Any) -> paramiko.Transport:
        made = _Transport(_prepared(sock, options, meter), **rest)
        _prefer(made, read_known_hosts(route.known_hosts), route.names)
        meter.add(connections=1)
        return made

    return {
        "key_filename": list(route.key_files),
        "allow_agent": route.agent,
        "look_for_keys": route.default_keys,
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


def _judged(route: Route, key: PublicKey, certificate: bytes | None) -> Judgement:
    known = read_known_hosts(route.known_hosts)
    judgement = known.judge(route.names, key)
    if certificate and judgement.standing is Standing.NEW and is_certified(certificate, known, route):
        return Judgement(Standing.KNOWN)
    return judgement


def _require_known(route: Route, key: PublicKey, certificate: bytes | None = None) -> None:
    """Raise HostKeyError unless the key is known for this host, or certified by an authority that is."""
    judgement = _judged(route, key, certificate)
    shown = f"{route.address} port {route.port} shows the {key.type} key {key.fingerprint}"
    line = judgement.because
    if judgement.standing is Standing.NEW:
        hint = f"trust the jump host: ssh -p {route.port} {route.address}" if route.is_jump else _TRUST_HINT
        raise HostKeyError(f"{shown}, which is not known", host=route.host, hint=hint)
    if judgement.standing is Standing.REVOKED and line:
        raise HostKeyError(f"{shown}, which {line.place} revokes", host=route.host, hint="do not log in to this host")
    if judgement.standing is Standing.CHANGED and line:
        raise HostKeyError(
            f"{shown}, but {line.place} knows {line.key.type} {line.key.fingerprint}: "
            "the host was reinstalled, or someone is in between",
            host=route.host,
            hint="if the change is yours: deploy hosts trust ENV --replace",
        )
