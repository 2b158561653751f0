"""A project folder as content: what is taken, what stays at home, and that git agrees."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

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
