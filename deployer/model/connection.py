"""How one host is reached, read from its connection variables."""

from __future__ import annotations

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a host answers and as whom we log in; unset values leave the choice to ~/.ssh/config and the agent."""

    name: str  # inventory_hostname
    address: str  # ansible_host, or the name
    port: int | None = None
    user: str | None = None
    key_file: str | None = None  # ansible_ssh_private_key_file, `~` expanded, relative to the working folder
    known_hosts: tuple[str, ...] = ()  # extra files beside the user's and the system's
    local: bool = False  # ansible_connection: local
    become_password: str | None = None
    password: str | None = None  # ansible_password: to log in with
    key_passphrase: str | None = None  # of key_file
    ssh_options: tuple[tuple[str, str], ...] = ()  # what ansible_ssh_common_args and its kin say, as of ssh_config

    def __repr__(self) -> str:
        return f"Endpoint({self.name} = {self.user or '-'}@{self.address}:{self.port or 22})"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a remote command ended with; `status` is None if it ended without one (killed, connection lost)."""

    status: int | None
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status == 0


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What one Remote has cost so far: counted, not timed. Bytes are those on the wire, both ways apart."""

    connections: int = 0
    execs: int = 0  # channels opened for commands
    bytes_out: int = 0
    bytes_in: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            connections=self.connections + other.connections,
            execs=self.execs + other.execs,
            bytes_out=self.bytes_out + other.bytes_out,
            bytes_in=self.bytes_in + other.bytes_in,
        )
