"""A connection that breaks in the middle: what may be repeated is repeated, of the rest is told what is known."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from slow_link import cutting
from sshd import Sshd, logged_in

from deployer.engine.look import look
from deployer.errors import LostError

MakeSshd = Callable[..., Sshd]
DEPLOY = [sys.executable, "-c", "from deployer.cli.main import main; main()"]


@dataclass(frozen=True)
class Slow:
    """A fact that takes its time, the first time."""

    constant: ClassVar[bool] = False
    text: str

    def script(self) -> str:
        return self.text

    def parse(self, output: str, status: int) -> str:
        return output.strip()


@contextmanager
def broken(server: Sshd, began: Path, times: int = 1) -> Iterator[None]:
    """Connections break as soon as a file is there, which is then taken away if it shall happen again."""

    def work() -> None:
        for left in reversed(range(times)):
            deadline = time.monotonic() + 30
            while not began.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            if left:
                began.unlink(missing_ok=True)
            server.cut()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


@pytest.fixture
def server(make_sshd: MakeSshd, programs: None) -> Sshd:
    return make_sshd()


def once(folder: Path) -> str:
    """Shell that says that it has begun, and is slow the first time."""
    return f"if test -e {folder}/began; then touch {folder}/again; else touch {folder}/began; sleep 4; fi"


def deploy(server: Sshd, project: Path, task: str) -> subprocess.CompletedProcess[str]:
    for folder in ("inventories", "playbooks", ".ssh"):
        (project / folder).mkdir()
    (project / ".ssh" / "known_hosts").write_bytes(server.known_hosts.read_bytes())
    (project / "playbooks" / "it.yml").write_text(f"- hosts: all\n  tasks:\n    - {task}\n")
    variables = (
        f"{{ansible_host: 127.0.0.1, ansible_port: {server.port}, ansible_private_key_file: {server.client_key}}}"
    )
    (project / "inventories" / "prod.yml").write_text(f"all:\n  hosts:\n    web1: {variables}\n")
    return subprocess.run(
        [*DEPLOY, "prod", "--playbook", "it.yml", "-v"], cwd=project, env={**os.environ, "HOME": str(project)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def test_a_look_is_repeated(server: Sshd, tmp_path: Path) -> None:
    fact = Slow(f"{once(tmp_path)}; echo seen")
    with logged_in(server) as remote, broken(server, tmp_path / "began"):
        assert look(remote, [fact], become=None) == {fact: "seen"}
        assert remote.traffic().connections == 2


@pytest.mark.parametrize("after", [0, 20, 500, 1200, 1500, 1700])
def test_a_host_that_hangs_up_before_the_login_is_tried_again(server: Sshd, after: int) -> None:
    """Before its greeting, in it, in its offer, in the key exchange and behind it."""
    callers: list[object] = []
    with cutting(server.port, after, callers) as port, logged_in(server, {"attempts": 5}, port=port) as remote:
        server.known_hosts.write_text(f"[127.0.0.1]:{port} {server.public_key('ed25519')}\n")
        assert remote.run("echo in").stdout == "in\n"
    assert len(callers) == 2


def test_a_connection_that_breaks_twice_is_told(server: Sshd, tmp_path: Path) -> None:
    fact = Slow(f"touch {tmp_path}/began; sleep 4")
    with logged_in(server) as remote, broken(server, tmp_path / "began", times=2), pytest.raises(LostError):
        look(remote, [fact], become=None)
    assert remote.traffic().connections == 2


def test_a_file_is_written_again(server: Sshd, tmp_path: Path) -> None:
    check = tmp_path / "check"
    check.write_text(f"#!/bin/sh\n{once(tmp_path)}\n")
    check.chmod(0o755)
    task = f"{{name: it, copy: {{content: 'text', dest: '{tmp_path}/copied', validate: '{check} %s'}}}}"
    with broken(server, tmp_path / "began"):
        done = deploy(server, tmp_path, task)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "copied").read_text() == "text"
    assert (tmp_path / "again").exists()
    assert "files are written again" in done.stdout + done.stderr


def test_of_a_command_is_told_that_it_had_begun(server: Sshd, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\n{once(tmp_path)}\n")
    script.chmod(0o755)
    with broken(server, tmp_path / "began"):
        done = deploy(server, tmp_path, f"{{name: it, command: {script}}}")
    assert done.returncode != 0
    told = f"the connection was lost: `{script}` had begun, how it ended is not known"
    assert told in done.stdout + done.stderr
    assert not (tmp_path / "again").exists(), "a command is never repeated"
