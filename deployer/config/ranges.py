"""Host names as inventories write them: `web[01:10:2].example.org`, `host:2222`, `[2001:db8::1]:2222`.

Pure text to text; where the text stood in a file is the caller's to say.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from ipaddress import IPv6Address
from itertools import product

MOST_HOSTS = 65_536  # of one pattern; more is a typing error

BRACKETS = re.compile(r"\[([^\[\]]*)\]")
WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])+):([0-9]+)")
BRACKETED_WITH_PORT = re.compile(r"\[(.+)\]:([0-9]+)")
NAME = re.compile(r"\w[\w.-]*")


def expand_hosts(pattern: str) -> tuple[tuple[str, ...], int | None]:
    """All host names that a pattern stands for, in order, and the port if it has one.

    Raises ValueError, with a sentence for a person, for anything that is no host name or no range.
    """
    text, port = _split_port(pattern)
    names = expand_ranges(text)
    for name in names:
        if not is_host_name(name):
            raise ValueError(f"'{pattern}' is no host name")
    if port is not None and not 0 < port < 65_536:
        raise ValueError(f"port {port} of '{pattern}' is not between 1 and 65535")
    return names, port


def expand_ranges(text: str) -> tuple[str, ...]:
    """Every `[start:end:step]` of the text replaced by its values; the rightmost varies fastest."""
    pieces = BRACKETS.split(text)
    choices: list[Sequence[str]] = [
        range_values(piece) if index % 2 else (piece,) for index, piece in enumerate(pieces)
    ]
    if math.prod(len(choice) for choice in choices) > MOST_HOSTS:
        raise ValueError(f"'{text}' stands for more than {MOST_HOSTS} hosts")
    return tuple("".join(parts) for parts in product(*choices))


def range_values(bounds: str) -> Sequence[str]:
    """The values of `start:end` or `start:end:step`: end included, numbers or single letters, 0-padded as start is."""
    start, end, step = _bounds(bounds)
    width = len(start) if start.startswith("0") and len(start) > 1 else 0
    if width and width != len(end):
        raise ValueError(f"range [{bounds}]: start and end must be of equal length when they are padded with 0")
    if start in string.ascii_letters and end in string.ascii_letters:
        first, last = string.ascii_letters.index(start), string.ascii_letters.index(end)
    elif _is_number(start) and _is_number(end):
        first, last = int(start), int(end)
    else:
        raise ValueError(f"range [{bounds}] must go from number to number or from letter to letter")
    if first > last:
        raise ValueError(f"range [{bounds}] runs backwards")
    values = range(first, last + 1, step)
    if len(values) > MOST_HOSTS:
        raise ValueError(f"range [{bounds}] stands for more than {MOST_HOSTS} hosts")
    return [str(value).zfill(width) if _is_number(start) else string.ascii_letters[value] for value in values]


def is_host_name(name: str) -> bool:
    """Whether it is a name or an address that a host can have in an inventory."""
    return bool(NAME.fullmatch(name)) or is_ipv6(name)


def is_ipv6(text: str) -> bool:
    """Whether it is a bare IPv6 address, a zone included."""
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _split_port(pattern: str) -> tuple[str, int | None]:
    bracketed = BRACKETED_WITH_PORT.fullmatch(pattern)
    if bracketed and _stands_for_names(bracketed[1]):  # else it is a range: `[1:3]:2222`
        return bracketed[1], int(bracketed[2])
    plain = WITH_PORT.fullmatch(pattern)
    return (plain[1], int(plain[2])) if plain else (pattern, None)


def _stands_for_names(text: str) -> bool:
    try:
        return all(is_host_name(name) for name in expand_ranges(text))
    except ValueError:
        return False


def _bounds(bounds: str) -> tuple[str, str, int]:
    parts = bounds.split(":")
    if len(parts) not in (2, 3):
        raise ValueError(f"range [{bounds}] must be [start:end] or [start:end:step]")
    start, end, step = parts[0] or "0", parts[1], parts[2] if len(parts) == 3 else "1"
    if not end:
        raise ValueError(f"range [{bounds}] has no end")
    if not _is_number(step) or int(step) == 0:
        raise ValueError(f"range [{bounds}]: the step must be a number from 1")
    return start, end, int(step)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
