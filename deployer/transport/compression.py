"""What goes out on an SSH connection, compressed by its content: scripts are, archives go as they are.

The zlib stream of RFC 4253 section 6.2 lasts as long as its keys, so what was sent before makes what is like it small.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import paramiko

METHODS = ("zlib@openssh.com", "zlib")  # the first, which we prefer, begins once we are logged in
LEVEL = 6
MEMORY = 6  # zlib's memLevel: 160 kB a connection, for 256 kB with its default
SAMPLE = 1024  # bytes
LARGE = 4 * SAMPLE  # bytes: what is smaller is not worth a look
WORTH_IT = 0.9  # of the sample
MOST = 256 * 1024  # bytes of one payload, OpenSSH's PACKET_MAX_SIZE
STORED = 0xFFFF  # bytes, the most of a stored block: RFC 1951 section 3.2.4


class Compressor:
    """One direction of a connection, from one key exchange to the next. Called with a packet's payload."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, MEMORY)

    def __call__(self, payload: bytes) -> bytes:
        """The bytes that add this payload to the stream, whole."""
        if len(payload) >= LARGE and _is_dense(payload[-SAMPLE:]):
            return self._stored(payload)
        return self._deflate.compress(payload) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def _stored(self, payload: bytes) -> bytes:
        """As it is; then a fresh start, as the receiver's window holds what this compressor has not seen."""
        begun = self._deflate.flush(zlib.Z_SYNC_FLUSH)
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, MEMORY)
        return b"".join((begun, *_blocks(payload)))


class Decompressor:
    """The other direction. Raises paramiko's SSHException for a packet that grows beyond what SSH allows."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj()

    def __call__(self, data: bytes) -> bytes:
        payload = self._inflate.decompress(data, MOST)
        if self._inflate.unconsumed_tail:
            raise paramiko.SSHException(f"the host sent a packet of more than {MOST} bytes")
        return payload


def _is_dense(sample: bytes) -> bool:
    return len(zlib.compress(sample, 1)) > WORTH_IT * len(sample)


def _blocks(payload: bytes) -> Iterator[bytes]:
    for start in range(0, len(payload), STORED):
        block = payload[start : start + STORED]
        yield struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
        yield block
