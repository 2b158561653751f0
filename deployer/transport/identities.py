"""Which keys are offered to a host, and in what order: OpenSSH's (sshconnect2.c, pubkey_prepare).

First the agent's keys that a file names, then the agent's others, then those that are in files alone. A certificate
goes before the key that it is for.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from copy import copy
from typing import Any

import paramiko
from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PublicBlob

from deployer.frozen import dataclass
from deployer.transport.host_certificate import MARK, certified_key
from deployer.transport.key_files import KeyFileError, KeyFiles, is_encrypted, public_of
from deployer.transport.route import Route

PATIENCE = 10.0  # seconds that an agent may take to list its keys


@dataclass(frozen=True)
class Identity:
    """A key to log in with, and what to call it."""

    name: str
    key: paramiko.PKey


class Agent(AgentSSH):
    """An ssh-agent at a socket; without keys if nobody answers there."""

    def __init__(self, path: str | None) -> None:
        super().__init__()
        self._socket: socket.socket | None = None
        if path is None:
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(PATIENCE)
            connection.connect(path)
            connection.settimeout(None)
            self._connect(connection)  # type: ignore[attr-defined]
            self._socket = connection
        except (OSError, paramiko.SSHException):
            connection.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class Identities:
    """The keys for one host. `skipped` says which files gave none, and why."""

    def __init__(self, route: Route, keys: KeyFiles, passphrase: str | None) -> None:
        self._route, self._keys, self._passphrase = route, keys, passphrase
        self.skipped: list[str] = []

    def offered(self, agent: Agent) -> Iterator[Identity]:
        """Each key in its turn; a file is opened, and a passphrase asked for, only when its turn has come."""
        files = {path: public_of(path) for path in self._route.key_files}
        held = [_Held(key) for key in agent.get_keys()]
        named = [key for key in held if key.public in files.values()]
        others = [] if self._route.identities_only else [key for key in held if key not in named]
        for key in (*named, *others):
            yield from self._with_certificates(f"the agent's {key.comment or key.get_name()}", key)
        in_agent = {key.public for key in held}
        left = [path for path, public in files.items() if public is None or public not in in_agent]
        for path in sorted(left, key=is_encrypted):
            yield from self._of_file(path)

    def _of_file(self, path: str) -> Iterator[Identity]:
        try:
            passphrase = self._passphrase if path == self._route.key_files[0] else None
            key = self._keys.open(path, passphrase, asks=self._route.asks)
        except KeyFileError as error:
            self.skipped.append(f"{path} {error}")
        else:
            yield from self._with_certificates(path, key)

    def _with_certificates(self, name: str, key: paramiko.PKey) -> Iterator[Identity]:
        """The key behind each certificate that is for it, then the key itself."""
        own = key.public if isinstance(key, _Held) else key.asbytes()
        for path, blob in self._certificates():
            if certified_key(blob.key_blob) == own and not key.get_name().endswith(MARK):
                signing = copy(key)
                signing.public_blob = blob
                yield Identity(path, signing)
        plain = copy(key)
        plain.public_blob = None
        yield Identity(name, plain)

    def _certificates(self) -> Iterator[tuple[str, PublicBlob]]:
        """Those that are named, or else those beside the key files."""
        beside = tuple(f"{path}-cert.pub" for path in self._route.key_files)
        for path in self._route.certificates or beside:
            try:
                yield path, PublicBlob.from_file(path)
            except (OSError, ValueError, paramiko.SSHException) as fault:
                if path in self._route.certificates:
                    self.skipped.append(f"{path} is no certificate that is understood: {fault}")


class _Held(AgentKey):
    """A key in an agent, offered as the bytes that the agent holds: a certificate stays one."""

    def __init__(self, key: AgentKey) -> None:
        super().__init__(key.agent, key.blob, key.comment)
        self.public = certified_key(self.blob) or self.blob if self.name.endswith(MARK) else self.blob
        self.inner_key: Any = None

    def __copy__(self) -> _Held:
        return _Held(self)
