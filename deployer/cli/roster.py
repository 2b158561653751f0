"""The hosts and groups of a run as its tasks make them more: `add_host` and `group_by` end here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deployer.cli.environment import Environment
from deployer.config.inventory_live import LiveInventory
from deployer.engine.ports import Target
from deployer.model.inventory import Host

MakeTarget = Callable[[Environment, Host], Target]


class LiveRoster:
    """An environment that grows; see `engine.ports.Roster`."""

    def __init__(self, environment: Environment, live: LiveInventory, playbook: Path, make: MakeTarget) -> None:
        self._environment = environment
        self._live = live
        self._playbook = playbook
        self._make = make

    @property
    def environment(self) -> Environment:
        """As it is now."""
        if self._environment.inventory is not self._live.inventory:
            self._environment = self._environment.grown(self._live.inventory)
        return self._environment

    def on(self, pattern: str, doubt: Callable[[str], None]) -> tuple[str, ...]:
        return self.environment.on(pattern, lambda error: doubt(error.message))

    def add(self, host: str, groups: Sequence[str], variables: Mapping[str, Any]) -> bool:
        return self._live.add(host, groups, variables)

    def join(self, host: str, group: str, parents: Sequence[str]) -> bool:
        return self._live.join(host, group, parents)

    def target(self, name: str) -> Target:
        return self._make(self.environment, self.environment.inventory.hosts[name])

    def renewed(self, target: Target) -> Target:
        now, host = self.environment, self.environment.named(target.name)
        extra = {**target.extra, **now.magic(host, self._playbook)}
        return replace(target, variables=now.variables(host), extra=extra)

    def fork(self) -> LiveRoster:
        return LiveRoster(self.environment, self._live.fork(), self._playbook, self._make)
