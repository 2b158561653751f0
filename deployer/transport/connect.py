"""Chooses the Remote for an endpoint; what a Remote does is left to it."""

from __future__ import annotations

from deployer.model.connection import Endpoint
from deployer.protocols import Remote
from deployer.transport.options import SshOptions

__all__ = ["SshOptions", "remote_for"]


def remote_for(endpoint: Endpoint, options: SshOptions | None = None) -> Remote:
    """The Remote for a host, not connected yet."""
    if endpoint.local:
        from deployer.transport.local import LocalRemote

        return LocalRemote(endpoint)
    from deployer.transport.ssh import SshRemote

    return SshRemote(endpoint, options=options or SshOptions())
