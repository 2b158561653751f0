"""All shipped modules, registered."""

from __future__ import annotations

from deployer.modules import (
    assert_,
    command,
    compose,
    copy,
    data_guard,
    debug,
    docker_engine,
    file,
    gate,
    migrate,
    network,
    project_sync,
    prune,
    release,
    restore,
    schema,
    shell,
    snapshot,
    template,
    volume,
)
from deployer.modules.registry import MODULES

__all__ = [
    "MODULES", "assert_", "command", "compose", "copy", "data_guard", "debug", "docker_engine", "file", "gate",
    "migrate", "network", "project_sync", "prune", "release", "restore", "schema", "shell", "snapshot", "template",
    "volume",
]  # fmt: skip
