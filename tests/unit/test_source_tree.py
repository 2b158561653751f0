"""A project folder as content: what is taken, what stays at home, and that git agrees."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from deployer.config.source_tree import load_tree
from deployer.errors import ProjectError


def plant(folder: Path, **files: str) -> Path:
    """Files by name, with `__` for `/`."""
    for name, text in files.items():
        write(folder, name.replace("__", "/"), text)
    return folder


def write(folder: Path, path: str, text: str = "x") -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def paths(folder: Path, **options: list[str]) -> list[str]:
    return [entry.path for entry in load_tree(folder, **options).entries]


def test_takes_files_folders_and_links_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, "run.sh", "#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o4750)
    (tmp_path / "empty").mkdir(mode=0o700)
    (tmp_path / "away").symlink_to("/nowhere/at all")
    (tmp_path / "folder").symlink_to("empty")
    away, empty, folder, run = load_tree(tmp_path).entries
    assert (away.kind, away.target, folder.kind, folder.target) == ("link", "/nowhere/at all", "link", "empty")
    assert (empty.kind, oct(empty.mode)) == ("dir", "0o700")
    assert (run.kind, oct(run.mode), run.size) == ("file", "0o750", 10)
    assert run.sha256 == "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf"


def test_takes_every_name(tmp_path: Path) -> None:
    names = ["-rf", "a b", "line\nbreak", "back\\slash", "*", "tür", os.fsdecode(b"\xff\xfe")]
    for name in names:
        write(tmp_path, name)
    assert paths(tmp_path) == sorted(names)


def test_a_parent_comes_before_what_is_in_it(tmp_path: Path) -> None:
    plant(tmp_path, a__b="", a__c__d="")
    write(tmp_path, "a-b/c")
    assert paths(tmp_path) == ["a", "a-b", "a-b/c", "a/b", "a/c", "a/c/d"]


def test_the_digest_follows_content_mode_and_name_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "file", "one")
    (tmp_path / "file").chmod(0o644)
    first = load_tree(tmp_path).digest
    os.utime(tmp_path / "file", (1, 1))
    assert load_tree(tmp_path).digest == first
    (tmp_path / "file").chmod(0o755)
    executable = load_tree(tmp_path).digest
    (tmp_path / "file").rename(tmp_path / "renamed")
    assert len({first, executable, load_tree(tmp_path).digest}) == 3


@pytest.mark.parametrize("name", [".git", "module/.git", "module/.git/config"])
def test_git_itself_stays_at_home(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    write(tmp_path, "module/code")
    write(tmp_path, ".deployignore", "!.git")
    assert paths(tmp_path) == [".deployignore", "module", "module/code"]


def test_deeper_files_win_and_ignored_folders_are_not_entered(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "*.log\n/build/\nsecret\n")
    write(tmp_path, "app/.gitignore", "!keep.log\n/local\n")
    write(tmp_path, "build/.gitignore", "!*\n")
    for path in ("a.log", "app/a.log", "app/keep.log", "app/local", "app/sub/local", "app/sub/secret", "build/out"):
        write(tmp_path, path)
    assert paths(tmp_path) == [
        ".gitignore", "app", "app/.gitignore", "app/keep.log", "app/sub", "app/sub/local"
    ]  # fmt: skip


def test_deployignore_has_the_last_word_of_its_folder(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "static/\n*.map\n")
    write(tmp_path, ".deployignore", "!static/\ntests/\n")
    for path in ("static/app.js", "static/app.map", "tests/test_app.py"):
        write(tmp_path, path)
    assert paths(tmp_path) == [".deployignore", ".gitignore", "static", "static/app.js"]


def test_exclude_is_stronger_than_every_file(tmp_path: Path) -> None:
    write(tmp_path, "a/.deployignore", "!*.txt\nb.py\n")
    plant(tmp_path, **{"a__a.txt": "", "a__b.py": ""})
    assert paths(tmp_path, exclude=["*.txt", "!b.py"]) == ["a", "a/.deployignore", "a/b.py"]


def test_the_repository_around_the_project_speaks_too(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", ".env\n/deploy/app/cache\n")
    for path in ("deploy/app/.env", "deploy/app/cache/x", "deploy/app/main.py"):
        write(tmp_path, path)
    assert paths(tmp_path / "deploy/app") == ["main.py"]


def test_a_project_that_the_repository_ignores_is_meant(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", "out/\n")
    write(tmp_path, "out/app/main.py")
    assert paths(tmp_path / "out/app") == ["main.py"]


RULES = r"""
# comment
*.pyc
/top
doc/*.txt
**/cache
a/**/z
!important.pyc
vendor/*
!vendor/keep/
[ab].c
\!bang
foo*bar/
*.log
all/**
!all/keep
"""
PLANTED = """
m.pyc important.pyc top sub/top sub/x.pyc sub/sub/top doc/a.txt doc/b/a.txt x/cache/y cache a/z a/b/c/z vendor/x
vendor/keep/x vendor/keep/y.pyc sub/keep/z.log a.c c.c sub/b.c !bang bang foo1bar/x sub/foobar all/x all/keep
"""


def test_git_agrees(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, env={**os.environ, "HOME": str(tmp_path)})
    write(tmp_path, ".gitignore", RULES)
    write(tmp_path, "sub/.gitignore", "!*.pyc\n/top\n!keep/\n")
    for path in PLANTED.split():
        write(tmp_path, path)
    asked = ["git", "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    files = [entry.path for entry in load_tree(tmp_path).entries if entry.kind == "file"]
    assert files == sorted(listed.strip("\0").split("\0"))


def test_a_senseless_pattern_is_refused_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "fine\n!\n")
    with pytest.raises(ProjectError) as caught:
        load_tree(tmp_path)
    assert str(caught.value) == f"{tmp_path}/.gitignore:2: '!' is not a pattern that git knows"


def test_what_cannot_travel_is_refused_with_the_way_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProjectError, match="pipe is a named pipe") as caught:
        load_tree(tmp_path)
    assert ".deployignore" in str(caught.value.hint)
    write(tmp_path, ".deployignore", "/pipe\n")
    assert paths(tmp_path) == [".deployignore"]


def test_a_socket_is_named_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("sock")
        with pytest.raises(ProjectError, match="sock is a socket"):
            load_tree(tmp_path)


def test_no_folder_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no project folder at"):
        load_tree(tmp_path / "gone")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may look into: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def as_somebody() -> Iterator[None]:
    """Without root's right to read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("path", ["secret", "folder/secret", "closed"])
def test_what_cannot_be_read_is_named_with_the_way_out(open_folder: Path, path: str) -> None:
    write(open_folder, path if path != "closed" else "closed/file")
    (open_folder / path).chmod(0o000)
    with pytest.raises(ProjectError) as caught, as_somebody():
        load_tree(open_folder)
    assert str(caught.value) == f"cannot read {path}: permission denied"
    assert caught.value.hint == f"make it readable, or leave it out in {open_folder}/.deployignore"
    write(open_folder, ".deployignore", f"/{path}\n")
    with as_somebody():
        assert path not in paths(open_folder)


def test_an_ignore_file_that_cannot_be_read_is_named(open_folder: Path) -> None:
    write(open_folder, ".gitignore", "x\n")
    (open_folder / ".gitignore").chmod(0o000)
    with pytest.raises(ProjectError, match=r"^cannot read \.gitignore: permission denied$"), as_somebody():
        load_tree(open_folder)


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, "fine")
    with (tmp_path / "growing.log").open("wb") as log:
        log.truncate(200_000_000)
    done = Event()

    def grow() -> None:
        with (tmp_path / "growing.log").open("ab", buffering=0) as log:
            while not done.is_set():
                log.write(b"x")
                done.wait(0.001)

    writer = Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(ProjectError, match=r"^growing\.log changed while it was read$") as caught:
            load_tree(tmp_path)
    finally:
        done.set()
        writer.join()
    assert "leave it out" in str(caught.value.hint)


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    write(outside, "file", "not mine")
    write(project, "own/file")
    for name, target in (("abroad", "../outside"), ("home", "own"), ("loop", "loop"), ("self", ".")):
        (project / name).symlink_to(target)
    kinds = {entry.path: (entry.kind, entry.target) for entry in load_tree(project).entries}
    assert kinds == {
        "abroad": ("link", "../outside"), "home": ("link", "own"), "loop": ("link", "loop"), "self": ("link", "."),
        "own": ("dir", ""), "own/file": ("file", ""),
    }  # fmt: skip


def test_dockerignore_is_the_builds_alone(tmp_path: Path) -> None:
    write(tmp_path, ".dockerignore", "*\n")
    write(tmp_path, "mounted.conf")
    write(tmp_path, "Dockerfile.dockerignore", "mounted.conf\n")
    assert paths(tmp_path) == [".dockerignore", "Dockerfile.dockerignore", "mounted.conf"]


def test_names_that_differ_in_case_are_two(tmp_path: Path) -> None:
    write(tmp_path, "readme", "one")
    write(tmp_path, "README", "two")
    assert paths(tmp_path) == ["README", "readme"]


def test_the_deepest_folders_are_no_trouble(tmp_path: Path) -> None:
    depth = 1500
    before = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(depth):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(before)
    try:
        assert len(load_tree(tmp_path).entries) == depth
    finally:  # Python cannot remove what it can make
        subprocess.run(["rm", "-r", "--", str(next(tmp_path.iterdir()))], check=True)


def test_the_ways_out_of_odd_names_are_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a\nb\x1b")
    with pytest.raises(ProjectError, match=r"^a\\nb\\x1b is a named pipe"):
        load_tree(tmp_path)
