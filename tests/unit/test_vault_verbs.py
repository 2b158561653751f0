"""`deploy vault`: files, standard input and values, the editor, and what is left behind."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.cli import vault_edit
from deployer.config.text import load_yaml
from deployer.config.vault import encrypt
from deployer.config.vault_keys import Key, Keyring
from deployer.errors import ExitCode, Place

DEPLOY = str(Path(sys.executable).with_name("deploy"))
PW = ("--vault-password-file", "pw")
PROD = ("--vault-id", "prod@pw")
HERE = Place("x", 1)

Deploy = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two passwords, and private folders where a test can see them."""
    monkeypatch.chdir(tmp_path)
    for name in ("ANSIBLE_VAULT_PASSWORD_FILE", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pw").write_text("pw\n")
    (tmp_path / "new").write_text("other\n")
    (tmp_path / "plain.yml").write_text("a: hunter2\n")
    (tmp_path / "sealed.yml").write_bytes(encrypt(b"a: hunter2\n", b"pw", "prod"))
    return tmp_path


def deploy(*argv: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """`deploy vault ARGV`, without a terminal."""
    return subprocess.run(
        [DEPLOY, "vault", *argv], input=stdin, capture_output=True, env={**os.environ, **env}, timeout=60,
        start_new_session=True, check=False,
    )  # fmt: skip


def ok(*argv: str, stdin: bytes = b"", **env: str) -> bytes:
    done = deploy(*argv, stdin=stdin, **env)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def refused(*argv: str, code: int = ExitCode.CONFIG, stdin: bytes = b"", **env: str) -> str:
    done = deploy(*argv, stdin=stdin, **env)
    text = done.stderr.decode()
    assert done.returncode == code, text
    assert done.stdout == b""
    assert "Traceback" not in text
    assert "hunter2" not in text
    return text


def opened(data: bytes | str, password: bytes = b"pw") -> tuple[bytes, str]:
    content = Path(data).read_bytes() if isinstance(data, str) else data
    found = Keyring([Key("x", password)]).open(content, HERE)
    return found.content, found.label


def mode(name: str) -> int:
    return stat.S_IMODE(Path(name).stat().st_mode)


def names() -> set[str]:
    return {path.name for path in Path().iterdir()}


# encrypt, decrypt, view, rekey ----------------------------------------------------------------------------------


def test_a_file_is_encrypted_and_decrypted_in_place_for_its_owner_alone(folder: Path) -> None:
    before = names()
    Path("plain.yml").chmod(0o644)
    ok("encrypt", *PW, "plain.yml")
    assert opened("plain.yml") == (b"a: hunter2\n", "default")
    assert mode("plain.yml") == 0o600
    Path("plain.yml").chmod(0o640)
    ok("decrypt", *PW, "plain.yml")
    assert Path("plain.yml").read_bytes() == b"a: hunter2\n"
    assert mode("plain.yml") == 0o600
    assert names() == before


def test_a_link_stays_a_link(folder: Path) -> None:
    Path("link").symlink_to("plain.yml")
    ok("encrypt", *PROD, "link")
    assert Path("link").is_symlink()
    assert opened("plain.yml") == (b"a: hunter2\n", "prod")


def test_what_was_readable_is_overwritten_unless_another_name_leads_to_it(folder: Path) -> None:
    with Path("plain.yml").open("rb") as before:
        ok("encrypt", *PW, "plain.yml")
        assert before.read() == bytes(11)
    Path("more.yml").write_text("a: hunter2\n")
    os.link("more.yml", "same.yml")
    ok("encrypt", *PW, "more.yml")
    assert Path("same.yml").read_text() == "a: hunter2\n"


def test_standard_input_goes_to_standard_output(folder: Path) -> None:
    sealed = ok("encrypt", *PROD, stdin=b"\0\xff\r\n")
    assert opened(sealed) == (b"\0\xff\r\n", "prod")
    assert ok("decrypt", *PW, "-", stdin=sealed) == b"\0\xff\r\n"
    assert ok("view", *PW, "-", stdin=sealed) == b"\0\xff\r\n"


def test_output_leaves_the_file_as_it_is(folder: Path) -> None:
    ok("encrypt", *PW, "--output", "out", "plain.yml")
    assert Path("plain.yml").read_text() == "a: hunter2\n"
    assert opened("out")[0] == b"a: hunter2\n"
    assert ok("decrypt", *PW, "--output", "-", "out") == b"a: hunter2\n"
    assert "--output takes what comes of one FILE" in refused("decrypt", *PW, "--output", "x", "out", "y", code=2)


def test_view_shows_several_files_and_changes_none(folder: Path) -> None:
    before = Path("sealed.yml").read_bytes()
    assert ok("view", *PW, "sealed.yml", "sealed.yml") == b"a: hunter2\n" * 2
    assert Path("sealed.yml").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "label"),
    [(("--new-vault-password-file", "new"), "default"), (("--new-vault-id", "next@new"), "next")],
)
def test_rekey_changes_password_and_id_and_keeps_the_rights(folder: Path, options: tuple[str, ...], label: str) -> None:
    Path("sealed.yml").chmod(0o640)
    ok("rekey", *PW, *options, "sealed.yml")
    assert opened("sealed.yml", b"other") == (b"a: hunter2\n", label)
    assert mode("sealed.yml") == 0o640


