"""The vault format, the ring of passwords, and where passwords come from."""

from __future__ import annotations

import hashlib
import os
from binascii import hexlify
from pathlib import Path

import pytest

from deployer.config import vault
from deployer.config.text import load_yaml
from deployer.config.vault import decrypt, encrypt, is_encrypted, read_envelope
from deployer.config.vault_keys import NO_KEYS, Key, Keyring, pieces
from deployer.config.vault_passwords import load_keys
from deployer.errors import ConfigError, ExitCode, Place, VaultError
from deployer.model.encrypted import Encrypted

HERE = Place("secrets.yml", 1)
CONTENTS = [b"", b"x", b"a: 1\n", "ü€😀\n".encode(), b"a\r\nb\r\n", bytes(range(256)), b"\0" * 16, os.urandom(300_000)]
PROD, DEV = Key("prod", b"pw"), Key("dev", b"other")


def refused(data: bytes, keys: Keyring = NO_KEYS) -> VaultError:
    with pytest.raises(VaultError) as caught:
        keys.open(data, HERE)
    error = caught.value
    assert error.exit_code == ExitCode.CONFIG
    assert "\n" not in str(error)
    assert error.hint
    return error


def never_asked(_label: str | None) -> str:
    raise AssertionError("nobody is to be asked")


# the format -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
@pytest.mark.parametrize("label", ["default", "prod", "schlüssel"])
def test_what_is_encrypted_is_decrypted(content: bytes, label: str) -> None:
    data = encrypt(content, b"pw", label)
    envelope = read_envelope(data, HERE)
    assert envelope.label == label
    assert decrypt(envelope, b"pw") == content
    assert decrypt(envelope, b"pW") is None


def test_text_is_in_lines_of_80_columns_after_a_header() -> None:
    plain, labelled = encrypt(b"x" * 100, b"pw"), encrypt(b"x" * 100, b"pw", "prod")
    assert plain.startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    assert labelled.startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    *full, last, nothing = plain.split(b"\n")[1:]
    assert {len(line) for line in full} == {80}
    assert 0 < len(last) <= 80
    assert nothing == b""


def test_one_content_is_never_encrypted_twice_the_same() -> None:
    assert encrypt(b"x", b"pw") != encrypt(b"x", b"pw")


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends_of_other_systems_change_nothing(end: bytes) -> None:
    data = encrypt(b"x" * 100, b"pw", "prod").replace(b"\n", end)
    assert Keyring([PROD]).open(data, HERE).content == b"x" * 100


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x80])
def test_a_flipped_bit_gives_one_clear_line_or_changes_nothing(bit: int) -> None:
    data, keys, errors = encrypt(b"a secret\n", b"pw", "prod"), Keyring([PROD]), []
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        try:
            assert keys.open(damaged, HERE).content == b"a secret\n"  # it was the id, or the case of a digit
        except VaultError as error:
            errors.append(error)
    assert len(errors) > len(data) / 3
    assert all(error.hint and str(error).startswith("secrets.yml:1: ") for error in errors)
    assert all(str(error).isprintable() and "a secret" not in str(error) for error in errors)


def test_a_text_that_is_cut_off_is_refused() -> None:
    data = encrypt(b"a secret\n", b"pw")
    for left in range(0, len(data) - 1, 7):
        refused(data[:left], Keyring([PROD]))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "its first line is no `$ANSIBLE_VAULT;1.1;AES256`"),
        (b"a: 1\n", "its first line is no"),
        (b"a;1.1;AES256\n", "not encrypted with ansible-vault"),
        (b"$ANSIBLE_VAULT\n", "its first line is no"),
        (b"$ANSIBLE_VAULT;1.0;AES256\n", "its format is neither 1.1 nor 1.2"),
        (b"$ANSIBLE_VAULT;1.1;AES\n", "its cipher is not AES256"),
        (b"$ANSIBLE_VAULT;1.2;AES256;a\x1b[31mb\n3132\n", "its id holds what cannot be printed"),
        (b"$ANSIBLE_VAULT;1.1;AES256;\xff\n", "its first line is no"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n", "salt, HMAC and ciphertext are not to be found"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n313\n", "pairs of hexadecimal digits"),
        (b"$ANSIBLE_VAULT;1.1;AES256\nxx\n", "pairs of hexadecimal digits"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n" + hexlify(b"31\nxx\n31"), "pairs of hexadecimal digits"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n" + hexlify(b"31\n31"), "salt, HMAC and ciphertext"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n" + hexlify(b"31\n31\n31\n31"), "salt, HMAC and ciphertext"),
    ],
)
def test_what_is_no_vault_is_refused_for_what_it_is(data: bytes, said: str) -> None:
    assert said in refused(data, Keyring([PROD])).message


