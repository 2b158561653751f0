"""Vaults read across: what `deploy vault` writes, ansible-vault reads, and the reverse; in inventories too."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_runs import Ansible

from deployer.config.inventory import load_inventory
from deployer.config.language import Language
from deployer.config.text import load_yaml
from deployer.config.vault_keys import Key, Keyring
from deployer.model.encrypted import Encrypted

DEPLOY = str(Path(sys.executable).with_name("deploy"))
CONTENTS = {
    "empty": b"",
    "a byte": b"x",
    "a block": b"0123456789abcdef",
    "yaml": b"a: 1\nb: [x]\n",
    "unicode": "schlüssel: ü€😀\n".encode(),
    "crlf": b"a: 1\r\nb: 2\r\n",
    "binary": bytes(range(256)) * 3,
    "large": os.urandom(1_000_000),
}
WAYS = {  # how the password is given -> what begins the file
    "1.1": (("--vault-password-file", "pw"), b"$ANSIBLE_VAULT;1.1;AES256\n"),
    "1.2": (("--vault-id", "prod@pw"), b"$ANSIBLE_VAULT;1.2;AES256;prod\n"),
    "several": (
        ("--vault-id", "dev@other", "--vault-id", "prod@pw", "--encrypt-vault-id", "prod"),
        b"$ANSIBLE_VAULT;1.2;AES256;prod\n",
    ),
    "script": (("--vault-id", "prod@pw.sh"), b"$ANSIBLE_VAULT;1.2;AES256;prod\n"),
    "client": (("--vault-id", "prod@pw-client.sh"), b"$ANSIBLE_VAULT;1.2;AES256;prod\n"),
    "unicode": (("--vault-id", "prod@umlaut"), b"$ANSIBLE_VAULT;1.2;AES256;prod\n"),
}

Vault = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    for name, text in {"pw": "  pw \n", "other": "other\n", "umlaut": "pässwörd\n"}.items():
        (tmp_path / name).write_text(text)
    for name, text in {
        "pw.sh": "printf 'pw\\r\\n\\n'",
        "pw-client.sh": '[ "$*" = "--vault-id prod" ] && echo pw',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o700)
    return tmp_path


@pytest.fixture
def theirs(ansible: Ansible) -> Vault:
    """`ansible-vault ARGV`, with bytes."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(ansible.home),
        "ANSIBLE_HOME": str(ansible.home),
        "LC_ALL": "C.UTF-8",
    }
    return _runner([str(ansible.commands / "ansible-vault")], env)


@pytest.fixture
def ours() -> Vault:
    """`deploy vault ARGV`, with bytes."""
    return _runner([DEPLOY, "vault"], dict(os.environ))


def _runner(command: list[str], env: dict[str, str]) -> Vault:
    def run(*argv: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*command, *argv], input=stdin, capture_output=True, env={**env, **more}, timeout=120, check=False
        )

    return run


def done(run: subprocess.CompletedProcess[bytes]) -> bytes:
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def password_options(way: str) -> tuple[str, ...]:
    """Those of reading: all but which one to encrypt with."""
    options = WAYS[way][0]
    return options[: options.index("--encrypt-vault-id")] if "--encrypt-vault-id" in options else options


def said(output: str) -> dict[str, Any]:
    """What `debug` has printed for each host."""
    found = re.findall(r"^(\S+) \| SUCCESS => (\{.*?^\})", output, re.MULTILINE | re.DOTALL)
    return {host: json.loads(text)["msg"] for host, text in found}


def debugged(ansible: Ansible, folder: Path, template: str, file: str) -> Any:
    """What a template comes to for Ansible, with the variables of a file."""
    options = ("-m", "debug", "-a", f"msg={template}", "-e", f"@{file}", "--vault-id", "prod@pw")
    return said(ansible.run("ansible", "localhost", *options, cwd=folder).stdout)["localhost"]


