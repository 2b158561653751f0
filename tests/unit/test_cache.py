"""The user's cache: bounded, private, and no harm where there is none; and the digests of files that are kept there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer import cache
from deployer.config.digests import COARSE, Digests
from deployer.config.source_tree import load_tree
from deployer.errors import ProjectError

OLD = 1_700_000_000  # seconds


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "deployer"


def test_only_the_latest_are_kept_and_only_for_their_owner(room: Path) -> None:
    for number in range(8):
        cache.keep("kind", f"name-{number}", lambda: b"text", most=3)
        os.utime(room / "kind" / f"name-{number}", ns=(number, number))
    assert sorted(os.listdir(room / "kind")) == ["name-5", "name-6", "name-7"]
    assert {path.stat().st_mode & 0o777 for path in (room / "kind", *(room / "kind").iterdir())} == {0o700, 0o600}


def test_what_is_there_is_made_anew_only_if_that_is_meant() -> None:
    cache.keep("kind", "name", lambda: b"first", most=3)
    cache.keep("kind", "name", lambda: pytest.fail("made again"), most=3, anew=False)
    assert cache.read("kind", "name") == b"first"
    cache.keep("kind", "name", lambda: b"second", most=3)
    assert cache.read("kind", "name") == b"second"


def test_no_cache_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.read("kind", "name") is None
    for where in ("/dev/null", "/proc"):
        monkeypatch.setenv("XDG_CACHE_HOME", where)
        cache.keep("kind", "name", lambda: b"text", most=3)
        assert cache.read("kind", "name") is None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(f"{name}\n")
    return folder


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files have been there for long."""
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 10 * COARSE)


def read(project: Path) -> tuple[dict[str, str], list[str]]:
    """The digests of a folder's files, and the names of those that were opened."""
    opened: list[str] = []
    digests = Digests(project)
    real = os.open

    def spied(path: str, *rest: int) -> int:
        opened.append(os.path.basename(path))
        return real(path, *rest)

    os.open = spied  # type: ignore[assignment]
    try:
        tree = load_tree(project, digests=digests)
    finally:
        os.open = real
    digests.close()
    assert tree == load_tree(project), "with the cache and without it"
    return {entry.path: entry.sha256 for entry in tree.entries}, [name for name in opened if name in "ab"]


def test_a_file_that_nobody_touched_is_read_once(project: Path, later: None) -> None:
    first, opened = read(project)
    assert opened == ["a", "b"] or opened == ["b", "a"]
    assert read(project) == (first, [])


def rewrite(path: Path) -> None:
    """Other content, of the same size and time."""
    before = path.stat()
    path.write_text("x\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    """Another file in its place, of the same size and time."""
    before = path.stat()
    fresh = path.with_name("fresh")
    fresh.write_text("x\n")
    os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    fresh.replace(path)


CHANGES: list[Callable[[Path], object]] = [
    rewrite,
    replace,
    lambda path: path.write_text("longer\n"),
    lambda path: path.chmod(0o600),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_was_changed_is_read_again(project: Path, later: None, change: Callable[[Path], object]) -> None:
    read(project)
    time.sleep(0.02)  # the kernel's clock for files ticks up to a hundred times a second
    change(project / "a")
    assert read(project)[1] == ["a"]


def test_a_file_that_was_changed_just_now_is_read_again(project: Path) -> None:
    read(project)
    assert sorted(read(project)[1]) == ["a", "b"]


def test_a_file_that_has_gone_is_forgotten(project: Path, later: None, room: Path) -> None:
    read(project)
    (project / "a").unlink()
    read(project)
    (kept,) = (room / "digests").iterdir()
    assert len(kept.read_text().splitlines()) == 1


def test_a_spoiled_cache_costs_reading(project: Path, later: None, room: Path) -> None:
    first, _ = read(project)
    (kept,) = (room / "digests").iterdir()
    kept.write_bytes(b"\xff\x00 nonsense\n\n \n")
    assert sorted(read(project)[1]) == ["a", "b"]
    assert read(project) == (first, [])


def test_a_pointer_of_git_lfs_is_refused_each_time(project: Path, later: None) -> None:
    (project / "a").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    for _ in range(2):
        digests = Digests(project)
        with pytest.raises(ProjectError, match="Git LFS"):
            load_tree(project, digests=digests)
        digests.close()
