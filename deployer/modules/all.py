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
    fetch,
    file,
    gate,
    get_url,
    lineinfile,
    migrate,
    network,
    pause,
    project_sync,
    prune,
    release,
    restore,
    schema,
    script,
    set_fact,
    shell,
    slurp,
    snapshot,
    stat,
    template,
    uri,
    volume,
    wait_for,
)
from deployer.modules.registry import MODULES

__all__ = [
    "MODULES", "assert_", "blockinfile", "command", "compose", "copy", "data_guard", "debug", "docker_engine",
    "fail", "fetch", "file", "gate", "get_url", "lineinfile", "migrate", "network", "pause", "project_sync",
    "prune", "release", "restore", "schema", "script", "set_fact", "shell", "slurp", "snapshot", "stat", "template",
    "uri", "volume", "wait_for",
]  # fmt: skip
