"""`deploy vault`: what ansible-vault encrypts and decrypts, in the same format and with the same options."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from deployer.cli import vault_files
from deployer.cli.options import vault_options
from deployer.cli.vault_files import STANDARD, place
from deployer.errors import VaultError

F = TypeVar("F", bound=Callable[..., Any])

files_argument = click.argument("files", metavar="FILE…", nargs=-1, required=True)
files_or_stdin = click.argument("files", metavar="[FILE…]", nargs=-1)
output_option = click.option("--output", metavar="FILE", help="Write to this file, `-` for stdout; not in place.")
encrypt_id_option = click.option(
    "--encrypt-vault-id", metavar="LABEL", help="Encrypt with the password of this id, if several are given."
)


class Verbs(click.Group):
    """Verbs whose names may be written with `_` too, as ansible-vault does."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name.replace("_", "-"))


@click.group(cls=Verbs)
def vault() -> None:
    """Encrypt and decrypt files and values, as ansible-vault does.

    Passwords come from --vault-id and --vault-password-file, from the file that ANSIBLE_VAULT_PASSWORD_FILE names, or
    else are asked for.

    \b
    Examples:
      deploy vault encrypt group_vars/all/secrets.yml
      deploy vault edit --vault-id prod@~/.prod-password host_vars/db1.yml
    """


@vault.command()
@click.argument("file")
@vault_options
@encrypt_id_option
@click.option("--skip-tty-check", is_flag=True, help="Open the editor without a terminal too.")
def create(file: str, encrypt_vault_id: str | None, skip_tty_check: bool, **given: Any) -> None:
    """Write a new encrypted file in $VISUAL or $EDITOR.

    \b
    Example:
      deploy vault create --vault-id prod@prompt group_vars/web/secrets.yml
    """
    from deployer.cli.vault_edit import edited
    from deployer.config.vault import encrypt

    if not skip_tty_check and not sys.stdout.isatty():
        raise click.UsageError("no terminal for an editor; say --skip-tty-check, or use `deploy vault encrypt`")
    if Path(file).exists():
        raise VaultError("exists already", place=place(file), hint=f"deploy vault edit {file}")
    vault_files.make_folder(file)
    vault_files.check_replaceable(file)
    key = _key_to_encrypt(encrypt_vault_id, given)
    content = edited(file, b"")
    vault_files.write(file, encrypt(content, key.password, key.label))
    click.echo(f"encrypted {file}", err=True)


@vault.command()
@files_argument
@vault_options
def edit(files: tuple[str, ...], **given: Any) -> None:
    """Open encrypted files in $VISUAL or $EDITOR, and encrypt what comes of it with the same password.

    What is decrypted lies in a private folder, in memory where the system has one, until the editor ends.

    \b
    Example:
      deploy vault edit --vault-id prod@~/.prod-password group_vars/all/secrets.yml
    """
    from deployer.cli.vault_edit import edited
    from deployer.cli.vault_keys import needed_keys
    from deployer.config.vault import encrypt

    keys = needed_keys(**given)
    for file in files:
        vault_files.check_replaceable(file)
        opened = keys.open(vault_files.read(file), place(file))
        content = edited(file, opened.content)
        if content == opened.content:
            click.echo(f"unchanged {file}", err=True)
            continue
        vault_files.write(file, encrypt(content, opened.key.password, opened.label), keep_rights=True)
        click.echo(f"encrypted {file}", err=True)


@vault.command()
@files_or_stdin
@vault_options
@encrypt_id_option
@output_option
def encrypt(files: tuple[str, ...], encrypt_vault_id: str | None, output: str | None, **given: Any) -> None:
    """Encrypt files in place, or standard input to standard output.

    \b
    Examples:
      deploy vault encrypt --vault-id prod@~/.prod-password group_vars/all/secrets.yml
      deploy vault encrypt --output secrets.yml -
    """
    from deployer.config.vault import encrypt, is_encrypted

    _check_output(files, output)
    key = _key_to_encrypt(encrypt_vault_id, given)
    contents = {file: vault_files.read(file) for file in files or (STANDARD,)}
    for file, content in contents.items():
        if is_encrypted(content):
            raise VaultError("encrypted already", place=place(file), hint="deploy vault rekey changes the password")
    _write_all("encrypted", {file: encrypt(one, key.password, key.label) for file, one in contents.items()}, output)


@vault.command()
@files_or_stdin
@vault_options
@output_option
def decrypt(files: tuple[str, ...], output: str | None, **given: Any) -> None:
    """Decrypt files in place, or standard input to standard output.

    \b
    Example:
      deploy vault decrypt --vault-password-file ~/.password group_vars/all/secrets.yml
    """
    from deployer.cli.vault_keys import needed_keys

    _check_output(files, output)
    keys = needed_keys(**given)
    names = files or (STANDARD,)
    _write_all("decrypted", {file: keys.open(vault_files.read(file), place(file)).content for file in names}, output)


