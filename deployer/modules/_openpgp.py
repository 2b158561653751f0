"""OpenPGP keys as files: which keys are in one, by their fingerprints (RFC 4880 and RFC 9580).

No signature is checked here: that is the host's package manager's, once it has the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

_WORDS = "PGP PUBLIC KEY BLOCK"
_BLOCK = re.compile(rf"-----BEGIN {_WORDS}-----\r?\n(.*?)-----END {_WORDS}-----", re.DOTALL)
_PUBLIC_KEY = 6  # the tag of a primary key's packet


def read_key(armored: str, fingerprint: str) -> str:
    """The one key that a file holds, armored anew: whoever reads that finds the bytes that were looked at, no others.

    Raises ValueError, which says what was found, unless it is the key with this fingerprint (40 capital hexadecimal
    digits), of version 4, and the only one.
    """
    blocks = _BLOCK.findall(armored)
    if not blocks:
        raise ValueError("no armored OpenPGP key")
    try:
        data = b"".join(map(_binary, blocks))
        found = [_fingerprint(body) for tag, body in _packets(data) if tag == _PUBLIC_KEY]
    except (IndexError, binascii.Error) as error:
        raise ValueError("a damaged OpenPGP key") from error
    if found != [fingerprint]:
        raise ValueError(" and ".join(found) or "no primary key")
    return _armor(data)


def _armor(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    check = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
    return "\n".join((f"-----BEGIN {_WORDS}-----", "", *lines, f"={check}", f"-----END {_WORDS}-----", ""))


def _crc24(data: bytes) -> int:
    """The checksum at the end of an armored block, without which rpm reads none."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc & 0xFFFFFF


def _binary(block: str) -> bytes:
    """What is between the headers, which end with an empty line, and the checksum, which begins with `=`."""
    lines = [line.strip() for line in block.splitlines()]
    body = lines[lines.index("") + 1 :] if "" in lines else lines
    return base64.b64decode("".join(line for line in body if not line.startswith("=")), validate=True)


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each packet's tag and body."""
    at = 0
    while at < len(data):
        head = data[at]
        if not head & 0x80:
            raise ValueError("a damaged OpenPGP key")
        tag, start, length = _new(data, at) if head & 0x40 else _old(data, at)
        if start + length > len(data):
            raise ValueError("a damaged OpenPGP key")
        yield tag, data[start : start + length]
        at = start + length


def _old(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and length of the body of a packet in the old format."""
    size = {0: 1, 1: 2, 2: 4}.get(data[at] & 3)
    if size is None:
        raise ValueError("a packet of no certain length")
    return data[at] >> 2 & 0xF, at + 1 + size, int.from_bytes(data[at + 1 : at + 1 + size], "big")


def _new(data: bytes, at: int) -> tuple[int, int, int]:
    """The same in the new format."""
    tag, first = data[at] & 0x3F, data[at + 1]
    if first < 192:
        return tag, at + 2, first
    if first < 224:
        return tag, at + 3, (first - 192 << 8) + data[at + 2] + 192
    if first < 255:
        raise ValueError("a packet of no certain length")
    return tag, at + 6, int.from_bytes(data[at + 2 : at + 6], "big")


def _fingerprint(body: bytes) -> str:
    if body[0] != 4:
        raise ValueError(f"a key of version {body[0]}, where one of version 4 was expected")
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
