"""Private keys in files, each opened once for all hosts; a person is asked for a passphrase at most once a key.

Nothing is said to any host here: which key is offered when is decided by `identities`.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko

Ask = Callable[[str], str | None]  # a question whose answer is a secret; None: nobody answers
TRIES = 3  # as ssh does
MAGIC = b"openssh-key-v1\0"


class KeyFileError(Exception):
    """A file that gives no key, and why."""


class KeyFiles:
    """The keys of a run. Any thread may ask for any key."""

    def __init__(self, ask: Ask | None = None) -> None:
        self.ask = ask
        self._lock = threading.Lock()
        self._opened: dict[str, paramiko.PKey | KeyFileError] = {}

    def open(self, path: str, passphrase: str | None = None, *, asks: bool = True) -> paramiko.PKey:
        """The key of a file. Raises KeyFileError if it holds none, or nobody knows its passphrase."""
        with self._lock:
            found = self._opened.get(path) or self._open(path, passphrase, asks)
            if asks or not isinstance(found, KeyFileError):
                self._opened[path] = found
        if isinstance(found, KeyFileError):
            raise found
        return found

    def _open(self, path: str, passphrase: str | None, asks: bool) -> paramiko.PKey | KeyFileError:
        if not is_encrypted(path):
            return _loaded(path, None)
        found: paramiko.PKey | KeyFileError | None = _loaded(path, passphrase) if passphrase else None
        for _ in range(TRIES if asks and self.ask and not passphrase else 0):
            answer = self.ask(f"Passphrase of the key {path}") if self.ask else None
            if not answer:
                break
            found = _loaded(path, answer)
            if not isinstance(found, KeyFileError):
                break
        return found or KeyFileError("is encrypted, no agent holds it, and nobody was asked for its passphrase")


def is_encrypted(path: str) -> bool:
    """Whether a key file wants a passphrase."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        return False
    inner = _unarmoured(data)
    if inner is None:
        return b"ENCRYPTED" in data
    return _strings(inner[len(MAGIC) :], 1) != [b"none"]


def public_of(path: str) -> bytes | None:
    """The public half of a key file, encrypted or not, as it travels; None if that cannot be known."""
    for name in (f"{path}.pub", path):
        with suppress(OSError, ValueError, IndexError):
            words = Path(name).read_text().split()
            blob = base64.b64decode(words[1], validate=True)
            if words[0].encode() in blob[:64]:
                return blob
    with suppress(OSError):
        inner = _unarmoured(Path(path).read_bytes())
        if inner is not None:
            rest = inner[len(MAGIC) :]
            named = _strings(rest, 3)
            start = sum(4 + len(text) for text in named) + 4
            return next(iter(_strings(rest[start:], 1)), None)
    return None


def _loaded(path: str, passphrase: str | None) -> paramiko.PKey | KeyFileError:
    """The key, or why there is none."""
    import paramiko

    try:
        return paramiko.PKey.from_path(path, passphrase.encode() if passphrase else None)  # type: ignore[arg-type]
    except OSError as fault:
        return KeyFileError(f"cannot be read: {(fault.strerror or str(fault)).lower()}")
    except (ValueError, TypeError, paramiko.SSHException) as fault:
        known = _read_by_cryptography(path, passphrase)
        if known is not None:
            return known
        if passphrase:
            return KeyFileError("is encrypted, and the passphrase is wrong")
        return KeyFileError(f"is no key that is understood: {fault}")


def _read_by_cryptography(path: str, passphrase: str | None) -> paramiko.PKey | None:
    """An OpenSSH key that paramiko fails to read: of those without a comment it takes every other for broken."""
    import paramiko
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        found = load_ssh_private_key(Path(path).read_bytes(), passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm, OSError):
        return None
    if isinstance(found, EllipticCurvePrivateKey):
        return paramiko.ECDSAKey(vals=(found, found.public_key()))
    return paramiko.RSAKey(key=found) if isinstance(found, RSAPrivateKey) else None


def _unarmoured(data: bytes) -> bytes | None:
    """The inside of a file of OpenSSH's own format (PROTOCOL.key); None for the older formats."""
    if b"BEGIN OPENSSH PRIVATE KEY" not in data:
        return None
    lines = [line for line in data.splitlines() if line and not line.startswith(b"-")]
    with suppress(ValueError):
        inner = base64.b64decode(b"".join(lines))
        return inner if inner.startswith(MAGIC) else None
    return None


def _strings(data: bytes, count: int) -> list[bytes]:
    """The first strings of a message, each with its length before it."""
    found = []
    for _ in range(count):
        length = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found