def test_the_hmac_is_compared_before_anything_is_decrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: bytes) -> bytes:
        raise AssertionError("nothing is to be decrypted")

    data = encrypt(b"x", b"pw")
    monkeypatch.setattr(vault, "_cipher", never)
    assert decrypt(read_envelope(data, HERE), b"other") is None


def test_a_content_that_is_not_padded_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    salt = bytes(32)
    key, hmac_key, counter = vault._keys(b"pw", salt)
    ciphertext = vault._cipher(key, counter, b"no padding at all..."[:16])
    digest = vault.hmac.digest(hmac_key, ciphertext, hashlib.sha256)
    body = hexlify(b"\n".join(map(hexlify, (salt, digest, ciphertext))))
    refused(b"$ANSIBLE_VAULT;1.1;AES256\n" + body, Keyring([PROD]))


@pytest.mark.parametrize(
    ("data", "expected"), [(b"$ANSIBLE_VAULT;1.1", True), (b" $ANSIBLE_VAULT", False), (b"", False)]
)
def test_is_encrypted(data: bytes, expected: bool) -> None:
    assert is_encrypted(data) is expected


# the ring -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [[PROD, DEV], [DEV, PROD], [PROD], [Key("whatever", b"pw")]])
def test_the_id_is_a_hint(keys: list[Key]) -> None:
    opened = Keyring(keys).open(encrypt(b"x", b"pw", "prod"), HERE)
    assert (opened.content, opened.label, opened.key.password) == (b"x", "prod", b"pw")


def test_the_password_of_the_id_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    monkeypatch.setattr("deployer.config.vault_keys.decrypt", lambda _, password: tried.append(password) or b"x")
    Keyring([DEV, PROD]).open(encrypt(b"x", b"pw", "prod"), HERE)
    assert tried == [b"pw"]


def test_two_passwords_of_one_id_are_both_tried() -> None:
    assert Keyring([Key("prod", b"old"), PROD]).open(encrypt(b"x", b"pw", "prod"), HERE).content == b"x"


def test_a_wrong_password_is_one_line_with_the_place_and_no_password() -> None:
    error = refused(encrypt(b"x", b"pw", "prod"), Keyring([DEV, Key("default", b"hunter2")]))
    said = "no vault password that was given opens it (its id is 'prod', given: 'dev', 'default')"
    assert str(error) == f"secrets.yml:1: {said}"
    assert "--vault-id prod@" in error.hint
    assert "hunter2" not in repr(Key("default", b"hunter2"))


def test_a_missing_password_names_the_option() -> None:
    assert "--vault-password-file FILE" in refused(encrypt(b"x", b"pw")).hint
    assert "--vault-id prod@FILE" in refused(encrypt(b"x", b"pw", "prod")).hint


def test_what_is_decrypted_is_told_before_and_after() -> None:
    keys, heard = Keyring([PROD]), []
    first, second = (Encrypted(encrypt(text, b"pw").decode(), HERE) for text in (b"one", b"two"))
    assert keys.text(first) == "one"
    keys.tell(lambda *secrets: heard.extend(secrets))
    assert heard == ["one"]
    assert (keys.text(second), keys.text(second), keys.text(first)) == ("two", "two", "one")
    assert heard == ["one", "two"]


def test_an_encrypted_value_shows_nothing() -> None:
    text = encrypt(b"one", b"pw").decode()
    assert text[40:60] not in repr(Encrypted(text, HERE))


def test_pieces_are_what_is_written_out() -> None:
    value = {"a": "x", "b": [1, True, None, 2.5], "c": "pg://{{ user }}:pw@{% if x == 'long enough' %}y{# z #}"}
    assert [one for one in pieces(value) if one] == ["x", "1", "2.5", "pg://", ":pw@", "long enough", "y"]


# files ----------------------------------------------------------------------------------------------------------


def test_every_value_of_an_encrypted_file_is_a_secret(tmp_path: Path) -> None:
    path, keys, heard = tmp_path / "x.yml", Keyring([PROD]), []
    path.write_bytes(encrypt(b"a: hunter2\nb: {c: 4711, d: true}\n", b"pw"))
    keys.tell(lambda *secrets: heard.extend(secrets))
    assert load_yaml(path, vault=keys) == {"a": "hunter2", "b": {"c": 4711, "d": True}}
    assert heard == ["hunter2", "4711"]