@vault.command()
@files_argument
@vault_options
def view(files: tuple[str, ...], **given: Any) -> None:
    """Show what encrypted files hold; on a terminal page by page.

    \b
    Example:
      deploy vault view --vault-password-file ~/.password group_vars/all/secrets.yml
    """
    from deployer.cli.vault_keys import needed_keys

    keys = needed_keys(**given)
    for content in [keys.open(vault_files.read(file), place(file)).content for file in files]:
        if sys.stdout.isatty():
            click.echo_via_pager(content.decode("utf-8", "replace"))
        else:
            vault_files.write(STANDARD, content)


@vault.command()
@files_argument
@vault_options
@click.option("--new-vault-id", metavar="LABEL@SOURCE", help="The new password with its id.")
@click.option("--new-vault-password-file", metavar="FILE", help="File with the new password, or program.")
def rekey(files: tuple[str, ...], new_vault_id: str | None, new_vault_password_file: str | None, **given: Any) -> None:
    """Encrypt files with another password. None is changed if one of them cannot be decrypted.

    \b
    Example:
      deploy vault rekey --vault-id prod@old --new-vault-id prod@new group_vars/all/secrets.yml
    """
    from deployer.cli.vault_keys import needed_keys, new_key
    from deployer.config.vault import encrypt

    if new_vault_id and new_vault_password_file:
        raise click.UsageError("--new-vault-id and --new-vault-password-file: only one of them can be meant")
    for file in files:
        vault_files.check_replaceable(file)
    keys = needed_keys(**given)
    opened = {file: keys.open(vault_files.read(file), place(file)).content for file in files}
    (key,) = new_key(new_vault_id, new_vault_password_file).keys
    for file, content in opened.items():
        vault_files.write(file, encrypt(content, key.password, key.label), keep_rights=True)
        click.echo(f"rekeyed {file}", err=True)


@vault.command("encrypt-string")
@click.argument("texts", metavar="[TEXT…]", nargs=-1)
@vault_options
@encrypt_id_option
@output_option
@click.option("-n", "--name", "names", multiple=True, metavar="NAME", help="Variable of a TEXT, in the same order.")
@click.option("--stdin-name", metavar="NAME", help="Variable of what is read from standard input.")
@click.option("-p", "--prompt", is_flag=True, help="Ask for the variable and its value.")
@click.option("--show-input", is_flag=True, help="With --prompt: show what is typed.")
def encrypt_string(output: str | None, encrypt_vault_id: str | None, **given: Any) -> None:
    """Encrypt values, ready to be put into a YAML file.

    A TEXT can be seen in the process list and in the shell's history: standard input and --prompt are safer.

    \b
    Examples:
      deploy vault encrypt-string --prompt
      deploy vault encrypt-string --stdin-name db_password < password
    """
    from deployer.cli.vault_strings import strings_to_encrypt, yaml_of
    from deployer.config.vault import encrypt

    wanted = {name: given.pop(name) for name in ("texts", "names", "stdin_name", "prompt", "show_input")}
    key = _key_to_encrypt(encrypt_vault_id, given)
    strings = strings_to_encrypt(**wanted)
    blocks = [yaml_of(name, encrypt(content, key.password, key.label)) for name, content in strings]
    vault_files.write(output or STANDARD, "".join(blocks).encode())


def _key_to_encrypt(label: str | None, given: dict[str, Any]) -> Any:
    """The password of this id, or the only one that there is."""
    from deployer.cli.vault_keys import needed_keys

    keys = needed_keys(**given, new=True).keys
    known = ", ".join(dict.fromkeys(key.label for key in keys))
    if label is None and len(keys) > 1:
        raise click.UsageError(f"several vault passwords are given ({known}): say which with --encrypt-vault-id LABEL")
    found = next((key for key in keys if label in (None, key.label)), None)
    if found is None:
        raise VaultError(f"no vault password has the id '{label}'; there are: {known}", hint=f"--vault-id {label}@FILE")
    return found


def _check_output(files: tuple[str, ...], output: str | None) -> None:
    if output is not None and len(files) > 1:
        raise click.UsageError("--output takes what comes of one FILE, not of several")
    for file in files if output is None else ():
        vault_files.check_replaceable(file)


def _write_all(done: str, contents: dict[str, bytes], output: str | None) -> None:
    for file, content in contents.items():
        target = output or file
        vault_files.write(target, content, wipe=done == "encrypted" and target == file)
        if target != STANDARD:
            click.echo(f"{done} {target}", err=True)
