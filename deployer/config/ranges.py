"""Host names as inventories write them: `web[01:10:2].example.org`, `host:2222`, `[2001:db8::1]:2222`.

Pure text to text; where the text stood in a file is the caller's to say. After `expand_hostname_range` in
ansible-core's plugins/inventory/__init__.py.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from ipaddress import IPv6Address
from itertools import product

from deployer.rollout.addresses import parse_address

MOST_HOSTS = 65_536  # of one pattern; more is a typing error

BRACKETS = re.compile(r"\[([^\[\]]*)\]")
NAME = re.compile(r"\w[\w.-]*")


def expand_hosts(pattern: str) -> tuple[tuple[str, ...], int | None]:
    """All host names that a pattern stands for, in order, and the port if it has one.

    Empty for a range of numbers that runs backwards, as in Ansible. Raises ValueError, with a sentence for a person,
    for anything that is no host name or no range.
    """
    text, port = parse_address(pattern) or (pattern, None)
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
    if len(pieces) == 1:
        return (text,)
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
        if first > last:
            raise ValueError(f"range [{bounds}] runs backwards")
        return string.ascii_letters[first : last + 1 : step]
    if not (_is_number(start) and _is_number(end)):
        raise ValueError(f"range [{bounds}] must go from number to number or from letter to letter")
    values = range(int(start), int(end) + 1, step)
    if len(values) > MOST_HOSTS:
        raise ValueError(f"range [{bounds}] stands for more than {MOST_HOSTS} hosts")
    return [str(value).zfill(width) for value in values]


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
    return text.isascii() and text.isdigit() and len(text) < 20
