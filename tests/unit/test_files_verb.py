"""`deploy files`: what it lists, of the folder and of a commit; no host is contacted."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deployer.cli.main import deploy
from deployer.errors import ProjectError

NOBODY = "all:\n  hosts:\n    web1: {ansible_host: 192.0.2.1}\n    web2: {ansible_host: 192.0.2.2}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an inventory of hosts that no network has."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "inventories").mkdir()
    (folder / "inventories/prod.yml").write_text(NOBODY)
    (folder / "compose.yaml").write_text("services: {web: {build: .}}\n")
    (folder / "compose.yaml").chmod(0o644)
    return folder


def say(*args: str) -> Result:
    return CliRunner().invoke(deploy, ["files", "prod", *args])


def git(*args: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "GIT_CONFIG_GLOBAL": "/dev/null"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *args], check=True, capture_output=True, text=True, env=env)
    return done.stdout.strip()


def test_a_line_for_every_entry_and_the_sums(project: Path) -> None:
    (project / "static").mkdir(mode=0o755)
    (project / "run me.sh").write_text("#!/bin/sh\n" * 10)
    (project / "run me.sh").chmod(0o755)
    (project / "away").symlink_to("/etc/passwd")
    assert say().stdout == (
        "lrwxrwxrwx   - .env -> ../.env\n"
        "lrwxrwxrwx   - away -> /etc/passwd\n"
        "-rw-r--r--  28 compose.yaml\n"
        "-rwxr-xr-x 100 run me.sh\n"
        "drwxr-xr-x   - static/\n"
        "2 files, 1 folder, 2 links, 128 bytes\n"
    )


def test_every_name_is_one_line(project: Path) -> None:
    for name in ("a\nb", os.fsdecode(b"\xff"), "tür", "\x1b[2J"):
        (project / name).write_text("")
    names = [line.split(maxsplit=2)[2] for line in say().stdout.splitlines()[:-1]]
    assert names == ["\\x1b[2J", ".env -> ../.env", "a\\nb", "compose.yaml", "tür", "\\xff"]


def test_what_stays_at_home_is_listed_when_asked_for(project: Path) -> None:
    (project / ".gitignore").write_text("*.log\nnode_modules/\n")
    (project / "a.log").write_text("")
    (project / "node_modules/x").mkdir(parents=True)
    assert say("--left-out").stdout == "a.log\ninventories/\nnode_modules/\n"
    assert ".log" not in say().stdout


def test_json_has_it_all(project: Path) -> None:
    (project / ".deployignore").write_text("docs\n")
    (project / "docs").mkdir()
    (found,) = json.loads(say("--output=json").stdout)
    assert (found["hosts"], found["source"], found["left_out"]) == (
        ["web1", "web2"],
        str(project),
        ["docs/", "inventories/"],
    )
    assert found["total"] == {"files": 2, "folders": 0, "links": 1, "bytes": 33}
    sha256 = hashlib.sha256((project / "compose.yaml").read_bytes()).hexdigest()
    assert found["entries"][1:] == [
        {"path": ".env", "kind": "link", "mode": "0777", "target": "../.env"},
        {"path": "compose.yaml", "kind": "file", "mode": "0644", "size": 28, "sha256": sha256},
    ]


def test_hosts_with_projects_of_their_own_are_told_apart(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "blog"
    other.mkdir()
    (other / "compose.yaml").write_text("services: {web: {image: nginx}}\n")
    (project / "inventories/prod.yml").write_text(
        NOBODY + "  vars: {deploy_source: \"{{ '../blog' if x|default() else '.' }}\"}\n"
    )
    assert say("-e", "x=1").stdout.count("compose.yaml") == 1
    (project / "inventories/prod.yml").write_text(
        "all:\n  hosts:\n    web1: {deploy_source: ../blog}\n    web2: {}\n    web3: {}\n"
    )
    heads = [line for line in say().stdout.splitlines() if line.startswith("web")]
    assert heads == [f"web1: {other}", f"web2, web3: {project}"]


def test_a_secret_that_is_missing_does_not_matter_here(project: Path) -> None:
    (project / "compose.yaml").write_text("services: {web: {image: nginx, environment: {A: '${MISSING:?}'}}}\n")
    assert say().exit_code == 0


def test_a_dirty_tree_is_marked(project: Path) -> None:
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    commit = git("rev-parse", "HEAD")
    assert say().stdout.splitlines()[-1].endswith(f"; commit {commit[:10]}")
    (project / "new").write_text("x")
    assert say().stdout.splitlines()[-1].endswith(f"; commit {commit[:10]}+dirty")
    assert say("--ref", "HEAD").stdout.splitlines()[-1].endswith(f"; commit {commit[:10]}")


def test_a_commit_is_listed_instead_of_the_folder(project: Path) -> None:
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    (project / "compose.yaml").write_text("broken: [")
    (project / "untracked").write_text("x")
    assert [line.split()[2] for line in say("--ref", "main").stdout.splitlines()[:-1]] == [".env", "compose.yaml"]
    (found,) = json.loads(say("--ref", "main", "--output=json").stdout)
    assert (found["source"], found["dirty"], found["commit"]) == (str(project), False, git("rev-parse", "HEAD"))


def test_what_is_wrong_is_refused_with_what_to_type(project: Path) -> None:
    os.mkfifo(project / "pipe")
    error = say().exception
    assert isinstance(error, ProjectError)
    assert (str(error), error.exit_code) == ("pipe is a named pipe, which cannot be a part of a release", 3)