def test_rekey_changes_all_or_none(folder: Path) -> None:
    before = Path("sealed.yml").read_bytes()
    Path("other.yml").write_bytes(encrypt(b"x", b"another"))
    text = refused("rekey", *PW, "--new-vault-password-file", "new", "sealed.yml", "other.yml")
    assert "other.yml:1: no vault password that was given opens it" in text
    assert Path("sealed.yml").read_bytes() == before


def test_encrypt_changes_all_or_none(folder: Path) -> None:
    assert "sealed.yml:1: encrypted already" in refused("encrypt", *PW, "plain.yml", "sealed.yml")
    assert Path("plain.yml").read_text() == "a: hunter2\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("view", *PW, "plain.yml"), "plain.yml:1: a damaged vault: its first line is no `$ANSIBLE_VAULT;1.1;AES256`"),
        (("view", "--vault-id", "prod@new", "sealed.yml"), "sealed.yml:1: no vault password that was given opens it"),
        (("view", *PW, "nosuch"), "nosuch: cannot be read: no such file"),
        (("decrypt", *PW, "."), ".: not a regular file"),
        (("encrypt", *PW, "--output", "no/such", "plain.yml"), "no/such: cannot be written"),
        (("view", "--vault-password-file", "nosuch", "sealed.yml"), "no vault password file nosuch"),
        (("create", "--skip-tty-check", *PW, "plain.yml"), "plain.yml:1: exists already"),
        (("create", "--skip-tty-check", *PW, "pw/x.yml"), "pw/x.yml: cannot be written: file exists"),
        (("encrypt", *PROD, "--encrypt-vault-id", "dev", "plain.yml"), "no vault password has the id 'dev'"),
        (("view", "sealed.yml"), "--vault-password-file FILE or --vault-id LABEL@FILE"),
        (("rekey", *PW, "sealed.yml"), "new vault password: it is asked for on a terminal, and there is none"),
    ],
)
def test_refusals_are_one_line_and_a_hint(folder: Path, argv: tuple[str, ...], said: str) -> None:
    text = refused(*argv)
    assert said in text
    assert [line[:6] for line in text.splitlines()] == ["error:", "hint: "]


def test_of_several_passwords_one_must_be_named(folder: Path) -> None:
    both = ("--vault-id", "prod@pw", "--vault-id", "dev@new")
    assert "(prod, dev): say which with --encrypt-vault-id" in refused("encrypt", *both, "plain.yml", code=2)
    ok("encrypt", *both, "--encrypt-vault-id", "dev", "plain.yml")
    assert opened("plain.yml", b"other") == (b"a: hunter2\n", "dev")


def test_the_environment_names_a_password_file(folder: Path) -> None:
    assert ok("view", "sealed.yml", ANSIBLE_VAULT_PASSWORD_FILE="pw") == b"a: hunter2\n"


