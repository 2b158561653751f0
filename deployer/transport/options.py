"""What a user may tune about SSH connections; where a host answers is in its Endpoint."""

from __future__ import annotations

from dataclasses import field

from deployer.frozen import dataclass
from deployer.transport.key_files import KeyFiles

USER_KNOWN_HOSTS = "~/.ssh/known_hosts"


@dataclass(frozen=True, kw_only=True)
class SshOptions:
    """Times are seconds; `~` in paths is expanded when they are read."""

    connect_timeout: float = 10.0
    attempts: int = 4  # for faults that pass: refused right after boot, a busy sshd
    patience: float | None = None  # what no ssh_config may lengthen
    keepalive: float = 5.0  # between signs of life
    silence: float = 30.0  # unanswered for so long, a connection counts as lost
    known_hosts: tuple[str, ...] = (USER_KNOWN_HOSTS, f"{USER_KNOWN_HOSTS}2")
    global_known_hosts: tuple[str, ...] = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
    ssh_config: tuple[str, ...] = ("~/.ssh/config", "/etc/ssh/ssh_config")
    keys: KeyFiles = field(default_factory=KeyFiles, compare=False, repr=False)  # shared by all hosts of a run
