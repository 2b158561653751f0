"""An inventory as a playbook meets it: what is known of each host before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any

from deployer.config.language import Language
from deployer.config.settings import defaults
from deployer.config.static import which
from deployer.config.templates import Templates
from deployer.config.values import Mapping as Placed
from deployer.config.vault_keys import Keyring
from deployer.frozen import dataclass
from deployer.model.inventory import Host, Inventory


@dataclass(frozen=True)
class World:
    """Everything that linting a playbook on an inventory needs."""

    inventory: Inventory
    above: Callable[[Host], Mapping[str, Any]]  # what nothing overrides: -e, and what the tool itself knows
    modules: Mapping[str, type[Any]]
    vault: Keyring
    folder: Path  # of the playbook
    is_whole: bool = True  # all files of the inventory could be read
    defaults: Mapping[str, Any] = field(default_factory=defaults)

    @cached_property
    def templates(self) -> Templates:
        return Templates(self.vault)

    @cached_property
    def language(self) -> Language:
        return Language(self.modules, self.vault)

    def variables(self, host: Host, *layers: Mapping[str, Any]) -> Placed:
        """What is known of a host, with places; what comes later wins, and above all `above`."""
        merged = Placed()
        for layer in (self.defaults, host.variables, *layers, self.above(host)):
            merged.take(dict(layer) if not isinstance(layer, Placed) else layer)
        return merged

    def alike(self, hosts: Iterable[Host]) -> list[tuple[Host, ...]]:
        """The hosts in groups that have the same variables, whatever their values."""
        found: dict[object, list[Host]] = {}
        for host in hosts:
            found.setdefault((host.groups, frozenset(host.variables)), []).append(host)
        return [tuple(some) for some in found.values()]

    def where(self, hosts: Iterable[str], among: int) -> tuple[str, ...]:
        """`on all 3 hosts of inventories/prod.yml`."""
        names = list(hosts)
        return (f"{which(names, among) if among > 1 else f'on {names[0]}'} of {self.inventory.path}",)
