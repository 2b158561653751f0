"""Where the tools find the hosts: one list of SSH endpoints, said in the form that each tool reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

USER = "deploy"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One sshd: where a tool reaches it, and where the host itself answers."""

    name: str
    address: str
    port: int = 22
    home: str = ""  # the host's own address, where `address` is a proxy's

    @property
    def host(self) -> str:
        return self.home or self.address

    @property
    def known_as(self) -> str:
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"


@dataclass(frozen=True)
class Access:
    """How to log in: the key, and the files that all tools share for one list of endpoints."""

    key: Path
    room: Path

    @property
    def known_hosts(self) -> Path:
        return self.room / "known_hosts"

    @property
    def config(self) -> Path:
        return self.room / "ssh_config"

    def write(self, endpoints: Sequence[Endpoint], keys: dict[str, list[str]]) -> None:
        """Write ssh_config and known_hosts; `keys` has every host's keys by its own address."""
        lines = [f"{one.known_as} {key}\n" for one in endpoints for key in keys[one.host]]
        self.known_hosts.write_text("".join(lines))
        self.config.write_text("".join(self._host(one) for one in endpoints) + self._common())

    def _host(self, endpoint: Endpoint) -> str:
        return f"Host {endpoint.name}\n  HostName {endpoint.address}\n  Port {endpoint.port}\n"

    def _common(self) -> str:
        return (
            f"Host *\n  User {USER}\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n  BatchMode yes\n"
            f"  StrictHostKeyChecking yes\n  UserKnownHostsFile {self.known_hosts}\n"
            f"  GlobalKnownHostsFile /dev/null\n  LogLevel ERROR\n"
        )
