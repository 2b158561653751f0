"""A deflate stream (RFC 1951) by content: what gets smaller is compressed, what is dense already goes as it is."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SAMPLE = 512  # bytes, at the end of what is added
LARGE = 8 * SAMPLE  # bytes: what is smaller is compressed without a look
DENSE = 200  # values of a byte that a sample has: archives and pictures have 220, programs and text 50 to 150
STORED = 0xFFFF  # bytes, the most of a stored block: RFC 1951 section 3.2.4


class Deflate:
    """One stream, without header and end of any format around it.

    `level` and `memory` are zlib's: 9 compresses best; a `memory` of 8 takes 256 kB, of 6 160 kB.
    """

    def __init__(self, level: int, memory: int = zlib.DEF_MEM_LEVEL) -> None:
        self._level, self._memory = level, memory
        self._deflate = self._fresh()

    def compress(self, data: bytes) -> bytes:
        """Add data; the bytes of the stream that are ready."""
        if len(data) < LARGE or not _is_dense(data[-SAMPLE:]):
            return self._deflate.compress(data)
        ready = self.flush()
        self._deflate = self._fresh()  # the receiver's window holds what this one has not seen
        return b"".join((ready, *_stored(data)))

    def flush(self) -> bytes:
        """The rest of what was added: the receiver can read all of it."""
        return self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        """The end of the stream."""
        return self._deflate.flush(zlib.Z_FINISH)

    def _fresh(self) -> zlib._Compress:
        return zlib.compressobj(self._level, zlib.DEFLATED, -zlib.MAX_WBITS, self._memory)


def _is_dense(sample: bytes) -> bool:
    return len(set(sample)) > DENSE


def _stored(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), STORED):
        block = data[start : start + STORED]
        yield struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
        yield block
