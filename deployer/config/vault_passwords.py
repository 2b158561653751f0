"""Vault passwords from where the command line says: files, programs, and questions to a person."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from deployer.config.vault import DEFAULT, is_encrypted
from deployer.config.vault_keys import Key, Keyring
from deployer.errors import VaultError

Ask = Callable[[str | None], str]  # asks a person for the password of an id; None: of no id in particular

PROMPTS = ("prompt", "prompt_ask_vault_pass")
LABEL = re.compile(r"[!-:<-~](?:[ -:<-~]*[!-:<-~])?")  # with anything else ansible-vault takes the file for no vault
UNKNOWN_ID = 2  # status of a program that has no password for the id


def load_keys(sources: Iterable[str], ask: Ask) -> Keyring:
    """The passwords of all `LABEL@SOURCE`; a file that is encrypted itself is opened with those before it.

    SOURCE is a file, a program that prints the password, or `prompt`. Raises VaultError for one that gives none.
    """
    keys: list[Key] = []
    for source in sources:
        keys.append(load_key(source, Keyring(keys), ask))
    return Keyring(keys)


def load_key(source: str, known: Keyring, ask: Ask) -> Key:
    """The password of one `LABEL@SOURCE`, the label being optional; raises VaultError."""
    first, at, rest = source.partition("@")
    label, where = (first, rest) if at else (None, first)
    if label is not None and not LABEL.fullmatch(label):
        raise VaultError(f"--vault-id {source}: an id must be of ASCII, without `;`", hint="write --vault-id prod@FILE")
    if where in PROMPTS:
        password = ask(label).encode("utf-8", "surrogateescape").strip()
        origin = "that was typed"
    else:
        path = Path(os.path.expandvars(where)).expanduser()
        password = _from_path(path, label, known)
        origin = f"in {path}" if not _is_program(path) else f"that {path} prints"
    if not password:
        raise VaultError(f"the vault password {origin} is empty", hint="a password needs at least one character")
    return Key(label or DEFAULT, password)


def _from_path(path: Path, label: str | None, known: Keyring) -> bytes:
    if not path.exists():
        raise VaultError(f"no vault password file {path}", hint="check --vault-password-file and --vault-id")
    if path.is_dir():
        raise VaultError(f"the vault password file {path} is a folder", hint="name the file in it")
    return _printed(path, label) if _is_program(path) else _written(path, known)


def _is_program(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))


def _written(path: Path, known: Keyring) -> bytes:
    try:
        content = path.read_bytes().strip()
    except OSError as failure:
        reason = (failure.strerror or str(failure)).lower()
        raise VaultError(f"the vault password file {path} cannot be read: {reason}", hint="check its mode") from None
    return known.file(content, str(path)).strip(b"\r\n") if is_encrypted(content) else content


def _printed(path: Path, label: str | None) -> bytes:
    """What a program prints; one whose name ends in `-client` is told the id, as Ansible does."""
    is_client = path.stem.endswith("-client")
    argv = [str(path.absolute()), *(["--vault-id", label] if is_client and label else [])]
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    except OSError as failure:
        reason = (failure.strerror or str(failure)).lower()
        raise VaultError(
            f"the vault password program {path} cannot be run: {reason}",
            hint=f"if it is a file with a password: chmod -x {path}",
        ) from None
    if is_client and done.returncode == UNKNOWN_ID:
        raise VaultError(f"{path} has no vault password for id '{label}'", hint="check the id, or add its password")
    if done.returncode:
        raise VaultError(f"the vault password program {path} ended with status {done.returncode}", hint=f"run {path}")
    return done.stdout.strip(b"\r\n")
