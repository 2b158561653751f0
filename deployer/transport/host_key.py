"""Decides whether the key that a host shows is the one that we know, before anything secret is sent to it.

What the known_hosts files say is `known_hosts`; how a key is fetched is `dial`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import paramiko

from deployer.errors import HostKeyError
from deployer.frozen import dataclass
from deployer.transport.host_certificate import is_certified
from deployer.transport.known_hosts import Judgement, PublicKey, Standing, read_known_hosts, trust
from deployer.transport.route import Route, Strictness

_TRUST_HINT = "check the fingerprint, then: deploy hosts trust ENV"
_ADDING = threading.Lock()


@dataclass(frozen=True)
class HostKey:
    """A key that a host showed, and what the known_hosts files say about it."""

    route: Route
    key: PublicKey
    judgement: Judgement


class Policy(paramiko.MissingHostKeyPolicy):
    """Asked for every key, before authentication: paramiko itself is given no known ones."""

    def __init__(self, check: Callable[[PublicKey, bytes | None], None]) -> None:
        self._check = check

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        certificate = key.public_blob.key_blob if key.public_blob else None
        self._check(PublicKey(key.get_name(), key.asbytes()), certificate)


def judged(route: Route, key: PublicKey, certificate: bytes | None) -> Judgement:
    known = read_known_hosts(route.known_hosts)
    judgement = known.judge(route.names, key)
    if certificate and judgement.standing is Standing.NEW and is_certified(certificate, known, route):
        return Judgement(Standing.KNOWN)
    return judgement


def require_known(route: Route, key: PublicKey, certificate: bytes | None = None) -> None:
    """Raise HostKeyError unless the key is known for this host, certified, or new where new ones are to be added."""
    with _ADDING:
        judgement = judged(route, key, certificate)
        if judgement.standing is Standing.NEW and route.strictness is Strictness.ADD:
            _add(route, key)
            return
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


def _add(route: Route, key: PublicKey) -> None:
    """Remember a new key in the first file for users; /dev/null forgets it, as with ssh."""
    if route.new_keys_to is None or route.new_keys_to == "/dev/null":
        return
    try:
        trust(route.new_keys_to, [(route.names[0], key)])
    except OSError as fault:
        raise HostKeyError(
            f"the new key cannot be added to {route.new_keys_to}: {fault.strerror}",
            host=route.host,
            hint="make the file writable, or name another one: UserKnownHostsFile",
        ) from fault
