"""A login for a registry."""

from __future__ import annotations

from dataclasses import field

from deployer.frozen import dataclass

HUB = "https://index.docker.io/v1/"  # as docker's own configuration calls Docker Hub
HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com")


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who asks a registry for images."""

    server: str  # registry.example.com, or with a port; docker.io is Docker Hub
    username: str
    password: str = field(repr=False)  # or a token

    @property
    def lacks(self) -> str | None:
        """What is empty of it; None: nothing."""
        return next((name for name in ("server", "username", "password") if not getattr(self, name)), None)

    @property
    def key(self) -> str:
        """What docker's configuration knows it by."""
        server = self.server.rpartition("://")[2].partition("/")[0]
        return HUB if server in HUB_NAMES else server
