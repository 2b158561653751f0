"""A folder as a commit has it: what is written, of which commit, and what is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deployer.config.git import read_checkout
from deployer.config.source_tree import load_tree
from deployer.config.sources import Ref, Source, Sources
from deployer.errors import ProjectError
from deployer.model.tree import Tree

COMPOSE = "services: {web: {build: .}}\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 5000000\n"
ODD = [
    "-rf",
    "a b",
    "line\nbreak",
    "back\\slash",
    "*",
    "tür",
    "'",
    '"',
    "$(id)",
    "icon\r",
    "\t",
    os.fsdecode(b"\xff"),
    ":(top)x",
]


def git(folder: Path, *args: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": "/dev/null"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    allowed = ["-c", "protocol.file.allow=always"]
    argv = ["git", "-C", str(folder), *who, *allowed, *args]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=env).stdout.strip()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "compose.yaml").write_text(COMPOSE)
    return folder


def commit(folder: Path, message: str = "more") -> str:
    git(folder, "add", "-A", "--force", ".")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


def read(folder: Path, ref: str, room: Path) -> Source:
    room.mkdir(exist_ok=True)
    return Sources(Ref(name=ref, room=room)).read(folder)


def refused(folder: Path, ref: str, room: Path) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        read(folder, ref, room)
    return caught.value


def content(tree: Tree) -> list[tuple[str, str]]:
    return [(entry.identity, entry.path) for entry in tree.entries if entry.path != ".env"]


def test_a_clean_folder_and_its_commit_are_the_same(shop: Path, tmp_path: Path) -> None:
    for name in ODD:
        (shop / name).write_text(f"{name!a}\n")
    (shop / "run.sh").write_text("#!/bin/sh\n")
    (shop / "run.sh").chmod(0o755)
    (shop / "sub").mkdir()
    (shop / "sub/up").symlink_to("../../outside")
    (shop / "dangling").symlink_to("/no/such/place")
    (shop / "to folder").symlink_to("sub")
    (shop / "large").write_bytes(os.urandom(1_000_000))
    for path in shop.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "run.sh" and ".git" not in path.parts:
            path.chmod(0o644)
    (shop / "sub").chmod(0o755)
    name = commit(shop)
    (shop / "later").write_text("not in the commit")
    found = read(shop, name, tmp_path / "room")
    (shop / "later").unlink()
    assert content(found.tree) == content(load_tree(shop))
    assert (found.checkout.commit, found.checkout.dirty, found.checkout.branch) == (name, False, None)
    assert found.folder.name == "shop"


def test_modes_are_the_commits_whatever_the_umask(shop: Path, tmp_path: Path) -> None:
    (shop / "a/b").mkdir(parents=True)
    (shop / "a/b/c").write_text("x")
    commit(shop)
    before = os.umask(0o077)
    try:
        tree = read(shop, "HEAD", tmp_path / "room").tree
    finally:
        os.umask(before)
    assert {entry.path: oct(entry.mode) for entry in tree.entries} == {
        ".env": "0o777", "a": "0o755", "a/b": "0o755", "a/b/c": "0o644", "compose.yaml": "0o644",
    }  # fmt: skip


def test_contents_are_the_commits_bytes(shop: Path, tmp_path: Path) -> None:
    (shop / ".gitattributes").write_text("*.txt text eol=crlf\nhidden export-ignore\nid export-subst\n")
    (shop / "a.txt").write_text("one\ntwo\n")
    (shop / "hidden").write_text("x")
    (shop / "id").write_text("$Format:%H$\n")
    commit(shop)
    found = read(shop, "HEAD", tmp_path / "room")
    assert (found.folder / "a.txt").read_bytes() == b"one\ntwo\n"
    assert (found.folder / "id").read_text() == "$Format:%H$\n"
    assert "hidden" in found.tree.by_path


@pytest.mark.parametrize(("ref", "branch"), [("main", "main"), ("v1", None), ("HEAD~1", None), ("other", "other")])
def test_a_ref_is_what_git_understands(shop: Path, tmp_path: Path, ref: str, branch: str | None) -> None:
    commit(shop)
    git(shop, "tag", "-am", "a tag with a message", "v1")
    git(shop, "branch", "other")
    commit_id = git(shop, "rev-parse", "HEAD")
    (shop / "compose.yaml").write_text(COMPOSE + "# 2\n")
    head = commit(shop)
    found = read(shop, ref, tmp_path / "room")
    assert found.checkout.commit == (head if ref == "main" else commit_id)
    assert found.checkout.branch == branch


def test_a_project_below_the_repositorys_top_keeps_to_its_rules(tmp_path: Path) -> None:
    top = tmp_path / "mono"
    app = top / "deploy/app"
    app.mkdir(parents=True)
    git(top, "init", "-q")
    (top / ".gitignore").write_text("*.log\n/deploy/app/cache\n")
    (app / "compose.yaml").write_text(COMPOSE)
    for name in ("a.log", "cache", "main.py"):
        (app / name).write_text("x")
    commit(top)
    found = read(app, "HEAD", tmp_path / "room")
    assert [entry.path for entry in found.tree.entries] == [".env", "compose.yaml", "main.py"]
    assert found.left_out == ("a.log", "cache")
    assert found.folder.name == "app"


def test_neither_index_nor_work_tree_nor_stash_is_touched(shop: Path, tmp_path: Path) -> None:
    commit(shop)
    (shop / "compose.yaml").write_text(COMPOSE + "# staged\n")
    git(shop, "add", ".")
    (shop / "compose.yaml").write_text(COMPOSE + "# dirty\n")
    before = git(shop, "status", "--porcelain"), (shop / ".git/index").read_bytes(), git(shop, "worktree", "list")
    read(shop, "HEAD", tmp_path / "room")
    assert (
        git(shop, "status", "--porcelain"),
        (shop / ".git/index").read_bytes(),
        git(shop, "worktree", "list"),
    ) == before


def test_within_a_git_hook_the_projects_repository_is_meant(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = commit(shop)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert read(shop, "main", tmp_path / "room").checkout.commit == name
    assert read_checkout(shop).commit == name


@pytest.mark.parametrize("ref", ["no-such", "--help", "HEAD:compose.yaml", "", "a..b", "HEAD^7"])
def test_what_is_no_commit_is_refused(shop: Path, tmp_path: Path, ref: str) -> None:
    commit(shop)
    error = refused(shop, ref, tmp_path / "room")
    assert str(error) == f"--ref {ref}: the repository {shop} has no such commit"
    assert "git fetch" in str(error.hint)


def test_no_repository_is_said_plainly(tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    error = refused(folder, "main", tmp_path / "room")
    assert str(error).startswith(f"--ref main: git cannot read {folder}: not a git repository")


def test_a_commit_without_the_folder_names_it(shop: Path, tmp_path: Path) -> None:
    name = commit(shop)
    (shop / "app").mkdir()
    error = refused(shop / "app", "main", tmp_path / "room")
    assert str(error) == f"commit {name[:10]} has no folder app"


def test_a_mistake_in_a_commits_file_is_placed_as_git_writes_it(shop: Path, tmp_path: Path) -> None:
    (shop / "compose.yaml").write_text("services:\n  web: {}\n")
    commit(shop)
    error = refused(shop, "main", tmp_path / "room")
    assert str(error) == "main:compose.yaml:2:3: service web has neither image nor build"
    (shop / "compose.yaml").unlink()
    commit(shop)
    assert str(refused(shop, "main", tmp_path / "room2")).startswith("no compose file in commit main: looked for ")


def test_an_object_that_is_gone_is_named(shop: Path, tmp_path: Path) -> None:
    (shop / "lost").write_text("content")
    commit(shop)
    name = git(shop, "rev-parse", "HEAD:lost")
    (shop / ".git/objects" / name[:2] / name[2:]).unlink()
    error = refused(shop, "main", tmp_path / "room")
    assert str(error) == "git has not the content of 'lost'"
    assert "git fetch" in str(error.hint)


def with_submodule(shop: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    (library / "code.py").write_text("x")
    commit(library)
    git(shop, "submodule", "add", "-q", str(library), "vendor/library")
    commit(shop)


def test_a_submodule_of_a_commit_is_refused_and_named(shop: Path, tmp_path: Path) -> None:
    with_submodule(shop, tmp_path)
    error = refused(shop, "main", tmp_path / "room")
    assert str(error) == "submodule vendor/library is an empty folder here"
    assert error.hint == (
        "git submodule update --init --recursive, or leave it out in main:.deployignore; "
        "--ref takes what the commit holds, without it the folder is deployed"
    )
    (shop / ".deployignore").write_text("/vendor/library\n")
    commit(shop)
    assert "vendor/library" not in read(shop, "main", tmp_path / "room2").tree.by_path


def test_a_submodule_in_the_folder_travels_if_it_is_checked_out(shop: Path, tmp_path: Path) -> None:
    with_submodule(shop, tmp_path)
    assert "vendor/library/code.py" in Sources().read(shop).tree.by_path
    git(shop, "submodule", "deinit", "-q", "--force", "vendor/library")
    with pytest.raises(ProjectError, match="submodule vendor/library is an empty folder here"):
        Sources().read(shop)


def test_what_git_lfs_keeps_elsewhere_is_named(shop: Path, tmp_path: Path) -> None:
    for name in ("a.bin", "b.bin"):
        (shop / name).write_text(POINTER)
    commit(shop)
    for error in (refused(shop, "main", tmp_path / "room"), refused_folder(shop)):
        assert str(error) == "Git LFS keeps the content of a.bin, b.bin elsewhere: here is only a pointer to it"
        assert str(error.hint).startswith("git lfs pull, or leave it out in ")
    (shop / "a.bin").write_bytes(os.urandom(2000))
    (shop / ".deployignore").write_text("/b.bin\n")
    assert "a.bin" in Sources().read(shop).tree.by_path


def refused_folder(folder: Path) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        Sources().read(folder)
    return caught.value


def test_a_text_that_speaks_of_lfs_is_no_pointer(shop: Path) -> None:
    (shop / "long").write_text(POINTER + "x" * 1000)
    (shop / "quoted").write_text("> " + POINTER)
    assert {"long", "quoted"} <= Sources().read(shop).tree.by_path.keys()
