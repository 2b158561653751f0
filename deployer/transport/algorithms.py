"""Which algorithms a connection may use: those of today, fast ones first, and older ones only where ssh_config asks."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import paramiko

OLD = ("*-cbc", "*-md5*", "hmac-sha1-96*", "*-sha1")  # what paramiko offers by itself, and OpenSSH does not
STILL_OFFERED = ("hmac-sha1",)  # by OpenSSH too
FAST = ("*-gcm@openssh.com",)  # one step for secrecy and integrity, which is two with others, one of them in Python


def apply_algorithms(transport: paramiko.Transport, said: Sequence[tuple[str, str]]) -> None:
    """Leave out what is old; then, for each list, do what was said about it."""
    security = transport.get_security_options()
    for name, text in said:
        known = tuple(getattr(security, name))
        setattr(security, name, chosen(text, known) or known)


def chosen(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """A list as ssh_config may change it: `a,b` is the list, `+a` adds, `-a` takes away, `^a` puts first.

    What is not known is passed over, as by OpenSSH when it comes from elsewhere.
    """
    sound = (one for one in known if one in STILL_OFFERED or not _is_one_of(one, OLD))
    usual = tuple(sorted(sound, key=lambda one: not _is_one_of(one, FAST)))
    sign, patterns = (text[:1], text[1:]) if text[:1] in ("+", "-", "^") else ("", text)
    named = tuple(filter(None, patterns.strip().split(",")))
    picked = tuple(one for pattern in named for one in known if fnmatchcase(one, pattern))
    if not named:
        return usual
    if sign == "-":
        return tuple(one for one in usual if one not in picked)
    order = {"": picked, "+": (*usual, *picked), "^": (*picked, *usual)}[sign]
    return tuple(dict.fromkeys(order))


def _is_one_of(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
