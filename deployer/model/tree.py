"""A project folder as content: what a release's tree holds, file by file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file, a folder or a symbolic link; `path` is relative, with `/`, and may hold any byte but NUL."""

    path: str  # undecodable bytes as surrogate escapes
    kind: str  # "file", "dir", "link"
    mode: int = 0o644  # permission bits
    sha256: str = ""  # of a file's content
    size: int = 0  # bytes
    target: str = ""  # of a link
    mtime: int = 0  # seconds; no part of the digest

    @property
    def identity(self) -> str:
        """What must be equal for two entries to be the same thing."""
        return f"{self.kind} {self.mode:o} {self.sha256 or self.target} {self.path}"


@dataclass(frozen=True)
class Tree:
    """Entries sorted by path."""

    entries: tuple[Entry, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every entry's kind, mode, content and path, as 64 hex digits."""
        lines = "\0".join(entry.identity for entry in self.entries)
        return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()

    @cached_property
    def by_path(self) -> Mapping[str, Entry]:
        return {entry.path: entry for entry in self.entries}

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(entry.size for entry in self.entries)
