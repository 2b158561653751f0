"""The zlib stream of a connection, read by zlib itself: what goes in comes out, and how large it is."""

from __future__ import annotations

import random
import zlib

import paramiko
import pytest

from deployer.model.deflate import LARGE, STORED
from deployer.transport.compression import MOST, Compressor, Decompressor

SCRIPT = "".join(f"step {number}: test -e /srv/{number} || exit {number % 7}\n" for number in range(90)).encode()


def test_every_packet_can_be_read_as_soon_as_it_is_there() -> None:
    chance = random.Random(7)
    compress, decompress = Compressor(), Decompressor()
    for _ in range(2000):
        dense = chance.randbytes(chance.choice((1, LARGE - 1, LARGE, 32_768, STORED, STORED + 1)))
        payload = chance.choice((dense, SCRIPT, SCRIPT[chance.randrange(900) :], b"\0" * chance.randrange(1, MOST)))
        assert decompress(compress(payload)) == payload


def test_what_was_sent_before_makes_what_is_like_it_small() -> None:
    compress = Compressor()
    first, again = len(compress(SCRIPT)), len(compress(SCRIPT))
    assert first < len(SCRIPT) / 3
    assert again < 60


def test_dense_data_goes_as_it_is_and_scripts_are_squeezed_again_after_it() -> None:
    compress, dense = Compressor(), random.Random(7).randbytes(32_768)
    compress(SCRIPT)
    assert len(compress(dense)) <= len(dense) + 10
    assert dense in compress(dense)
    assert len(compress(SCRIPT)) < len(SCRIPT) / 3
    assert len(compress(SCRIPT)) < 60


def test_a_packet_that_grows_without_end_is_refused() -> None:
    sent = zlib.compressobj()
    bomb = sent.compress(b"\0" * (MOST + 1)) + sent.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(paramiko.SSHException, match="more than 262144 bytes"):
        Decompressor()(bomb)
