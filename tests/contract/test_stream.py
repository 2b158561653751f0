"""What every Remote promises of a program with an input of its own."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator

import pytest

from deployer.errors import CommandTimeoutError
from deployer.protocols import Remote


def test_a_stream_arrives_byte_for_byte(remote: Remote) -> None:
    chunk = bytes(range(256)) * 4096
    told: list[int] = []
    result = remote.stream("sha256sum; echo err >&2; exit 4", (chunk for _ in range(5)), on_bytes=told.append)
    assert (result.status, result.stderr) == (4, "err\n")
    assert result.stdout.split()[0] == hashlib.sha256(chunk * 5).hexdigest()
    assert told == sorted(told)
    assert told[-1] == 5 * len(chunk)


def test_a_stream_comes_back_unchanged(remote: Remote) -> None:
    text = "line\n" * 600_000
    assert remote.stream("cat", [text.encode()]).stdout == text


def test_a_stream_whose_reader_stops_early_is_no_error(remote: Remote) -> None:
    result = remote.stream("head -c 3; exit 5", (b"x" * 100_000 for _ in range(200)))
    assert (result.status, result.stdout) == (5, "xxx")


def test_a_failing_source_is_never_seen_as_complete(remote: Remote) -> None:
    where = remote.run("mktemp -d").stdout.strip()

    def source() -> Iterator[bytes]:
        yield b"half"
        raise OSError("disk read error")

    with pytest.raises(OSError, match="disk read error"):
        remote.stream(f"cat >{where}/part && touch {where}/complete", source())
    time.sleep(0.3)
    assert remote.run(f"ls {where}").stdout == "part\n"
    remote.run(f"rm -r {where}")


def test_a_source_that_fails_at_once_starts_nothing_complete(remote: Remote) -> None:
    where = remote.run("mktemp -d").stdout.strip()

    def source() -> Iterator[bytes]:
        raise ValueError("no such file")
        yield b""

    with pytest.raises(ValueError, match="no such file"):
        remote.stream(f"cat >/dev/null; touch {where}/complete", source())
    assert remote.run(f"ls {where}; rm -r {where}").stdout == ""


def test_a_stream_has_a_deadline(remote: Remote) -> None:
    seconds = 70000 + secrets.randbelow(10000)  # of this test's own: others of its kind may run beside it
    with pytest.raises(CommandTimeoutError):
        remote.stream(f"cat >/dev/null; sleep {seconds}", [b"x"], timeout=0.6)
    left = f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '[s]leep {seconds}'"
    assert remote.run(left).stdout == "0\n"


def test_a_stream_reads_nothing_if_its_script_is_wrong(remote: Remote) -> None:
    result = remote.stream("if", [b"x" * 10])
    assert result.status not in (0, None)
    assert result.stderr