# encrypt-string -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["encrypt-string", "encrypt_string"])
def test_values_come_as_yaml(folder: Path, verb: str) -> None:
    text = ok(verb, *PROD, "-n", "one", "-n", "two", "first", "zweitér", "--stdin-name", "three", stdin=b"third\n")
    found = load_yaml("x.yml", text.decode())
    keys = Keyring([Key("prod", b"pw")])
    assert {name: keys.text(value) for name, value in found.items()} == {
        "three": "third\n", "one": "first", "two": "zweitér"
    }  # fmt: skip


def test_a_value_without_a_name_comes_alone(folder: Path) -> None:
    text = ok("encrypt-string", *PW, stdin=b"x").decode()
    assert text.startswith("!vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          ")
    assert Keyring([Key("x", b"pw")]).text(load_yaml("x.yml", f"a: {text}")["a"]) == "x"


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ((), 3, "an empty value was given"),
        (("x", ""), 3, "an empty value was given"),
        (("-n", "a", "-n", "b", "x"), 2, "there are 2 names for 1 texts"),
        (("-p", "-"), 2, "standard input cannot be read as well"),
        (("-p",), 2, "--prompt asks on a terminal"),
    ],
)
def test_values_that_cannot_be_encrypted(folder: Path, argv: tuple[str, ...], code: int, said: str) -> None:
    assert said in refused("encrypt-string", *PW, *argv, code=code)


# on a terminal --------------------------------------------------------------------------------------------------


def typed(*argv: str, lines: list[str]) -> tuple[int, str]:
    """`deploy vault ARGV` on a terminal, each line typed when it is asked for one."""
    child, terminal = pty.fork()
    if not child:
        os.execve(DEPLOY, [DEPLOY, "vault", *argv], {**os.environ, "PAGER": "cat"})
    said = ""
    waiting = list(lines)
    while True:
        try:
            said += os.read(terminal, 4096).decode()
        except OSError:
            break
        if waiting and said.count(": ") > len(lines) - len(waiting):
            time.sleep(0.1)
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def test_a_password_is_asked_for_where_none_is_given(folder: Path) -> None:
    code, said = typed("view", "sealed.yml", lines=["pw"])
    assert (code, "a: hunter2" in said, "pw" in said) == (0, True, False)


def test_a_new_password_is_typed_twice(folder: Path) -> None:
    code, said = typed("encrypt", "--vault-id", "prod@prompt", "plain.yml", lines=["one", "two"])
    assert (code, "New vault password (prod): " in said) == (ExitCode.CONFIG, True)
    assert "the two passwords differ" in said
    code, said = typed("encrypt", "--vault-id", "prod@prompt", "plain.yml", lines=["pw", "pw"])
    assert (code, opened("plain.yml")) == (0, (b"a: hunter2\n", "prod"))


# the editor -----------------------------------------------------------------------------------------------------


def editor(text: str) -> str:
    """A program that is called as an editor, the file being "$f"."""
    path = Path("editor.sh").absolute()
    path.write_text(f'#!/bin/sh\nfor f; do :; done\ndirname "$f" >> private\n{text}\n')
    path.chmod(0o700)
    return str(path)


def left_behind() -> list[str]:
    """The private folders that are still there."""
    private = Path("private")
    return [line for line in private.read_text().splitlines() if Path(line).exists()] if private.exists() else []


LOOK = 'stat -c %a "$f" "$(dirname "$f")" > seen; echo "$f $*" >> seen; cat "$f" >> seen'


@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
def test_what_is_edited_lies_in_a_private_folder_in_memory(folder: Path, variable: str) -> None:
    command = editor(f'{LOOK}; echo "b: 2" >> "$f"; cp "$f" "$f~"; mkdir "$f.d"; cp "$f" "$f.d/x"')
    Path("sealed.yml").chmod(0o640)
    ok("edit", *PW, "sealed.yml", **{variable: f"{command} --wait 'a b'"})
    modes, argv, text = Path("seen").read_text().split("\n", 1)[0], *Path("seen").read_text().split("\n", 3)[2:]
    assert (modes, Path("seen").read_text().split("\n")[1]) == ("600", "700")
    assert argv.startswith("/dev/shm/deploy-vault-")
    assert argv.split()[0].endswith("/sealed.yml")
    assert "--wait a b" in argv
    assert text == "a: hunter2\n"
    assert opened("sealed.yml") == (b"a: hunter2\nb: 2\n", "prod")
    assert mode("sealed.yml") == 0o640
    assert left_behind() == []


