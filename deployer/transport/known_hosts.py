"""Reads and writes known_hosts files and judges a host's key by them, as strictly as OpenSSH does.

It opens no connection: `dial` shows it the key that a host presented, before any authentication.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from deployer.errors import Place
from deployer.frozen import dataclass

SSH_PORT = 22
REVOKED, AUTHORITY = "@revoked", "@cert-authority"


@dataclass(frozen=True)
class PublicKey:
    """A host key as it travels: its type and its bytes."""

    type: str  # ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa …
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: SHA256:… without padding."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def line(self, names: str) -> str:
        """The known_hosts line that trusts this key for these names."""
        return f"{names} {self.type} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True)
class KnownKey:
    """One line of a known_hosts file."""

    names: str  # as written: patterns with commas, or one hashed name
    key: PublicKey
    place: Place
    marker: str = ""  # @revoked, @cert-authority or nothing

    def covers(self, name: str) -> bool:
        """Whether the line speaks of this host name; a negated pattern that matches rules the line out."""
        if self.names.startswith("|1|"):
            return _hashed_match(self.names, name)
        patterns = self.names.lower().split(",")
        if any(fnmatchcase(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
            return False
        return any(fnmatchcase(name, _literal_brackets(pattern)) for pattern in patterns)


class Standing(StrEnum):
    """What the files say about a key that a host shows."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "CHANGED"
    REVOKED = "REVOKED"


@dataclass(frozen=True)
class Judgement:
    """`because` is the line that decided; None for a new key."""

    standing: Standing
    because: KnownKey | None = None


@dataclass(frozen=True)
class KnownHosts:
    """The lines of all files that hold for one connection, in order."""

    lines: tuple[KnownKey, ...] = ()

    def keys(self, names: Sequence[str], marker: str = "") -> tuple[KnownKey, ...]:
        return tuple(line for line in self.lines if line.marker == marker and any(map(line.covers, names)))

    def types(self, names: Sequence[str]) -> tuple[str, ...]:
        """Key types known for a host: it should be asked for these first."""
        return tuple(dict.fromkeys(line.key.type for line in self.keys(names)))

    def judge(self, names: Sequence[str], key: PublicKey) -> Judgement:
        """A revoked key is refused before all else; `names` is as `host_names` gives it."""
        for line in self.keys(names, REVOKED):
            if line.key == key:
                return Judgement(Standing.REVOKED, line)
        for line in self.keys(names):
            if line.key == key:
                return Judgement(Standing.KNOWN, line)
        own = self.keys(names[:1])
        if not own:
            return Judgement(Standing.NEW)
        same_type = [line for line in own if line.key.type == key.type]
        return Judgement(Standing.CHANGED, (same_type or list(own))[0])


def host_names(address: str, port: int, alias: str | None = None) -> tuple[str, ...]:
    """The names to look a host up by: its own first; OpenSSH accepts a match without the port too."""
    if alias:
        return (alias.lower(),)
    if port == SSH_PORT:
        return (address.lower(),)
    return (f"[{address.lower()}]:{port}", address.lower())


def read_known_hosts(paths: Iterable[str]) -> KnownHosts:
    """All lines that can be understood; others, and files that do not exist, are passed over."""
    lines: list[KnownKey] = []
    for path in dict.fromkeys(os.path.expanduser(path) for path in paths):
        try:
            seen = os.stat(path)
        except OSError:
            continue
        lines.extend(_read_file(path, seen.st_mtime_ns, seen.st_size))
    return KnownHosts(tuple(lines))


@lru_cache(maxsize=64)
def _read_file(path: str, _mtime: int, _size: int) -> tuple[KnownKey, ...]:
    try:
        text = Path(path).read_text(errors="replace")
    except OSError:
        return ()
    parsed = (parse_line(line, Place(path, number)) for number, line in enumerate(text.splitlines(), 1))
    return tuple(line for line in parsed if line)


def parse_line(text: str, place: Place) -> KnownKey | None:
    """One line as a value; None if it is empty, a comment, or not a key."""
    words = text.split()
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0) if words[0].startswith("@") else ""
    if len(words) < 3 or marker not in ("", REVOKED, AUTHORITY):
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    return KnownKey(words[0], PublicKey(words[1], blob), place, marker) if _says_type(blob, words[1]) else None


def _says_type(blob: bytes, key_type: str) -> bool:
    """Whether the key's bytes begin with the type that the line claims."""
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")] == key_type.encode()


def _hashed_match(hashed: str, name: str) -> bool:
    import hmac

    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hashed[3:].split("|", 1))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), "sha1").digest(), digest)


def _literal_brackets(pattern: str) -> str:
    """known_hosts knows `*` and `?` only: `[host]:port` is no character class."""
    return pattern.replace("[", "[[]")


def trust(path: str, entries: Iterable[tuple[str, PublicKey]]) -> None:
    """Append keys for host names; makes the folder (0700) and the file (0600) where they are missing."""
    file = Path(path).expanduser()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "".join(f"{key.line(name)}\n" for name, key in entries)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size and _last_byte(stream.fileno(), size) != b"\n":
            text = "\n" + text
        stream.write(text.encode())


def _last_byte(descriptor: int, size: int) -> bytes:
    return os.pread(descriptor, 1, size - 1)


def forget(path: str, name: str) -> int:
    """Take a host's keys out of one file, keeping the old file as `<file>.old`; says how many lines changed.

    A line for several names loses only this one; @revoked and @cert-authority lines stay.
    """
    file = Path(path).expanduser()
    old = file.read_text(errors="surrogateescape").splitlines()
    new = [_without(line, name, Place(str(file), number)) for number, line in enumerate(old, 1)]
    if new == old:
        return 0
    _write_private(file.with_name(file.name + ".old"), old)
    _write_private(file, [line for line in new if line is not None])
    return sum(before != after for before, after in zip(old, new, strict=True))


def _without(line: str, name: str, place: Place) -> str | None:
    known = parse_line(line, place)
    if known is None or known.marker or not known.covers(name):
        return line
    rest = [pattern for pattern in known.names.split(",") if pattern.lower() != name]
    if not rest or known.names.startswith("|1|"):
        return None
    return line.replace(known.names, ",".join(rest), 1)


def _write_private(file: Path, lines: Iterable[str]) -> None:
    temporary = file.with_name(file.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
    temporary.replace(file)
