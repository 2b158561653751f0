"""Hosts that have no Docker yet, for one run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stage import make_fleet

from bench.hosts import Access, Endpoint
from deployer.lab.host import LabHost

PYTHON = ("python3", "python3-apt")  # Ansible needs them there before it can do anything


@contextmanager
def bare_hosts(room: Path, count: int) -> Iterator[tuple[list[LabHost], tuple[Endpoint, ...], Access]]:
    """Boot hosts, and take them down again."""
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    names = [f"bare{number}" for number in range(1, count + 1)]
    fleet = make_fleet("bare", room / "fleet", docker=False, names=names, packages=PYTHON)
    try:
        machines = [fleet.hosts[name] for name in names]
        endpoints = tuple(Endpoint(name=host.name, address=host.address) for host in machines)
        access = Access(fleet.key, room)
        access.write(
            endpoints, {host.address: [line.split(" ", 1)[1] for line in host.host_keys()] for host in machines}
        )
        yield machines, endpoints, access
    finally:
        fleet.lab.down()
