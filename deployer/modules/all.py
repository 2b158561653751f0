"""All shipped modules, registered."""

from __future__ import annotations

from deployer.modules import (
    assert_,
    command,
    compose,
    copy,
    debug,
    docker_engine,
    file,
    gate,
    migrate,
    network,
    project_sync,
    prune,
    release,
    shell,
    template,
    volume,
)
from deployer.modules.registry import MODULES

__all__ = [
    "MODULES", "assert_", "command", "compose", "copy", "debug", "docker_engine", "file", "gate", "migrate",
    "network", "project_sync", "prune", "release", "shell", "template", "volume",
]  # fmt: skip
