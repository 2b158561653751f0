"""File facts, asked of this machine's own shell."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import TypeVar

import pytest

from deployer.facts.files import TEXT_LIMIT, FileState, FileText, PathExists
from deployer.protocols import Fact

T = TypeVar("T")
ODD = ["plain", "two words", "it's", 'quo"te', "$HOME", "`id`", "-rf", "a;b", "new\nline", "ünï", "back\\slash", "[x]"]


def ask(fact: Fact[T], *, strict: bool = True) -> T:
    flags = ["-eu"] if strict else []
    done = subprocess.run(["sh", *flags, "-c", fact.script()], capture_output=True, text=True, check=False)
    return fact.parse(done.stdout, done.returncode)


@pytest.mark.parametrize("name", ODD)
def test_existing_path_is_found_whatever_its_name(tmp_path: Path, name: str) -> None:
    assert ask(PathExists(str(tmp_path / name))) is False
    (tmp_path / name).write_text("x")
    assert ask(PathExists(str(tmp_path / name))) is True


def test_path_may_be_a_pattern_and_a_dangling_link_counts(tmp_path: Path) -> None:
    (tmp_path / "two words").mkdir()
    assert ask(PathExists(f"{tmp_path}/two words/*.conf")) is False
    (tmp_path / "two words" / "a.conf").symlink_to("gone")
    assert ask(PathExists(f"{tmp_path}/two words/*.conf")) is True
    assert ask(PathExists(f"{tmp_path}/two words/?.conf")) is True
    assert ask(PathExists(f"{tmp_path}/two words/??.conf")) is False


@pytest.mark.parametrize("strict", [True, False])
def test_absence_is_an_answer(tmp_path: Path, strict: bool) -> None:
    path = str(tmp_path / "none" / "there")
    assert ask(FileState(path, hashed=True), strict=strict) is None
    assert ask(FileText(path), strict=strict) is None


@pytest.mark.parametrize("name", ODD)
def test_file_is_described(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"hello\n")
    path.chmod(0o4640)
    seen = ask(FileState(str(path), hashed=True))
    assert seen is not None
    assert (seen.kind, seen.mode, seen.size, seen.target) == ("file", 0o4640, 6, "")
    assert (seen.uid, seen.gid) == (os.getuid(), os.getgid())
    assert seen.owner == path.owner()
    assert seen.group == path.group()
    assert seen.sha256 == hashlib.sha256(b"hello\n").hexdigest()


def test_content_is_read_only_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 100)
    seen = ask(FileState(str(tmp_path / "big")))
    assert seen is not None
    assert (seen.sha256, seen.size) == ("", 100)


def test_other_kinds(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    kinds = [ask(FileState(str(path), hashed=True)) for path in (tmp_path, tmp_path / "pipe", Path("/dev/null"))]
    assert [seen.kind for seen in kinds if seen] == ["directory", "other", "other"]


@pytest.mark.parametrize("target", ["file", "odd 'name'\nof two lines"])
def test_link_is_followed_or_not(tmp_path: Path, target: str) -> None:
    (tmp_path / target).write_text("hello")
    (tmp_path / "link").symlink_to(target)
    followed = ask(FileState(str(tmp_path / "link"), hashed=True))
    itself = ask(FileState(str(tmp_path / "link"), follow=False))
    assert followed is not None
    assert itself is not None
    assert (followed.kind, followed.size, followed.target) == ("file", 5, target)
    assert (itself.kind, itself.target) == ("link", target)


def test_dangling_link_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/gone")
    seen = ask(FileState(str(tmp_path / "link"), hashed=True))
    assert seen is not None
    assert (seen.kind, seen.target, seen.sha256) == ("link", "/gone", "")


def test_text_comes_as_the_bytes_that_are_there(tmp_path: Path) -> None:
    content = bytes(range(256)) + b"\r\n\xff"
    (tmp_path / "data").write_bytes(content)
    assert ask(FileText(str(tmp_path / "data"))) == content
    (tmp_path / "data").write_bytes(b"")
    assert ask(FileText(str(tmp_path / "data"))) == b""


def test_text_is_not_fetched_where_it_is_known_or_too_big(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"x" * TEXT_LIMIT)
    known = hashlib.sha256(b"x" * TEXT_LIMIT).hexdigest()
    assert ask(FileText(str(path), unless=known)) is None
    assert len(ask(FileText(str(path), unless="0" * 64)) or b"") == TEXT_LIMIT
    path.write_bytes(b"x" * (TEXT_LIMIT + 1))
    assert ask(FileText(str(path))) is None
