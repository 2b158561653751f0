"""`deploy_snapshot` held against the compose files: a service that nobody knows would be kept nowhere, silently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployer.config.keywords import did_you_mean
from deployer.errors import ProjectError
from deployer.model.project import ComposeProject


def check_snapshots(wanted: Any, compose: ComposeProject) -> None:
    """Raise ProjectError for a service that no compose file defines; how an entry is written is the module's part."""
    entries = wanted if isinstance(wanted, list | tuple) else [wanted] if wanted else []
    for entry in entries:
        name = entry.get("service") if isinstance(entry, Mapping) else entry
        if name not in compose.services:
            services = sorted(compose.services)
            raise ProjectError(
                f"deploy_snapshot names {name!r}, which no compose file defines",
                hint=did_you_mean(name, services) or f"services are {', '.join(services)}",
            )
