"""What goes out on an SSH connection, compressed by its content: scripts are, archives go as they are.

The zlib stream of RFC 4253 section 6.2 lasts as long as its keys, so what was sent before makes what is like it small.
"""

from __future__ import annotations

import zlib

import paramiko

from deployer.model.deflate import Deflate

METHODS = ("zlib@openssh.com", "zlib")  # the first, which we prefer, begins once we are logged in
HEADER = b"\x78\x9c"  # RFC 1950: a window of 32 kB, the usual level
LEVEL = 6
MEMORY = 6  # many connections are open at a time
MOST = 256 * 1024  # bytes of one payload, OpenSSH's PACKET_MAX_SIZE


class Compressor:
    """One direction of a connection, from one key exchange to the next. Called with a packet's payload."""

    def __init__(self) -> None:
        self._deflate = Deflate(LEVEL, MEMORY)
        self._header = HEADER

    def __call__(self, payload: bytes) -> bytes:
        """The bytes that add this payload to the stream, whole."""
        header, self._header = self._header, b""
        return header + self._deflate.compress(payload) + self._deflate.flush()


class Decompressor:
    """The other direction. Raises paramiko's SSHException for a packet that grows beyond what SSH allows."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj()

    def __call__(self, data: bytes) -> bytes:
        payload = self._inflate.decompress(data, MOST)
        if self._inflate.unconsumed_tail:
            raise paramiko.SSHException(f"the host sent a packet of more than {MOST} bytes")
        return payload