# files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["ours to theirs", "theirs to ours"])
@pytest.mark.parametrize("way", WAYS)
def test_files_are_read_across(folder: Path, ours: Vault, theirs: Vault, way: str, direction: str) -> None:
    writer, reader = (ours, theirs) if direction == "ours to theirs" else (theirs, ours)
    names = [f"{number}.bin" for number in range(len(CONTENTS))]
    for name, content in zip(names, CONTENTS.values(), strict=True):
        Path(name).write_bytes(content)
    done(writer("encrypt", *WAYS[way][0], *names))
    assert {Path(name).read_bytes().split(b"\n")[0] + b"\n" for name in names} == {WAYS[way][1]}
    modes = {Path(name).stat().st_mode & 0o777 for name in names}
    done(reader("decrypt", *password_options(way), *names))
    assert dict(zip(CONTENTS, (Path(name).read_bytes() for name in names), strict=True)) == CONTENTS
    assert modes | {Path(name).stat().st_mode & 0o777 for name in names} == {0o600}


@pytest.mark.parametrize("options", [("--new-vault-id", "next@other"), ("--new-vault-password-file", "other")])
def test_rekeyed_files_are_read_across(folder: Path, ours: Vault, theirs: Vault, options: tuple[str, ...]) -> None:
    headers = []
    for writer, reader in ((ours, theirs), (theirs, ours)):
        Path("x").write_bytes(b"secret\n")
        done(writer("encrypt", "--vault-id", "prod@pw", "x"))
        Path("x").chmod(0o640)
        done(writer("rekey", "--vault-id", "prod@pw", *options, "x"))
        headers.append(Path("x").read_bytes().split(b"\n")[0])
        assert Path("x").stat().st_mode & 0o777 == 0o640
        assert done(reader("view", "--vault-id", "whatever@other", "x")).rstrip() == b"secret"
        assert reader("view", "--vault-id", "prod@pw", "x").returncode != 0
    assert headers[0] == headers[1]


def test_edited_files_are_read_across(folder: Path, ours: Vault, theirs: Vault) -> None:
    Path("append.sh").write_text('#!/bin/sh\necho "b: 2" >> "$1"\n')
    Path("append.sh").chmod(0o700)
    found = []
    for editor, reader in ((ours, theirs), (theirs, ours)):
        Path("x").write_bytes(b"a: 1\n")
        done(ours("encrypt", "--vault-id", "prod@pw", "x"))
        Path("x").chmod(0o640)
        done(editor("edit", "--vault-password-file", "pw", "x", EDITOR="./append.sh"))
        content = done(reader("view", "--vault-id", "prod@pw", "x")).rstrip()
        found.append((Path("x").read_bytes().split(b"\n")[0], Path("x").stat().st_mode & 0o777, content))
    assert found[0] == found[1] == (b"$ANSIBLE_VAULT;1.2;AES256;prod", 0o640, b"a: 1\nb: 2")


def test_created_files_are_read_across(folder: Path, ours: Vault, theirs: Vault) -> None:
    Path("write.sh").write_text('#!/bin/sh\necho "b: 2" > "$1"\n')
    Path("write.sh").chmod(0o700)
    for name, writer, reader in (("x", ours, theirs), ("y", theirs, ours)):
        done(writer("create", "--skip-tty-check", "--vault-id", "prod@pw", name, EDITOR="./write.sh"))
        assert Path(name).stat().st_mode & 0o777 == 0o600
        assert done(reader("view", "--vault-id", "prod@pw", name)).rstrip() == b"b: 2"


def test_standard_input_is_read_across(folder: Path, ours: Vault, theirs: Vault) -> None:
    for writer, reader in ((ours, theirs), (theirs, ours)):
        sealed = done(writer("encrypt", "--vault-id", "prod@pw", "--output", "-", stdin=CONTENTS["binary"]))
        assert done(reader("decrypt", "--vault-id", "prod@pw", "--output", "-", stdin=sealed)) == CONTENTS["binary"]


