"""A new release as one compressed tar stream, made while it is sent: memory stays the same however large the files.

The stream is in gzip's format, of many members (RFC 1952 section 2.2): a stretch of the tree is a member of its own,
the same for all hosts that lack the same files, so it is read, verified and compressed once for them. What the host
does with the stream is `sync`'s business.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tarfile
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field
from typing import BinaryIO

from deployer.engine.shelf import Shelf
from deployer.errors import TransferError
from deployer.frozen import dataclass
from deployer.model.deflate import Deflate
from deployer.model.tree import Entry, Tree

CHUNK = 256 * 1024  # bytes
BLOCK = tarfile.BLOCKSIZE
GZIP = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # RFC 1952 section 2.3: deflate, no name, no time, no system
SMALL = 16 * 1024 * 1024  # bytes; below it the line is the bottleneck, above it the processor
STRETCH = 1024 * 1024  # bytes of files and their headers, after which a stretch ends
HEADERS = 3 * BLOCK  # bytes for a file; a long name takes more
LONE = 4 * STRETCH  # bytes; a file with more is read for each host that lacks it
SHELF = Shelf(8 * LONE)


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """What is sent of a file in place of the whole."""

    name: str  # that it gets, in the folder that the stream makes its entries in
    spans: tuple[tuple[int, int], ...]  # offset and length in bytes, in order

    @property
    def size(self) -> int:
        """Bytes that are sent."""
        return sum(length for _, length in self.spans)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What is sent: the tree's folders and links, its other files as data or as hard links, and files beside it."""

    host: str  # for errors
    source: str
    tree: Tree
    kept: Collection[str] = frozenset()  # paths in `link` that are no part of the stream: the host links them itself
    link: Mapping[str, str] = field(default_factory=dict)  # path in the tree -> what is linked
    excerpts: Mapping[str, Excerpt] = field(default_factory=dict)  # path in the tree -> what is sent in its place
    beside: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)  # name -> content, mode; sent in this order

    @property
    def size(self) -> int:
        """Bytes of the tree that are sent as data, before compression."""
        return sum(self._length(entry) for entry in self.tree.entries)

    def stream(self, on_bytes: Callable[[int], None] | None = None) -> Iterator[bytes]:
        """The stream; `on_bytes` hears how much of `size` has gone.

        Raises TransferError if a file has changed.
        """
        level, done = 6 if self.size < SMALL else 1, 0

        def tell(length: int) -> None:
            nonlocal done
            done += length
            if length and on_bytes:
                on_bytes(done)

        yield from _member((_header("project", tarfile.DIRTYPE, mode=0o755, mtime=int(time.time())),), level)
        for entries in self._stretches():
            length = sum(map(self._length, entries))
            if length > LONE:
                yield from _member(self._blocks(entries, tell), level)
            else:
                yield self._stretch(entries, level)
                tell(length)
        yield from _member((*self._beside(), bytes(2 * BLOCK)), level)

    def _stretches(self) -> Iterator[tuple[Entry, ...]]:
        """The entries of the stream, in order; those with much data alone."""
        stretch: list[Entry] = []
        size = 0
        for entry in (entry for entry in self.tree.entries if entry.path not in self.kept):
            length = self._length(entry)
            if stretch and (size >= STRETCH or size + length > LONE):
                yield tuple(stretch)
                stretch, size = [], 0
            stretch.append(entry)
            size += length + HEADERS
        if stretch:
            yield tuple(stretch)

    def _stretch(self, entries: tuple[Entry, ...], level: int) -> bytes:
        """A member that is on the shelf, or comes to it."""
        there = tuple((self.link.get(entry.path), self.excerpts.get(entry.path)) for entry in entries)
        blocks = self._blocks(entries, lambda length: None)
        return SHELF.take((self.source, level, entries, there), lambda: b"".join(_member(blocks, level)))

    def _blocks(self, entries: Iterable[Entry], tell: Callable[[int], None]) -> Iterator[bytes]:
        for entry in entries:
            yield self._head(entry)
            for chunk in self._body(entry):
                yield chunk
                tell(len(chunk))
            yield _padding(self._length(entry))

    def _length(self, entry: Entry) -> int:
        """Bytes of data."""
        if not self._is_data(entry):
            return 0
        return self.excerpts[entry.path].size if entry.path in self.excerpts else entry.size

    def _is_data(self, entry: Entry) -> bool:
        return entry.kind == "file" and entry.path not in self.link

    def _head(self, entry: Entry) -> bytes:
        name = f"project/{entry.path}"
        if entry.path in self.link:
            return _header(name, tarfile.LNKTYPE, target=self.link[entry.path])
        kind = {"dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "file": tarfile.REGTYPE}[entry.kind]
        if entry.path in self.excerpts:
            name = self.excerpts[entry.path].name
        size = self._length(entry)
        header = _header(name, kind, mode=entry.mode, mtime=entry.mtime, size=size, target=entry.target)
        return _fraction(entry) + header if entry.kind == "file" else header

    def _body(self, entry: Entry) -> Iterator[bytes]:
        if not self._is_data(entry):
            return
        digest = hashlib.sha256()
        spans = self.excerpts[entry.path].spans if entry.path in self.excerpts else ((0, entry.size),)
        try:
            with open(os.open(os.path.join(self.source, entry.path), os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
                for start, length in spans:
                    pass_over(content, start, digest)
                    yield from _pieces(content, length, digest)
                pass_over(content, entry.size, digest)
                whole = content.tell() == entry.size and not content.read(1)
        except OSError as error:
            raise self._changed(entry, (error.strerror or "unreadable").lower()) from None
        if not whole or digest.hexdigest() != entry.sha256:
            raise self._changed(entry, "other content than a moment ago")

    def _beside(self) -> Iterator[bytes]:
        now = int(time.time())
        for name, (content, mode) in self.beside.items():
            yield _header(name, tarfile.REGTYPE, mode=mode, mtime=now, size=len(content))
            yield content
            yield _padding(len(content))

    def _changed(self, entry: Entry, found: str) -> TransferError:
        return TransferError(
            f"{entry.path!r} changed while it was being sent: {found}",
            host=self.host,
            hint="run again when nothing writes to the project folder, or leave the file out in .deployignore",
        )


def _member(blocks: Iterable[bytes], level: int) -> Iterator[bytes]:
    """A member of a gzip file (RFC 1952 section 2.3)."""
    deflate, size, checksum = Deflate(level), 0, 0
    yield GZIP
    for block in blocks:
        size, checksum = size + len(block), zlib.crc32(block, checksum)
        if ready := deflate.compress(block):
            yield ready
    yield deflate.finish() + struct.pack("<LL", checksum, size & 0xFFFFFFFF)


def pass_over(content: BinaryIO, end: int, digest: hashlib._Hash) -> None:
    """Go on to an offset, or to the end of the file; the digest hears what lies between."""
    for _ in _pieces(content, end - content.tell(), digest):
        pass


def _pieces(content: BinaryIO, size: int, digest: hashlib._Hash) -> Iterator[bytes]:
    """The next bytes, as many as there are; the digest hears them."""
    while size and (chunk := content.read(min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
        yield chunk


def _header(name: str, kind: bytes, *, mode: int = 0, mtime: int = 0, size: int = 0, target: str = "") -> bytes:
    """A tar header in GNU's format, which alone keeps names as the bytes that they are."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime, info.size, info.linkname = kind, mode & 0o777, max(mtime, 0), size, target
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _fraction(entry: Entry) -> bytes:
    """A header in front of a file's own: its time gets a fraction of a second that its content decides.

    BuildKit takes a file of the same path, size and time for the one that it has, be it another project's. The format
    is POSIX.1-2001's (pax); a tar that does not know it passes it over.
    """
    nanoseconds = int(entry.sha256[:12], 16) % 999_999_999 + 1
    words = f" mtime={max(entry.mtime, 0)}.{nanoseconds:09d}\n"
    record = f"{len(words) + 2}{words}".encode()
    info = tarfile.TarInfo("time")
    info.type, info.size = tarfile.XHDTYPE, len(record)
    return info.tobuf(tarfile.USTAR_FORMAT) + record + _padding(len(record))


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)
