"""All shipped modules, registered."""

from __future__ import annotations

from deployer.modules import (
    assert_,
    blockinfile,
    command,
    compose,
    copy,
    data_guard,
    debug,
    docker_engine,
    fail,
    file,
    gate,
    lineinfile,
    migrate,
    network,
    pause,
    project_sync,
    prune,
    release,
    restore,
    schema,
    set_fact,
    shell,
    slurp,
    snapshot,
    stat,
    template,
    volume,
)
from deployer.modules.registry import MODULES

__all__ = [
    "MODULES", "assert_", "blockinfile", "command", "compose", "copy", "data_guard", "debug", "docker_engine",
    "fail", "file", "gate", "lineinfile", "migrate", "network", "pause", "project_sync", "prune", "release",
    "restore", "schema", "set_fact", "shell", "slurp", "snapshot", "stat", "template", "volume",
]  # fmt: skip
