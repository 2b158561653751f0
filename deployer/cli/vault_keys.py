"""The vault passwords that the command line and the environment name, and the questions for those that are typed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from deployer.config.vault import DEFAULT
from deployer.config.vault_keys import Keyring
from deployer.config.vault_passwords import load_keys
from deployer.errors import VaultError

PROMPT = "prompt"
VARIABLE = "ANSIBLE_VAULT_PASSWORD_FILE"
ANOTHER_WAY = "give it with --vault-password-file FILE or --vault-id LABEL@FILE"


def given_keys(vault_ids: Sequence[str], vault_password_files: Sequence[str], *, ask_vault_pass: bool) -> Keyring:
    """The passwords that are named, in Ansible's order; maybe none. Raises VaultError for one that is not there."""
    return load_keys(_sources(vault_ids, vault_password_files, ask_vault_pass=ask_vault_pass), ask)


def needed_keys(
    vault_ids: Sequence[str], vault_password_files: Sequence[str], *, ask_vault_pass: bool, new: bool = False
) -> Keyring:
    """The same, and a question if none is named; a `new` password that is typed is asked for twice."""
    sources = _sources(vault_ids, vault_password_files, ask_vault_pass=ask_vault_pass)
    return load_keys(sources or [f"{DEFAULT}@{PROMPT}"], ask_new if new else ask)


def new_key(vault_id: str | None, password_file: str | None) -> Keyring:
    """The password to change to: what is named, or else what is typed."""
    source = vault_id or f"{DEFAULT}@{password_file or PROMPT}"
    return load_keys([source], ask_new)


def ask(label: str | None) -> str:
    """A password typed by a person; raises VaultError where there is no terminal."""
    return _typed(f"Vault password{_of(label)}")


def ask_new(label: str | None) -> str:
    """The same for a password that is new: typed twice."""
    first, second = (_typed(f"{words} vault password{_of(label)}") for words in ("New", "Confirm new"))
    if first != second:
        raise VaultError("the two passwords differ", hint="type the same one twice")
    return first


def _sources(vault_ids: Sequence[str], password_files: Sequence[str], *, ask_vault_pass: bool) -> list[str]:
    files = [*password_files, *filter(None, [os.environ.get(VARIABLE)])]
    asked = [f"{DEFAULT}@{PROMPT}"] if ask_vault_pass else []
    return [*vault_ids, *(f"{DEFAULT}@{file}" for file in files), *asked]


def _of(label: str | None) -> str:
    return f" ({label})" if label and label != DEFAULT else ""


def _typed(words: str) -> str:
    if not _has_terminal():
        raise VaultError(f"{words.lower()}: it is asked for on a terminal, and there is none", hint=ANOTHER_WAY)
    text: str = click.prompt(words, hide_input=True, default="", show_default=False, err=True)
    return text


def _has_terminal() -> bool:
    """Whether somebody can be asked: at the terminal of this process, also when its input is something else."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return sys.stdin.isatty()
    return True
