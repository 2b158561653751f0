"""Reads what `ansible_ssh_common_args` and its kin would have given to ssh: its flags, as options of ssh_config."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from deployer.config.values import nearest
from deployer.model.ssh_options import CONFIG_FILE, FOLLOWED, WITHOUT_EFFECT

AS_OPTION = {
    "J": "ProxyJump",
    "i": "IdentityFile",
    "l": "User",
    "p": "Port",
    "P": "Tag",
    "b": "BindAddress",
    "F": CONFIG_FILE,
}
FAMILIES = {"4": "inet", "6": "inet6"}
ALONE = frozenset("46AaCgKkMNnqTtvXxYy")  # flags without a value; all but FAMILIES change nothing here
WITH_VALUE = frozenset("EeS")  # change nothing here either, each with a value

OPTION = re.compile(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+|$)(.*?)\s*")

_NAMES = {name.lower(): name for name in FOLLOWED | WITHOUT_EFFECT}
_FOLLOWED = {name.lower() for name in FOLLOWED}


class ArgumentError(ValueError):
    """An argument that cannot be followed; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def parse_ssh_args(text: str) -> tuple[tuple[str, str], ...]:
    """Name and value of each option that is followed, in order. Raises ArgumentError, naming what is not."""
    try:
        words = shlex.split(text)
    except ValueError as fault:
        raise ArgumentError(f"cannot be taken apart: {str(fault).lower()}", "close every quote") from None
    return tuple(_options(iter(words)))


def _options(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        letters = word[1:] if word.startswith("-") else ""
        while letters[:1] in ALONE and letters:
            if letters[0] in FAMILIES:
                yield "AddressFamily", FAMILIES[letters[0]]
            letters = letters[1:]
        if letters:
            yield from _valued(letters[0], letters[1:] or next(words, ""), word)
        elif not word.startswith("-") or word == "-":
            raise ArgumentError(f"`{word}` is no option of ssh", "write `-o Name=value`")


def _valued(flag: str, value: str, word: str) -> Iterator[tuple[str, str]]:
    if flag not in {"o", *AS_OPTION, *WITH_VALUE}:
        raise ArgumentError(f"`{word}` is not followed", "docs/ssh.md lists the options that are")
    if not value:
        raise ArgumentError(f"`{word}` needs a value", "write `-o Name=value`")
    if flag == "o":
        yield from _option(value)
    elif flag in AS_OPTION:
        yield AS_OPTION[flag], value


def _option(text: str) -> Iterator[tuple[str, str]]:
    """`Name=value` or `Name value`."""
    found = OPTION.fullmatch(text)
    name, value = (found[1], found[2]) if found else (text, "")
    known = _NAMES.get(name.lower())
    if known is None:
        near = nearest(name, FOLLOWED)
        hint = f"did you mean `{near}`?" if near else "docs/ssh.md lists the options that are"
        raise ArgumentError(f"`-o {name}` is not followed", hint)
    if not value:
        raise ArgumentError(f"`-o {name}` needs a value", f"write `-o {known}=value`")
    if name.lower() in _FOLLOWED:
        yield known, value