def test_a_password_file_that_is_encrypted_is_opened_by_both(folder: Path, ours: Vault, theirs: Vault) -> None:
    done(theirs("encrypt", "--vault-id", "first@pw", "other"))
    options = ("--vault-id", "first@pw", "--vault-id", "second@other")
    Path("x").write_bytes(b"secret")
    done(ours("encrypt", *options, "--encrypt-vault-id", "second", "x"))
    for reader in (ours, theirs):
        assert done(reader("view", *options, "x")).rstrip() == b"secret"
        assert reader("view", "--vault-id", "first@pw", "x").returncode != 0


@pytest.mark.parametrize(
    "argv",
    [
        ("view", "--vault-id", "prod@other", "sealed"),
        ("view", "--vault-id", "prod@pw", "plain"),
        ("view", "--vault-id", "prod@nosuch", "sealed"),
        ("decrypt", "--vault-id", "prod@pw", "plain"),
        ("encrypt", "--vault-id", "prod@pw", "sealed"),
        ("encrypt", "--vault-id", "a@pw", "--vault-id", "b@other", "plain"),
        ("encrypt", "--vault-id", "a@pw", "--encrypt-vault-id", "b", "plain"),
        ("encrypt", "--vault-id", "a;b@pw", "plain"),
        ("create", "--vault-id", "prod@pw", "new"),
        ("create", "--skip-tty-check", "--vault-id", "prod@pw", "plain"),
        ("decrypt", "--vault-id", "prod@pw", "--output", "x", "sealed", "sealed"),
        ("encrypt_string", "--vault-id", "prod@pw", ""),
        ("encrypt_string", "--vault-id", "prod@pw"),
        ("rekey", "--vault-id", "prod@other", "--new-vault-id", "x@pw", "sealed"),
    ],
    ids=" ".join,
)
def test_both_refuse_the_same_and_change_nothing(
    folder: Path, ours: Vault, theirs: Vault, argv: tuple[str, ...]
) -> None:
    Path("plain").write_text("a: 1\n")
    Path("sealed").write_text("a: 1\n")
    done(theirs("encrypt", "--vault-id", "prod@pw", "sealed"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for run in (ours, theirs):
        assert run(*argv).returncode != 0
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# values ---------------------------------------------------------------------------------------------------------


def test_values_are_written_in_the_same_form(folder: Path, ours: Vault, theirs: Vault) -> None:
    argv = ("--vault-id", "prod@pw", "-n", "one", "--stdin-name", "three", "first", "zweitér")
    texts = [done(run("encrypt_string", *argv, stdin=b"third\n")).decode() for run in (ours, theirs)]
    shapes = [[line if "vault" in line.lower() else len(line) for line in text.splitlines()] for text in texts]
    assert shapes[0] == shapes[1]


def test_values_are_read_across(folder: Path, ours: Vault, theirs: Vault, ansible: Ansible) -> None:
    for name, run in (("ours", ours), ("theirs", theirs)):
        text = done(run("encrypt_string", "--vault-id", "prod@pw", "-n", "a", "--stdin-name", "b", "hunter2 {{ x }}",
                        stdin="zwei\nZeilen ü\n".encode()))  # fmt: skip
        Path(f"{name}.yml").write_bytes(text)
        found = load_yaml(f"{name}.yml")
        keys = Keyring([Key("prod", b"pw")])
        expected = {"a": "hunter2 {{ x }}", "b": "zwei\nZeilen ü\n"}
        assert {key: keys.text(value) for key, value in found.items()} == expected
        shown = debugged(ansible, folder, "{{ [a, b] | to_json }}", f"{name}.yml")
        assert _loaded(shown) == list(expected.values())


# inventories ----------------------------------------------------------------------------------------------------

INI = "[web]\nweb1 token=hunter2 n=1\nweb2\n[web:vars]\nport=8080\n"
YAML = "web: {hosts: {web1: {token: hunter2, n: 1}, web2: {}}, vars: {port: 8080}}\n"


@pytest.fixture
def vaulted(folder: Path, theirs: Vault) -> Path:
    """An inventory whose files are encrypted as a whole or hold encrypted values, under two passwords."""
    files = {
        "hosts": INI,
        "group_vars/all/plain.yml": "url: 'pg://{{ token }}@db'\n",
        "group_vars/all/secret.yml": "db: {password: sesame, list: [1, two, null]}\nyes_: yes\n",
        "group_vars/web.yml": "api: 4711\n",
        "host_vars/web1.json": '{"deep": {"er": ["x"]}}',
        "host_vars/web2": "token: other\n",
    }
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    done(
        theirs("encrypt", "--vault-id", "prod@pw", "group_vars/all/secret.yml", "host_vars/web1.json", "host_vars/web2")
    )
    done(theirs("encrypt", "--vault-id", "dev@other", "group_vars/web.yml"))
    values = done(
        theirs("encrypt_string", "--vault-id", "dev@other", "-n", "v", "-n", "w", "hunter2 {{ x }}", "ünicode")
    )
    with Path("group_vars/all/plain.yml").open("ab") as file:
        file.write(values)
        file.write(b"nested:\n  - inner: " + values[len("v: ") : values.index(b"w: ")])
    return folder


BOTH = ("--vault-id", "prod@pw", "--vault-id", "dev@other")
KEYS = Keyring([Key("prod", b"pw"), Key("dev", b"other")])


def as_listed(value: Any) -> Any:
    """A value as `ansible-inventory --list` shows it: encrypted values stay so."""
    if isinstance(value, Encrypted):
        return {"__ansible_vault": value.text}
    if isinstance(value, dict):
        return {key: as_listed(one) for key, one in value.items()}
    return [as_listed(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("encrypt_hosts", [False, True])
@pytest.mark.parametrize(("name", "text"), [("hosts", INI), ("hosts.yml", YAML)])
def test_variables_are_those_that_ansible_lists(
    vaulted: Path, theirs: Vault, ansible: Ansible, name: str, text: str, encrypt_hosts: bool
) -> None:
    Path(name).write_text(text)
    if encrypt_hosts:
        done(theirs("encrypt", "--vault-id", "prod@pw", name))
    listed = ansible.json("ansible-inventory", "-i", name, "--list", *BOTH, cwd=vaulted)["_meta"]["hostvars"]
    found = load_inventory(Path(name), vault=KEYS).hosts
    assert {host: as_listed(dict(one.variables)) for host, one in found.items()} == listed


SCRIPT = """#!/bin/sh
cat <<END
{"web": {"hosts": ["web1", "web2"]}, "_meta": {"hostvars": {"web2": {"s": {"__ansible_vault": SEALED}}}}}
END
"""


@pytest.mark.parametrize("options", [("--list",), ("--host", "web1"), ("--graph", "--vars")])
@pytest.mark.parametrize("name", ["hosts", "hosts.json", "script"])
def test_inventories_are_printed_as_ansible_prints_them(
    vaulted: Path, theirs: Vault, ansible: Ansible, name: str, options: tuple[str, ...]
) -> None:
    sealed = json.dumps(done(theirs("encrypt", "--vault-id", "prod@pw", "--output", "-", stdin=b"hunter2")).decode())
    marked = f'{{"web": {{"hosts": {{"web1": {{"s": {{"__ansible_vault": {sealed}}}}}}}}}}}'
    Path("hosts.json").write_text(marked)
    Path("script").write_text(SCRIPT.replace("SEALED", sealed.replace("\\", "\\\\").replace("$", "\\$")))
    Path("script").chmod(0o700)
    wanted = ansible.run("ansible-inventory", "-i", name, *options, *BOTH, cwd=vaulted)
    assert wanted.returncode == 0, wanted.stderr
    shown = _runner([DEPLOY, "inventory"], dict(os.environ))("-i", name, *options, *BOTH)
    assert done(shown).decode() == wanted.stdout
    assert "ANSIBLE_VAULT" in wanted.stdout


@pytest.mark.parametrize("options", [("--list",), ("--graph", "--vars")])
def test_values_are_listed_without_a_password_but_not_drawn(
    folder: Path, theirs: Vault, ansible: Ansible, options: tuple[str, ...]
) -> None:
    value = done(theirs("encrypt_string", "--vault-id", "prod@pw", "-n", "token", "hunter2"))
    Path("hosts").write_text("[web]\nweb1\n")
    Path("group_vars").mkdir()
    Path("group_vars/web.yml").write_bytes(value)
    wanted = ansible.run("ansible-inventory", "-i", "hosts", *options, cwd=folder)
    shown = _runner([DEPLOY, "inventory"], dict(os.environ))("-i", "hosts", *options)
    assert (shown.stdout.decode(), shown.returncode == 0) == (wanted.stdout, wanted.returncode == 0)


@pytest.mark.parametrize(
    "expression",
    [
        "lookup('file', 'secret.txt')",
        "lookup('file', 'secret.txt', rstrip=false)",
        "lookup('template', 'secret.j2')",
        "lookup('file', 'sealed.txt', errors='ignore') is none",
    ],
)
def test_lookups_open_files_as_ansible_does(folder: Path, theirs: Vault, ansible: Ansible, expression: str) -> None:
    Path("secret.txt").write_text("{{ hunter2 }} \n\n")
    Path("secret.j2").write_text("{{ 1 + 1 }} two\n")
    Path("sealed.txt").write_text("x")
    done(theirs("encrypt", "--vault-id", "prod@pw", "secret.txt", "secret.j2"))
    done(theirs("encrypt", "--vault-id", "dev@other", "sealed.txt"))
    options = ("localhost", "-m", "debug", "-a", f"msg={{{{ {expression} }}}}", "--vault-id", "prod@pw")
    wanted = said(ansible.run("ansible", *options, cwd=folder).stdout)["localhost"]
    keys, told = Keyring([Key("prod", b"pw")]), []
    keys.tell(lambda *secrets: told.extend(secrets))
    variables = {"playbook_dir": str(folder)}
    assert Language({}, keys).render(f"{{{{ {expression} }}}}", variables) == wanted
    assert "sealed" in expression or any("two" in one or "hunter2" in one for one in told)


def test_variables_are_used_as_ansible_uses_them(vaulted: Path, ansible: Ansible) -> None:
    template = "{{ [url, db, api, v, w, nested, token, deep | default('none'), v | length, v ~ w] | to_json }}"
    shown = ansible.run(
        "ansible",
        "all",
        "-i",
        "hosts",
        "-c",
        "local",
        "-m",
        "debug",
        "-a",
        f"msg={template}",
        *BOTH,
        cwd=vaulted,
    )
    theirs = said(shown.stdout)
    language = Language({}, KEYS)
    for name, host in load_inventory(Path("hosts"), vault=KEYS).hosts.items():
        mine = language.render(template, host.variables)
        assert json.loads(mine) == _loaded(theirs[name])


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


@pytest.mark.parametrize("options", [(), ("--vault-id", "prod@pw"), ("--vault-id", "prod@other")])
def test_without_the_passwords_both_refuse_the_inventory(
    vaulted: Path, ansible: Ansible, options: tuple[str, ...]
) -> None:
    refused = ansible.run("ansible-inventory", "-i", "hosts", "--list", *options, cwd=vaulted)
    assert refused.returncode != 0
    keys = [Key("prod", {"pw": b"pw", "other": b"other"}[one.partition("@")[2]]) for one in options[1:]]
    with pytest.raises(Exception, match="vault password"):
        load_inventory(Path("hosts"), vault=Keyring(keys))


def test_json_marks_are_read_by_both(folder: Path, theirs: Vault, ansible: Ansible) -> None:
    sealed = done(theirs("encrypt", "--vault-id", "prod@pw", "--output", "-", stdin=b"hunter2")).decode()
    Path("x.json").write_text(json.dumps({"a": {"__ansible_vault": sealed}}))
    Path("x.yml").write_text("---\n" + json.dumps({"a": {"__ansible_vault": sealed}}))
    for name in ("x.json", "x.yml"):
        is_mapping = debugged(ansible, folder, "{{ a is mapping }}", name)
        assert isinstance(load_yaml(name)["a"], dict) is is_mapping
