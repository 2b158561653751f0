"""What a package manager is busy with: asked on this machine with real locks, and of files as dpkg leaves them."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer.facts.dpkg import PackageWork, PackageWorkSeen

STATUS = """\
Package: libc6
Status: install ok installed
Version: 2.41

Package: gone
Status: deinstall ok config-files

"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with dpkg at rest."""
    dpkg, lists = tmp_path / "var" / "lib" / "dpkg", tmp_path / "var" / "lib" / "apt" / "lists"
    for folder in (dpkg / "updates", lists, tmp_path / "run" / "cloud-init"):
        folder.mkdir(parents=True)
    for lock in (dpkg / "lock-frontend", dpkg / "lock", lists / "lock"):
        lock.write_text("")
    (dpkg / "status").write_text(STATUS)
    return tmp_path


def ask(root: Path) -> PackageWorkSeen:
    fact = PackageWork()
    script = re.sub(r"(?<![\w/])/(?=(var|run)/)", f"{root}/", fact.script())
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    return fact.parse(done.stdout, done.returncode)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A lock of the kind that apt and dpkg take."""
    with path.open("r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def test_at_rest(root: Path) -> None:
    assert ask(root) == PackageWorkSeen()


def test_a_host_without_dpkg(tmp_path: Path) -> None:
    assert ask(tmp_path) == PackageWorkSeen()


@pytest.mark.parametrize("lock", ["dpkg/lock-frontend", "dpkg/lock", "apt/lists/lock"])
def test_who_holds_a_lock_is_named(root: Path, lock: str) -> None:
    with locked(root / "var" / "lib" / lock):
        assert ask(root).holder == f"{Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"
    assert ask(root).holder == ""


@pytest.mark.parametrize("lock", ["var/cache/dnf/metadata_lock.pid", "var/lib/dnf/rpmdb_lock.pid", "var/run/yum.pid"])
def test_who_holds_dnfs_lock_is_named(tmp_path: Path, lock: str) -> None:
    path = tmp_path / lock
    path.parent.mkdir(parents=True)
    path.write_text(str(os.getpid()))
    assert ask(tmp_path).holder == f"{Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"
    path.write_text("999999999")  # it has ended, and left the file behind
    assert ask(tmp_path) == PackageWorkSeen()


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("install ok half-configured", ("docker.io",)),
        ("install ok unpacked", ("docker.io",)),
        ("install reinstreq half-installed", ("docker.io",)),
        ("install ok triggers-pending", ()),
    ],
)
def test_what_is_neither_installed_nor_not(root: Path, state: str, names: tuple[str, ...]) -> None:
    status = root / "var" / "lib" / "dpkg" / "status"
    status.write_text(
        f"{STATUS}Package: docker.io\nStatus: {state}\nVersion: 1\n\nPackage: z\nStatus: install ok installed\n"
    )
    assert ask(root).unfinished == names


def test_an_interrupted_dpkg_has_a_journal(root: Path) -> None:
    (root / "var" / "lib" / "dpkg" / "updates" / "0001").write_text("")
    assert ask(root).unfinished == ("dpkg",)


def test_cloud_init_is_at_work_until_it_has_a_result(root: Path) -> None:
    (root / "run" / "cloud-init" / "enabled").write_text("")
    assert ask(root).cloud_init
    (root / "run" / "cloud-init" / "result.json").write_text("{}")
    assert not ask(root).cloud_init
