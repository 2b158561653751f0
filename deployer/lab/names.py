"""How this machine finds addresses for names, so that its lab hosts find the same."""

from __future__ import annotations

import ipaddress
from pathlib import Path

_RESOLV_CONF = Path("/etc/resolv.conf")
_SYSTEMD_RESOLVED = Path("/run/systemd/resolve/resolv.conf")  # the servers behind its stub on 127.0.0.53


def usable_resolv_conf(text: str) -> str:
    """Return a resolv.conf without servers that answer on this machine only; empty if no other is left."""
    lines = [line.strip() for line in text.splitlines()]
    servers = [line for line in lines if line.startswith("nameserver") and not _is_loopback(line.split()[1:])]
    others = [line for line in lines if line.startswith(("search", "domain", "options"))]
    return "\n".join([*others, *servers, ""]) if servers else ""


def named_addresses(hosts_file: str) -> dict[str, str]:
    """Return name → address of the lines of a hosts file that mean the same elsewhere."""
    found: dict[str, str] = {}
    for line in hosts_file.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if names and not _is_loopback([address]):
            found |= dict.fromkeys(names, address)
    return found


def read_resolv_conf() -> str:
    """Return this machine's resolv.conf as its hosts can use it; empty leaves it to Docker."""
    texts = [path.read_text() for path in (_RESOLV_CONF, _SYSTEMD_RESOLVED) if path.is_file()]
    return next(filter(None, map(usable_resolv_conf, texts)), "")


def read_named_addresses() -> dict[str, str]:
    """Return the names that this machine's /etc/hosts gives to other machines."""
    path = Path("/etc/hosts")
    return named_addresses(path.read_text()) if path.is_file() else {}


def _is_loopback(words: list[str]) -> bool:
    try:
        address = ipaddress.ip_address(words[0].partition("%")[0])
    except (IndexError, ValueError):
        return True  # nothing that a host could use
    return address.is_loopback or address.is_multicast or address.is_link_local