def test_visual_goes_before_editor(folder: Path) -> None:
    ok("edit", *PW, "sealed.yml", VISUAL=editor('echo x > "$f"'), EDITOR="false")
    assert opened("sealed.yml")[0] == b"x\n"


def test_a_file_that_nobody_changed_is_not_written(folder: Path) -> None:
    before = Path("sealed.yml").stat()
    assert b"unchanged sealed.yml" in deploy("edit", *PW, "sealed.yml", EDITOR="true").stderr
    after = Path("sealed.yml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_create_writes_a_new_encrypted_file(folder: Path) -> None:
    ok("create", "--skip-tty-check", *PROD, "made/folder/x.yml", EDITOR=editor('echo x > "$f"'))
    assert opened("made/folder/x.yml") == (b"x\n", "prod")
    assert mode("made/folder/x.yml") == 0o600
    assert "no terminal for an editor" in refused("create", *PROD, "y.yml", code=2)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('echo x > "$f"; exit 1', "the editor ended with status 1: nothing was changed"),
        ('echo x > "$f"; kill -SEGV $$', "the editor ended by SIGSEGV: nothing was changed"),
        ('rm "$f"', "the editor has taken the file away: nothing was changed"),
    ],
)
def test_a_crash_of_the_editor_leaves_nothing_and_changes_nothing(folder: Path, command: str, said: str) -> None:
    before = Path("sealed.yml").read_bytes()
    assert said in refused("edit", *PW, "sealed.yml", EDITOR=editor(command))
    assert Path("sealed.yml").read_bytes() == before
    assert left_behind() == []


@pytest.mark.parametrize("command", ["nosuch-editor", "'"])
def test_an_editor_that_cannot_be_started_is_named(folder: Path, command: str) -> None:
    assert "hint:  set EDITOR" in refused("edit", *PW, "sealed.yml", EDITOR=command)
    assert left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize(
    "command", ["touch ready; sleep 9", "trap '' TERM HUP INT; touch ready; while :; do sleep 1; done"]
)
def test_a_signal_ends_the_editor_and_leaves_nothing(folder: Path, number: signal.Signals, command: str) -> None:
    before = Path("sealed.yml").read_bytes()
    command = editor(f'echo x > "$f"; {command}')
    child = subprocess.Popen(
        [DEPLOY, "vault", "edit", *PW, "sealed.yml"], env={**os.environ, "EDITOR": command}, start_new_session=True
    )
    while not Path("ready").exists():
        time.sleep(0.02)
    assert left_behind() != []
    child.send_signal(number)
    assert child.wait(timeout=30) == ExitCode.INTERRUPTED
    assert left_behind() == []
    assert Path("sealed.yml").read_bytes() == before


def test_all_files_are_overwritten_before_they_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "memory").mkdir()
    monkeypatch.setattr(vault_edit, "MEMORY", folder / "memory")
    monkeypatch.setenv("EDITOR", editor('ln "$f" first; cp "$f" "$f.swp"; ln "$f.swp" second'))
    assert vault_edit.edited("x.yml", b"hunter2") == b"hunter2"
    assert [Path(name).read_bytes() for name in ("first", "second")] == [bytes(7), bytes(7)]
    assert list((folder / "memory").iterdir()) == []


def test_without_a_folder_in_memory_the_temporary_folder_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_edit, "MEMORY", folder / "nosuch")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("EDITOR", editor('echo "$f" > seen'))
    vault_edit.edited("x.yml", b"x")
    assert Path("seen").read_text().startswith(f"{folder}/deploy-vault-")