def test_errors_about_an_encrypted_file_show_nothing_of_it(tmp_path: Path) -> None:
    path, keys = tmp_path / "x.yml", Keyring([PROD])
    path.write_bytes(encrypt(b"a: 1\nb: *hunter2\n", b"pw"))
    with pytest.raises(ConfigError) as caught, keys.discreet():
        load_yaml(path, vault=keys)
    assert caught.value.place == Place(str(path), 2, 4)
    assert "hunter2" not in str(caught.value)
    assert caught.value.hint == f"`deploy vault edit {path}` shows it"


def test_errors_about_other_files_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("b: *nothing\n")
    with pytest.raises(ConfigError, match="undefined alias 'nothing'"), Keyring([PROD]).discreet():
        load_yaml(tmp_path / "x.yml")


def test_a_file_that_is_not_read_with_passwords_says_so(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(encrypt(b"a: 1\n", b"pw"))
    with pytest.raises(ConfigError, match="encrypted with ansible-vault, which is not read here"):
        load_yaml(tmp_path / "compose.yaml")


# passwords ------------------------------------------------------------------------------------------------------


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


@pytest.mark.parametrize(
    ("written", "password"),
    [(b"pw\n", b"pw"), (b"  p w \r\n\n", b"p w"), (b"a\nb", b"a\nb"), ("schlüssel\n".encode(), "schlüssel".encode())],
)
def test_a_file_is_stripped(tmp_path: Path, written: bytes, password: bytes) -> None:
    (tmp_path / "pw").write_bytes(written)
    assert load_keys([f"prod@{tmp_path}/pw"], never_asked).keys == (Key("prod", password),)
    assert load_keys([f"{tmp_path}/pw"], never_asked).keys == (Key("default", password),)


def test_a_program_is_run_and_only_line_ends_are_taken_off(tmp_path: Path) -> None:
    path = script(tmp_path / "pw.sh", "printf ' %s \\n' \"$#\"")
    assert load_keys([f"prod@{path}"], never_asked).keys == (Key("prod", b" 0 "),)


def test_a_client_program_is_told_the_id(tmp_path: Path) -> None:
    path = script(tmp_path / "ring-client.sh", 'echo "$@"')
    assert load_keys([f"prod@{path}"], never_asked).keys == (Key("prod", b"--vault-id prod"),)


def test_a_client_program_without_an_id_is_told_nothing(tmp_path: Path) -> None:
    path = script(tmp_path / "ring-client", 'echo "no $#"')
    assert load_keys([str(path)], never_asked).keys == (Key("default", b"no 0"),)


def test_a_password_file_may_be_encrypted_with_a_password_before_it(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("pw\n")
    (tmp_path / "second").write_bytes(encrypt(b"other\n", b"pw"))
    assert load_keys([f"a@{tmp_path}/first", f"b@{tmp_path}/second"], never_asked).keys[1] == Key("b", b"other")


def test_a_person_is_asked_for_the_id() -> None:
    asked = []
    found = load_keys(["prod@prompt", "prompt"], lambda label: asked.append(label) or " pw ")
    assert found.keys == (Key("prod", b"pw"), Key("default", b"pw"))
    assert asked == ["prod", None]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("prod@nosuch", "no vault password file nosuch"),
        ("prod@.", "is a folder"),
        ("prod@empty", "the vault password in empty is empty"),
        ("pr;od@pw", "an id must be of ASCII, without `;`"),
        ("@pw", "an id must be of ASCII"),
        ("ü@pw", "an id must be of ASCII"),
        (" a@pw", "an id must be of ASCII"),
        ("prod@fails.sh", "ended with status 3"),
        ("prod@fails-client.sh", "has no vault password for id 'prod'"),
        ("prod@nothing.sh", "that nothing.sh prints is empty"),
        ("prod@text", "cannot be run"),
        ("prod@prompt", "that was typed is empty"),
        ("prod@locked", "encrypted, and no vault password was given"),
    ],
)
def test_a_source_that_gives_no_password_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "locked").write_bytes(encrypt(b"x", b"pw"))
    (tmp_path / "text").write_text("a password\n")
    (tmp_path / "text").chmod(0o700)
    script(tmp_path / "fails.sh", "exit 3")
    script(tmp_path / "fails-client.sh", "exit 2")
    script(tmp_path / "nothing.sh", "true")
    with pytest.raises(VaultError) as caught:
        load_keys([source], lambda _: " ")
    assert said in str(caught.value)
    assert caught.value.hint
