"""Keys in files: the one that is expected and no other, in the very bytes that were looked at."""

from __future__ import annotations

import base64

import pytest

from deployer.modules._openpgp import read_key

FINGERPRINT = "5B17FF5EBA8E321050FED9AA5F36FF01561A8F1A"  # as gpg says it
KEY = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaww/wBYJKwYBBAHaRw8BAQdAkn0mxL4xWE26R/A6V3un2+CjCAy87rnbjihS
QLdKm520IFN0YW5kLWluIDxkb2NrZXJAbWlycm9yLmV4YW1wbGU+iJAEExYIADgW
IQRbF/9euo4yEFD+2apfNv8BVhqPGgUCaww/wAIbAwULCQgHAgYVCgkICwIEFgID
AQIeAQIXgAAKCRBfNv8BVhqPGjSCAPwIEw7pD274m9KmWYfOr9Xpi5R2NlcLv5uQ
dkaF4d4NIAD/fk/DWZT8IAROFmniHXIdpN0FQbJawkCWHEVY3v5P2gA=
=oDQ/
-----END PGP PUBLIC KEY BLOCK-----
"""
LINES = KEY.splitlines()
DATA = base64.b64decode("".join(LINES[2:7]))


def armored(data: bytes) -> str:
    return "\n".join((LINES[0], "", base64.b64encode(data).decode(), LINES[-1], ""))


def new_format(length: bytes) -> bytes:
    """The primary key's packet with a length that is written in another way."""
    return b"\xc6" + length + DATA[2:53]


def test_the_key_comes_out_as_gpg_writes_it() -> None:
    assert read_key(KEY, FINGERPRINT) == KEY


def test_what_stands_around_it_is_left_out() -> None:
    text = KEY.replace(LINES[0] + "\n", f"see below\r\n{LINES[0]}\r\nComment: ours\n").replace(LINES[7], "=AAAA")
    assert read_key(text + "and above", FINGERPRINT) == KEY


@pytest.mark.parametrize("length", [b"\x33", b"\xff\x00\x00\x00\x33"])
def test_packets_of_the_new_format(length: bytes) -> None:
    assert DATA[:2] == b"\x98\x33"
    assert read_key(armored(new_format(length)), FINGERPRINT)


def test_a_long_packet_of_the_new_format() -> None:
    name = b"\xcd\xc0\x10" + b"a" * 208
    assert read_key(armored(DATA + name), FINGERPRINT)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<html>", "no armored OpenPGP key"),
        (KEY, FINGERPRINT),
        (KEY + KEY, f"{FINGERPRINT} and {FINGERPRINT}"),
        (armored(DATA + DATA), f"{FINGERPRINT} and {FINGERPRINT}"),
        (armored(DATA[53:]), "no primary key"),
        (armored(DATA[:-1]), "damaged"),
        (armored(DATA[:1]), "damaged"),
        (armored(b"plain"), "damaged"),
        (armored(DATA[:2] + b"\x06" + DATA[3:]), "version 6"),
        (armored(b"\x9b" + DATA[2:]), "no certain length"),
        (armored(b"\xc6\xe1" + DATA[2:]), "no certain length"),
        (KEY.replace(LINES[3], "!"), "damaged"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(text: str, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        read_key(text, "0" * 40)


@pytest.mark.parametrize("text", [KEY + KEY, armored(DATA + DATA)])
def test_a_second_key_behind_the_right_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=" and "):
        read_key(text, FINGERPRINT)
