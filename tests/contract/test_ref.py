"""`deploy --ref` from the command line to a release folder: what is on the host is the commit, and says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

INVENTORY = """\
all:
  hosts:
    web1: {{ansible_connection: local}}
  vars:
    deploy_root: {root}
    deploy_secrets: {{TOKEN: s3cret}}
"""
PLAYBOOK = """\
- hosts: all
  tasks:
    - project_sync:
        source: "{{ deploy_source }}"
        release: "{{ release }}"
        tree: "{{ release_tree }}"
        env: "{{ release_env }}"
"""


def git(*args: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *who, *args], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    (folder / "inventories").mkdir(parents=True)
    (folder / "inventories/prod.yml").write_text(INVENTORY.format(root=tmp_path / "srv"))
    (folder / "sync.yml").write_text(PLAYBOOK)
    (folder / "compose.yaml").write_text("services: {web: {image: nginx}}\n")
    (folder / ".deployignore").write_text("/sync.yml\n")
    (folder / "run.sh").write_text("#!/bin/sh\necho one\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("run.sh")
    monkeypatch.chdir(folder)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    return folder


def deploy(*args: str, room: Path) -> subprocess.CompletedProcess[str]:
    room.mkdir(exist_ok=True)
    argv = [sys.executable, "-c", "from deployer.cli.main import main; main()", *args]
    return subprocess.run(argv, check=False, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(room)})


def test_a_commit_is_deployed_instead_of_the_dirty_folder(shop: Path, tmp_path: Path) -> None:
    commit = git("rev-parse", "HEAD")
    (shop / "run.sh").write_text("half done")
    (shop / "compose.yaml").write_text("broken: [")
    (shop / "untracked").write_text("x")
    (shop / ".env").write_text("UNTRACKED=1\n")
    done = deploy("run", "prod", "--playbook", "sync.yml", "--ref", "main", room=tmp_path / "room")
    assert done.returncode == 0, done.stderr
    (release,) = (tmp_path / "srv/shop/releases").iterdir()
    tree = release / "project"
    assert sorted(path.name for path in tree.iterdir()) == [".deployignore", ".env", "compose.yaml", "link", "run.sh"]
    assert (tree / "run.sh").read_text() == "#!/bin/sh\necho one\n"
    assert oct((tree / "run.sh").stat().st_mode & 0o777) == "0o755"
    assert (os.readlink(tree / "link"), os.readlink(tree / ".env")) == ("run.sh", "../.env")
    assert "TOKEN='s3cret'" in (release / ".env").read_text()
    told = json.loads((release / "release.json").read_text())
    assert (told["commit"], told["branch"], told.get("dirty", False)) == (commit, "main", False)
    assert list((tmp_path / "room").iterdir()) == []  # nothing of the commit is left here


def test_a_dirty_folder_is_marked_in_the_release(shop: Path, tmp_path: Path) -> None:
    (shop / "new").write_text("x")
    done = deploy("run", "prod", "--playbook", "sync.yml", room=tmp_path / "room")
    assert done.returncode == 0, done.stderr
    (release,) = (tmp_path / "srv/shop/releases").iterdir()
    told = json.loads((release / "release.json").read_text())
    assert (told["commit"], told["dirty"]) == (git("rev-parse", "HEAD"), True)


def test_a_playbook_about_no_release_refuses_a_commit(shop: Path, tmp_path: Path) -> None:
    (shop / "plain.yml").write_text("- hosts: all\n  tasks:\n    - command: 'true'\n")
    done = deploy("run", "prod", "--playbook", "plain.yml", "--ref", "main", room=tmp_path / "room")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == ("error: plain.yml brings no release, so --ref has nothing to say\nhint:  leave --ref out\n")
