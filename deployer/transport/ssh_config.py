"""Where a host really answers, as ~/.ssh/config completes what the inventory leaves open.

Values of the inventory win; the lookup is by ansible_host, as it is for Ansible and ssh.
"""

from __future__ import annotations

import getpass
import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import ConnectError
from deployer.model.connection import Endpoint
from deployer.transport.known_hosts import SSH_PORT, host_names
from deployer.transport.options import SshOptions

if TYPE_CHECKING:
    import paramiko

INCLUDE = re.compile(r"^\s*include[\s=]+(.+?)\s*$", re.IGNORECASE)
DEPTH = 16  # nested Includes, as in OpenSSH


@dataclass(frozen=True, kw_only=True)
class Route:
    """Everything that a connection to one host needs, decided."""

    host: str  # the inventory's name, for messages
    address: str
    port: int
    user: str
    names: tuple[str, ...]  # to look its key up by, the primary one first
    key_files: tuple[str, ...] = ()
    agent: bool = True
    default_keys: bool = True  # look for ~/.ssh/id_*
    known_hosts: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()  # user@host:port, the nearest first
    proxy_command: str | None = None
    is_jump: bool = False  # somebody else's way, not a host of the inventory

    @property
    def label(self) -> str:
        return f"{self.user}@{self.address}:{self.port}"


def route_to(endpoint: Endpoint, options: SshOptions) -> Route:
    """Complete an endpoint. Raises ConnectError where an ssh_config cannot be read."""
    found = _lookup(endpoint, options)
    address = found.get("hostname", endpoint.address)
    port = endpoint.port or int(found.get("port", SSH_PORT))
    configured = tuple(path for path in found.get("identityfile", ()) if os.path.isfile(path))
    keys = ((endpoint.key_file,) if endpoint.key_file else ()) + configured
    return Route(
        host=endpoint.name,
        address=address,
        port=port,
        user=endpoint.user or found.get("user") or getpass.getuser(),
        names=host_names(address, port, found.get("hostkeyalias")),
        key_files=keys,
        agent=found.get("identityagent", "").lower() != "none",
        default_keys=not keys,
        known_hosts=_known_hosts(endpoint, options, found),
        jumps=_jumps(found.get("proxyjump")),
        proxy_command=found.get("proxycommand"),
    )


def _known_hosts(endpoint: Endpoint, options: SshOptions, found: dict[str, str]) -> tuple[str, ...]:
    named = found.get("userknownhostsfile", "") + " " + found.get("globalknownhostsfile", "")
    return (*endpoint.known_hosts, *named.split(), *options.known_hosts)


def _jumps(text: str | None) -> tuple[str, ...]:
    if not text or text.strip().lower() == "none":
        return ()
    return tuple(hop.strip().removeprefix("ssh://") for hop in text.split(","))


def _lookup(endpoint: Endpoint, options: SshOptions) -> dict[str, str]:
    import paramiko

    files = tuple(path for path in map(os.path.expanduser, options.ssh_config) if os.path.isfile(path))
    try:
        config = _read(tuple((path, os.stat(path).st_mtime_ns) for path in files))
        return dict(config.lookup(endpoint.address))
    except (paramiko.SSHException, OSError, ValueError) as fault:
        raise ConnectError(
            f"cannot read {' or '.join(files)}: {fault}", host=endpoint.name, hint="correct the ssh configuration"
        ) from fault


@lru_cache(maxsize=8)
def _read(files: tuple[tuple[str, int], ...]) -> paramiko.SSHConfig:
    import paramiko

    config = paramiko.SSHConfig()
    for path, _ in files:
        config.parse(_expanded(Path(path), DEPTH))
    return config


def _expanded(file: Path, depth: int) -> Iterator[str]:
    """The lines of a file with those of its Includes in their place, which paramiko does not read."""
    for line in file.read_text(errors="replace").splitlines():
        found = INCLUDE.match(line)
        if not found:
            yield line
        elif depth:
            for name in _included(found[1], file):
                yield from _expanded(Path(name), depth - 1)


def _included(patterns: str, file: Path) -> Iterator[str]:
    for pattern in patterns.replace('"', "").split():
        base = Path(os.path.expanduser(pattern))
        yield from sorted(name for name in glob.glob(str(file.parent / base)) if os.path.isfile(name))
