"""Hosts that have no Docker yet: many are booted at once, and each is used once."""

from __future__ import annotations

import shutil
from pathlib import Path

from stage import Fleet, make_fleet

from bench.hosts import Access, Endpoint
from deployer.lab.host import LabHost

PYTHON = ("python3", "python3-apt")  # Ansible needs them there before it can do anything


class BareHosts:
    """Gives out hosts, and boots new ones when all are used."""

    def __init__(self, room: Path, count: int) -> None:
        self._room = room
        self._names = [f"bare{number:02}" for number in range(1, count + 1)]
        self._fleet: Fleet | None = None
        self._unused: list[LabHost] = []

    def take(self, count: int) -> tuple[list[LabHost], tuple[Endpoint, ...], Access]:
        """Some that nobody has used, and how to log in to them."""
        if len(self._unused) < count:
            self._boot()
        taken, self._unused = self._unused[:count], self._unused[count:]
        endpoints = tuple(Endpoint(name=host.name, address=host.address) for host in taken)
        assert self._fleet
        access = Access(self._fleet.key, self._room)
        access.write(endpoints, {host.address: [one.split(" ", 1)[1] for one in host.host_keys()] for host in taken})
        return taken, endpoints, access

    def close(self) -> None:
        if self._fleet:
            self._fleet.lab.down()
        self._fleet, self._unused = None, []

    def _boot(self) -> None:
        self.close()
        shutil.rmtree(self._room, ignore_errors=True)
        self._room.mkdir()
        self._fleet = make_fleet("bare", self._room / "fleet", docker=False, names=self._names, packages=PYTHON)
        self._unused = [self._fleet.hosts[name] for name in self._names]
