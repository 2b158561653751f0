"""Secrets in clear text: which are found where, and that none of them is shown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_lint import Linter, linter

__all__ = ["linter"]  # the fixture

SECRET = "hunter2-is-mine"
GITHUB = "ghp_" + "a1B2" * 9
AWS = "AKIA" + "ABCD1234" * 2


@pytest.mark.parametrize(
    "line",
    [
        f"db_password: {SECRET}",
        f"DB_PASSWORD: {SECRET}",
        f"ansible_password: {SECRET}",
        f"ansible_become_pass: '{SECRET}'",
        f"dbPassword: {SECRET}",
        f"api_key: {SECRET}",
        f"apiKey: {SECRET}",
        f"token: {SECRET}",
        f"x: {{client_secret: {SECRET}}}",
        f"x: [{{name: a, password: {SECRET}}}]",
        f"deploy_secrets: {{ANYTHING: {SECRET}}}",
        "pin_pass: 123456",
        f"x: {GITHUB}",
        f"x: a {AWS} b",
        f"x: postgres://me:{SECRET}@db/x",
        "x: |\n  -----BEGIN OPENSSH PRIVATE KEY-----\n  b3BlbnNzaC1rZXktdjEAAAA\n",
    ],
)
def test_a_secret(linter: Linter, line: str) -> None:
    linter.write("inventories/group_vars/all.yml", f"a: 1\n{line}\n")
    code, out = linter.run()
    assert code == 3
    assert out.count("clear-text-secret") == 1, out
    assert out.startswith(f"inventories/group_vars/all.yml:{3 if 'BEGIN' in line else 2}:")
    for value in (SECRET, GITHUB, AWS, "123456", "b3Blb"):
        assert value not in out


@pytest.mark.parametrize(
    "line",
    [
        "db_password: ''",
        "db_password:",
        "db_password: \"{{ lookup('env', 'DB') }}\"",
        "db_password: ${DB_PASSWORD:?}",
        "db_password: $DB_PASSWORD",
        "db_password: <your password>",
        "db_password: '********'",
        "password: $6$rounds=1$salt$digest",  # a digest, as `user` takes it
        "password: '!'",
        "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n",
        "password_file: /etc/x",
        "db_password: /run/secrets/db",
        "ansible_ssh_private_key_file: id_ed25519",
        "vault_password_file: x",
        "password_length: 20",
        "update_password: on_create",
        "max_token: 100",
        "tokens: [a, b]",
        "token_type: bearer",
        "public_key: ssh-ed25519 AAAA",
        "ssh_key: ssh-ed25519 AAAA",
        "no_password: true",
        "monkey: business",
        "bypass: none",
        "compass: north",
        "url: https://user@host/x",
        "url: 'postgres://{{ user }}:{{ password }}@db/x'",
        "url: postgres://$USER:$PASSWORD@db/x",
        "time: http://127.0.0.1:8000/a@b",
        "# url: postgres://user:password@db",
        f"db_password: {SECRET} # lint: allow-clear-text",
        f"x: {GITHUB} # for tests; lint: allow-clear-text",
        f"deploy_secrets: # lint: allow-clear-text\n  A: {SECRET}\n  b: {{password: {SECRET}}}",
    ],
)
def test_no_secret(linter: Linter, line: str) -> None:
    linter.write("inventories/group_vars/all.yml", f"a: 1\n{line}\n")
    assert [one["message"] for one in linter.found() if one["rule"] == "clear-text-secret"] == []


def test_every_file_is_looked_into(linter: Linter) -> None:
    secret = f"password: {SECRET}\n"
    linter.write("inventories/prod.yml", f"all:\n  hosts:\n    web1:\n      {secret}")
    linter.write("inventories/more.ini", f"web1 ansible_password={SECRET}\n[all:vars]\napi_token = {SECRET}\n")
    for name in (
        "inventories/host_vars/not_there.yml", "inventories/group_vars/all/a.yml", "playbooks/group_vars/x.yml",
        "playbooks/vars.yml", "playbooks/included.yml", "compose.yaml",
    ):  # fmt: skip
        linter.write(name, secret)
    linter.write("playbooks/tasks.inc", f"- uri: {{url: http://x, headers: {{Authorization: Bearer {SECRET}}}}}\n")
    linter.write("playbooks/a.j2", f"token {GITHUB}\n")
    linter.write("compose.yaml", f"services:\n  web:\n    environment:\n      - A=1\n      - A_TOKEN={SECRET}\n")
    linter.write(
        "playbooks/deploy.yml",
        f"""\
        - hosts: all
          vars_files: [vars.yml]
          vars:
            {secret.strip()}
          tasks:
            - include_vars: included.yml
            - import_tasks: tasks.inc
            - template: {{src: a.j2, dest: /a}}
        """,
    )
    found = [one for one in linter.found() if one["rule"] == "clear-text-secret"]
    assert [f"{one['file']}:{one['line']}:{one['column']}" for one in found] == [
        "compose.yaml:5:9",
        "inventories/group_vars/all/a.yml:1:1",
        "inventories/host_vars/not_there.yml:1:1",
        "inventories/more.ini:1:6",
        "inventories/more.ini:3:1",
        "inventories/prod.yml:4:7",
        "playbooks/a.j2:1:7",
        "playbooks/deploy.yml:4:5",
        "playbooks/group_vars/x.yml:1:1",
        "playbooks/included.yml:1:1",
        "playbooks/tasks.inc:1:34",
        "playbooks/vars.yml:1:1",
    ]


def test_a_secret_is_in_no_other_message(linter: Linter) -> None:
    linter.write("inventories/prod.yml", f"all: {{hosts: {{web1: {{password: {SECRET}}}}}}}\n")
    linter.play("- file: {path: /x, state: '{{ password }}'}\n- file: {path: '{{ password }}'}")
    code, out = linter.run()
    assert code == 3
    assert out.count(" task ") == 2
    assert SECRET not in out


def test_vault_passwords(linter: Linter) -> None:
    subprocess.run(["git", "init", "-q", str(linter.folder)], check=True)
    for name, mode in (
        (".vault_pass", 0o644),
        ("vault-password.txt", 0o600),
        ("other", 0o640),
        ("vault_pass.sh", 0o755),
    ):
        linter.write(name, "x\n").chmod(mode)
    linter.write("vault_passwords.yml", "a: 1\n")
    linter.write(".gitignore", ".vault_pass\n")
    found = [one for one in linter.found("--vault-password-file", "other") if one["rule"] == "vault-password-file"]
    assert [(one["file"], one["message"]) for one in found] == [
        (".vault_pass", "everybody on this machine can read this vault password"),
        ("other", "this vault password is not ignored by git"),
        ("vault-password.txt", "this vault password is not ignored by git"),
    ]


def test_outside_of_git_only_others_matter(linter: Linter, tmp_path: Path) -> None:
    linter.write(".vault_pass", "x\n").chmod(0o600)
    assert linter.found() == []
