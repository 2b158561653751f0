"""Values that `deploy vault encrypt-string` encrypts: from the command line, from standard input, or typed."""

from __future__ import annotations

import sys

import click

from deployer.cli.vault_files import STANDARD, read
from deployer.errors import VaultError

String = tuple[str | None, bytes]  # its variable, if it has one, and the value

INDENT = " " * 10  # what ansible-vault writes


def strings_to_encrypt(
    texts: tuple[str, ...], names: tuple[str, ...], stdin_name: str | None, *, prompt: bool, show_input: bool
) -> list[String]:
    """What was typed, then standard input, then the texts, each with its name; raises VaultError for an empty one."""
    from_stdin = STANDARD in texts or stdin_name is not None or (not texts and not prompt)
    if prompt and from_stdin:
        raise click.UsageError("--prompt asks on the terminal: standard input cannot be read as well")
    given = [text for text in texts if text != STANDARD]
    if len(names) > len(given):
        raise click.UsageError(f"--name: there are {len(names)} names for {len(given)} texts")
    found: list[String] = []
    if prompt:
        found.append(_typed(show_input=show_input))
    if from_stdin:
        found.append((stdin_name, read(STANDARD)))
    padded = [*names, *[None] * (len(given) - len(names))]
    found += [(name, text.encode("utf-8", "surrogateescape")) for name, text in zip(padded, given, strict=True)]
    if not all(content for _, content in found):
        raise VaultError("an empty value was given: nothing was encrypted", hint="a value has at least one character")
    return found


def yaml_of(name: str | None, encrypted: bytes) -> str:
    """The lines that a YAML file takes."""
    head = f"{name}: !vault |\n" if name else "!vault |\n"
    return head + "".join(f"{INDENT}{line}\n" for line in encrypted.decode().splitlines())


def _typed(*, show_input: bool) -> String:
    if not sys.stdin.isatty():
        raise click.UsageError("--prompt asks on a terminal; without one give the value on standard input")
    name = click.prompt("Variable (empty: none)", default="", show_default=False, err=True)
    value = click.prompt("Value", default="", show_default=False, hide_input=not show_input, err=True)
    return name or None, value.encode("utf-8", "surrogateescape")
