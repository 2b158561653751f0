"""Docker's repository, asked for by a real shell: where, with what, and only where something is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deployer.facts.docker_repository import DockerRepository, RepositorySeen

DEBIAN = "ID=debian\nVERSION_ID=13\nVERSION_CODENAME=trixie\n"
HOME = "https://download.docker.com/linux"
TOOLS = ("sh", "uname", "mktemp", "rm", "rmdir", "grep", "sed", "tr", "head", "timeout", "cat")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host without Docker: a PATH with what every host has, and files below a folder."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text(DEBIAN)
    return tmp_path


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # a link to a tool of this machine's must never be written through
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def curl(root: Path, then: str = 'echo KEY >"$out"') -> None:
    """A curl that notes what it is asked for."""
    words = f'for url; do :; done\nwhile [ "$1" != -o ]; do shift; done\nout=$2\necho "$url" >>{root}/asked\n{then}'
    program(root / "curl", words)


def ask(root: Path, fact: DockerRepository) -> RepositorySeen | None:
    script = re.sub(r"(?<![\w\"])/(?=(usr|snap|etc|run)/)", f"{root}/", fact.script())
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=False, env={"PATH": str(root)}
    )  # fmt: skip
    return fact.parse(done.stdout, done.returncode)


def asked(root: Path) -> list[str]:
    return (root / "asked").read_text().splitlines() if (root / "asked").exists() else []


def test_a_bare_debian_is_told_of_the_key(root: Path) -> None:
    curl(root)
    program(root / "dpkg", "echo amd64")
    assert ask(root, DockerRepository()) == RepositorySeen(
        url=f"{HOME}/debian", suite="trixie", arch="amd64", key="KEY\n"
    )
    assert asked(root) == [f"{HOME}/debian/gpg", f"{HOME}/debian/dists/trixie/InRelease"]


@pytest.mark.parametrize(
    ("release", "index"),
    [
        ('ID="rhel"\nVERSION_ID="9.4"', "rhel/9/{arch}/stable/repodata/repomd.xml"),
        ('ID="rocky"\nVERSION_ID="9.6"', "centos/9/{arch}/stable/repodata/repomd.xml"),
        ('ID="almalinux"\nVERSION_ID="10.0"', "centos/10/{arch}/stable/repodata/repomd.xml"),
        ("ID=fedora\nVERSION_ID=42", "fedora/42/{arch}/stable/repodata/repomd.xml"),
        ("ID=ubuntu\nVERSION_CODENAME=noble", "ubuntu/dists/noble/InRelease"),
    ],
)
def test_each_system_has_its_own(root: Path, release: str, index: str) -> None:
    (root / "etc" / "os-release").write_text(f"{release}\n")
    curl(root)
    arch = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    assert ask(root, DockerRepository())
    assert asked(root)[-1] == f"{HOME}/{index.format(arch=arch)}"


def test_a_mirror_is_asked_instead(root: Path) -> None:
    curl(root)
    seen = ask(root, DockerRepository("https://mirror.example/it's/debian"))
    assert seen
    assert seen.url == "https://mirror.example/it's/debian"
    assert asked(root)[0] == "https://mirror.example/it's/debian/gpg"


@pytest.mark.parametrize("release", ["ID=alpine\nVERSION_ID=3.21.0", "ID=arch", ""])
def test_where_docker_has_no_packages_nobody_is_asked(root: Path, release: str) -> None:
    (root / "etc" / "os-release").write_text(f"{release}\n")
    curl(root)
    assert ask(root, DockerRepository()) is None
    assert asked(root) == []


def test_where_nothing_is_missing_nobody_is_asked(root: Path) -> None:
    curl(root)
    program(root / "dockerd", "")
    assert ask(root, DockerRepository())  # plugins are missing
    for name in ("compose", "buildx"):
        program(root / "usr" / "libexec" / "docker" / "cli-plugins" / f"docker-{name}", "")
    (root / "asked").unlink()
    assert ask(root, DockerRepository()) is None
    assert asked(root) == []


def test_nobody_is_asked_beside_a_snap(root: Path) -> None:
    curl(root)
    program(root / "snap" / "bin" / "docker", "")
    assert ask(root, DockerRepository()) is None
    assert asked(root) == []


@pytest.mark.parametrize(
    ("then", "problem"),
    [
        ("echo 'curl: (6) Could not resolve host: download.docker.com' >&2; exit 6", "Could not resolve host"),
        ("exit 28", "no answer in"),
        ('case $url in */gpg) echo KEY >"$out" ;; *) echo "curl: (22) error: 404" >&2; exit 22 ;; esac', "error: 404"),
    ],
)
def test_out_of_reach_says_why(root: Path, then: str, problem: str) -> None:
    curl(root, then)
    seen = ask(root, DockerRepository())
    assert seen
    assert seen.problem.startswith(problem)


def test_apts_own_helper_goes_before_curl(root: Path) -> None:
    curl(root)
    program(
        root / "usr" / "lib" / "apt" / "apt-helper",
        "echo \"E: Failed to fetch https://download.docker.com/linux/debian/gpg  Could not resolve 'x'\"\n"
        "echo 'E: Download Failed'; exit 100",
    )
    seen = ask(root, DockerRepository())
    assert seen
    assert (seen.problem, asked(root)) == ("Could not resolve 'x'", [])


def test_no_downloader_at_all(root: Path) -> None:
    seen = ask(root, DockerRepository())
    assert seen
    assert seen.problem == "there is no curl and no wget"


def test_a_source_that_names_it_is_found_and_a_comment_is_not(root: Path) -> None:
    curl(root)
    folder = root / "etc" / "apt" / "sources.list.d"
    folder.mkdir(parents=True)
    (folder / "a.list").write_text(f"# deb {HOME}/debian trixie stable\n")
    assert ask(root, DockerRepository()) == ask(root, DockerRepository(f"{HOME}/debian"))
    seen = ask(root, DockerRepository())
    assert seen
    assert seen.source == ""
    (folder / "b.sources").write_text(f"Types: deb\nURIs: {HOME}/debian\nSuites: trixie\n")
    seen = ask(root, DockerRepository())
    assert seen
    assert seen.source == f"{folder}/b.sources"


def test_nothing_is_left_behind(root: Path) -> None:
    (root / "mkdir").symlink_to(shutil.which("mkdir") or "")
    program(root / "mktemp", f"mkdir {root}/room; echo {root}/room")
    curl(root)
    seen = ask(root, DockerRepository())
    assert seen
    assert seen.key == "KEY\n"
    assert not (root / "room").exists()
