"""Host names with a port and ranges, as Ansible tells them from other words: `web[1:3]:2222`, `[2001:db8::1]:22`.

After `parse_address` in ansible-core's parsing/utils/addresses.py. What a range stands for, `config.ranges` knows.
"""

from __future__ import annotations

import re

_NUMBERS = r"\[(?:[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_HEXADECIMAL = r"\[(?:[0-9a-f]+:[0-9a-f]+)(?::[0-9]+)?\]"
_LETTERS = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_FOUR = rf"(?:[01]?[0-9]{{1,2}}|2[0-4][0-9]|25[0-5]|{_NUMBERS})"
_SIX = rf"(?:[0-9a-f]{{1,4}}|{_HEXADECIMAL})"
_LABEL = rf"(?:[\w]|{_LETTERS})(?:[\w_-]|{_LETTERS})*(?<![_-])"

BRACKETED_PORT = re.compile(r"^\[(.+)\]:([0-9]+)$")
PLAIN_PORT = re.compile(r"^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$")
IPV4 = re.compile(rf"^(?:{_FOUR}\.){{3}}{_FOUR}$", re.IGNORECASE)
IPV6 = re.compile(
    rf"""^(?:(?:{_SIX}:){{7}}{_SIX}|(?:{_SIX}:){{1,6}}:|(?:{_SIX}:)(?::{_SIX}){{1,6}}|(?:{_SIX}:){{2}}(?::{_SIX}){{1,5}}
    |(?:{_SIX}:){{3}}(?::{_SIX}){{1,4}}|(?:{_SIX}:){{4}}(?::{_SIX}){{1,3}}|(?:{_SIX}:){{5}}(?::{_SIX}){{1,2}}
    |(?:{_SIX}:){{6}}(?::{_SIX})|:(?::{_SIX}){{1,6}}|{_SIX}?::|(?:0:){{6}}(?:{_SIX}\.){{3}}{_SIX}
    |::(?:ffff:)?(?:{_SIX}\.){{3}}{_SIX}|(?:0:){{5}}ffff:(?:{_SIX}\.){{3}}{_SIX})$""",
    re.IGNORECASE | re.VERBOSE,
)
HOST_NAME = re.compile(rf"^{_LABEL}(?:\.{_LABEL})*$", re.IGNORECASE)


def parse_address(text: str) -> tuple[str, int | None] | None:
    """A host's name, its ranges unexpanded, and its port; None if it is no name and no address."""
    port = None
    for form in (BRACKETED_PORT, PLAIN_PORT):  # one after the other, as in Ansible
        if found := form.match(text):
            text, port = found[1], int(found[2])
    return (text, port) if any(form.match(text) for form in (IPV4, IPV6, HOST_NAME)) else None
