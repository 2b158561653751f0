"""The marks around a script's outputs are found however the bytes are cut."""

from __future__ import annotations

import pytest

from deployer.transport.reply import Output, Reply


def fed(pieces: list[bytes]) -> tuple[Output, list[str]]:
    lines: list[str] = []
    output = Output("abc", lines.append)
    for piece in pieces:
        output.feed(piece)
    return output, lines


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"x", ["x"]),
        (b"x\n", ["x"]),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"abc end", ["abc end"]),
        (b"\nabc en", ["", "abc en"]),
        (b"\xff\n", ["�"]),
    ],
)
def test_text_and_lines_survive_any_cut(size: int, text: bytes, lines: list[str]) -> None:
    whole = b"noise\nabcabc begin 42\n" + text + b"\nabc end 7\nmore"
    output, told = fed([whole[at : at + size] for at in range(0, len(whole), size)])
    assert (output.pid, output.status, output.raw, told) == (42, 7, text, lines)


def test_a_line_is_told_as_soon_as_it_ends() -> None:
    assert fed([b"abc begin 1\nfirst\n"])[1] == ["first"]


def test_an_empty_line_waits_until_it_is_known_to_be_one() -> None:
    output, lines = fed([b"abc begin 1\nfirst\n\n"])
    assert lines == ["first"]
    output.feed(b"x")
    assert lines == ["first", ""]


def test_noise_before_the_beginning_is_told_to_nobody() -> None:
    output, lines = fed([b"welcome\nto the host\n"])
    assert lines == []
    assert output.pid is None


def test_a_script_that_never_began_has_an_end_all_the_same() -> None:
    output, lines = fed([b"motd\n", b"\nabc end 127\n"])
    assert (output.pid, output.status, lines) == (None, 127, [])


def test_long_noise_hides_no_end() -> None:
    output, lines = fed([b"x" * 5000, b"\nabc begin 1\nfine\n\nabc end 0\n"])
    assert (output.status, output.raw, lines) == (0, b"fine\n", ["fine"])


def test_what_was_said_instead_of_an_answer() -> None:
    reply = Reply()
    reply.feed(b"This account is not available.\n", b"sudo: a password is required\n")
    assert reply.noise() == "sudo: a password is required\nThis account is not available."


def test_every_reply_has_marks_of_its_own() -> None:
    assert Reply().nonce != Reply().nonce
