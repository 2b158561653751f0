"""Fills in the %-tokens and environment variables that ssh_config allows in some values: ssh_config(5), TOKENS."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Mapping

TOKEN = re.compile(r"%(.?)")
VARIABLE = re.compile(r"\$\{([^}]*)\}")


class TokenError(Exception):
    """A token that means nothing here, or a variable that is not set."""


def expanded(text: str, tokens: Mapping[str, str]) -> str:
    """The text with its tokens filled in; `%%` is a percent sign. Raises TokenError for one that is not known."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in tokens and found[1] != "%":
            raise TokenError(f"`%{found[1]}` means nothing in `{text}`")
        return "%" if found[1] == "%" else tokens[found[1]]

    return TOKEN.sub(value, text)


def expanded_path(text: str, tokens: Mapping[str, str]) -> str:
    """The same for a file's name: `~` and `${NAME}` too."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise TokenError(f"the variable {found[1]} of `{text}` is not set")
        return os.environ[found[1]]

    return os.path.expanduser(expanded(VARIABLE.sub(value, text), tokens))


def local_tokens(typed: str, address: str, port: str, user: str, alias: str | None = None) -> dict[str, str]:
    """All tokens of a connection: what was typed, where that leads, and who we are."""
    name = socket.gethostname()
    return {
        "h": address,
        "n": typed,
        "p": port,
        "r": user,
        "k": alias or address,
        "d": os.path.expanduser("~"),
        "u": getpass.getuser(),
        "i": str(os.getuid()),
        "l": name,
        "L": name.split(".")[0],
        "j": "",
        "C": hashlib.sha1(f"{name}{address}{port}{user}".encode(), usedforsecurity=False).hexdigest(),
    }
