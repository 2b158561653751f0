"""`deploy` with passwords that a person types, or that lie in a file, against a real sshd and a real sudo."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sshd import SUDO_PASSWORD, Sshd

MakeSshd = Callable[..., Sshd]
DEPLOY = [sys.executable, "-c", "from deployer.cli.main import main; main()"]
PLAYBOOK = """\
- name: Who
  hosts: all
  become: true
  tasks:
    - name: Say it
      command: sh -c 'id -un; cat /proc/[0-9]*/cmdline | tr "\\\\0" " "'
    - name: Say what ansible knows
      debug: {msg: "{{ ansible_password | default('nothing') }}"}
"""


@pytest.fixture(scope="module")
def server(make_sshd: MakeSshd, programs: None) -> Sshd:
    """A server that takes passwords; its user `asker` needs one for sudo too."""
    return make_sshd("dash", "PasswordAuthentication yes\n")


@pytest.fixture
def project(server: Sshd, tmp_path: Path) -> Path:
    """Two hosts that are one server, and a playbook."""
    for folder in ("inventories", "playbooks", ".ssh"):
        (tmp_path / folder).mkdir()
    (tmp_path / "playbooks" / "who.yml").write_text(PLAYBOOK)
    (tmp_path / ".ssh" / "known_hosts").write_bytes(server.known_hosts.read_bytes())
    inventory(tmp_path, server)
    return tmp_path


def inventory(project: Path, server: Sshd, more: str = "") -> None:
    hosts = "".join(
        f"    web{number}: {{ansible_host: 127.0.0.1, ansible_port: {server.port}, ansible_user: asker}}\n"
        for number in (1, 2)
    )
    (project / "inventories" / "prod.yml").write_text(f"all:\n  hosts:\n{hosts}{more}")


def environment(project: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(project), "COLUMNS": "200", "SSH_AUTH_SOCK": ""}


def typed(project: Path, answers: dict[str, str], *flags: str) -> tuple[int, str]:
    """Run on a terminal, and answer each question once; status and all that was to be seen."""
    command = [*DEPLOY, "prod", "--playbook", "who.yml", "-vvv", *flags]
    here, there = pty.openpty()
    left, seen, deadline = dict(answers), "", time.monotonic() + 60
    with subprocess.Popen(
        command, cwd=project, env=environment(project), stdin=there, stdout=there, stderr=there, start_new_session=True
    ) as process:
        os.close(there)
        while time.monotonic() < deadline:
            if select.select([here], [], [], 0.2)[0]:
                try:
                    seen += os.read(here, 65536).decode(errors="replace")
                except OSError:
                    break
            for question in [question for question in left if question in seen]:
                time.sleep(0.3)
                os.write(here, f"{left.pop(question)}\n".encode())
            if process.poll() is not None and not select.select([here], [], [], 0.2)[0]:
                break
        process.kill()
    os.close(here)
    assert not left, f"not asked: {list(left)}\n{seen}"
    return process.returncode, seen


def untyped(project: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [*DEPLOY, "prod", "--playbook", "who.yml", "-vvv", *flags]
    return subprocess.run(
        command, cwd=project, env=environment(project), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_both_passwords_are_asked_once_and_never_shown(project: Path) -> None:
    status, seen = typed(project, {"SSH password": SUDO_PASSWORD, "BECOME password": ""}, "-k", "-K")
    assert status == 0, seen
    assert seen.count("SSH password:") == 1
    assert seen.count("BECOME password [defaults to SSH password]:") == 1
    assert seen.count("root") >= 2
    assert "battery" not in seen


def test_a_passphrase_is_asked_once_for_all_hosts(project: Path, server: Sshd) -> None:
    key = project / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", str(key)], check=True)
    with (server.room / "authorized_keys").open("a") as file:
        file.write(key.with_name("locked.pub").read_text())
    variables = f"  vars: {{ansible_ssh_private_key_file: {key}, ansible_become: false}}\n"
    inventory(project, server, variables)
    status, seen = typed(
        project, {"Passphrase of the key": "open sesame", "BECOME password": SUDO_PASSWORD}, "--ask-become-pass"
    )
    assert status == 0, seen
    assert seen.count("Passphrase of the key") == 1
    assert "sesame" not in seen


def test_without_a_terminal_the_other_ways_are_named(project: Path) -> None:
    done = untyped(project, "--ask-pass")
    assert done.returncode == 3
    assert "--ask-pass asks on a terminal" in done.stderr
    assert "--connection-password-file" in done.stderr


def test_passwords_lie_in_files_or_are_printed_by_programs(project: Path) -> None:
    (project / "word").write_text(f"{SUDO_PASSWORD}\n")
    program = project / "program"
    program.write_text(f"#!/bin/sh\ncat {project}/word\n")
    program.chmod(0o700)
    done = untyped(project, "--connection-password-file", "word", "--become-password-file", "program")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("root") >= 2
    assert "battery" not in done.stdout + done.stderr


def test_the_inventorys_password_is_used_and_hidden(project: Path, server: Sshd) -> None:
    quoted = SUDO_PASSWORD.replace("'", "''")
    inventory(project, server, f"  vars: {{ansible_ssh_pass: '{quoted}', ansible_sudo_pass: '{quoted}'}}\n")
    done = untyped(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "battery" not in done.stdout + done.stderr
    inventory(project, server, "  vars: {ansible_password: wrong-horse}\n")
    done = untyped(project)
    assert done.returncode == 4
    assert "tried the password" in done.stdout + done.stderr
    assert "wrong-horse" not in done.stdout + done.stderr


def test_an_argument_for_ssh_that_is_not_followed_is_refused_before_any_host(project: Path, server: Sshd) -> None:
    inventory(project, server, "  vars: {ansible_ssh_common_args: '-o VerifyHostKeyDNS=yes'}\n")
    before = (server.room / "log").read_text()
    done = untyped(project)
    assert done.returncode == 3
    assert "`-o VerifyHostKeyDNS` is not followed" in done.stderr
    assert (server.room / "log").read_text() == before
