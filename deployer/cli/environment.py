"""An environment put together from its files: inventory, variables, endpoints. No host is contacted here."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deployer.cli.options import Choice
from deployer.config.endpoint import endpoint_of, wants_become
from deployer.config.extra_vars import parse_extra_vars
from deployer.config.inventory import find_inventory, load_inventory
from deployer.config.keywords import did_you_mean
from deployer.config.language import Language
from deployer.config.settings import SETTINGS, defaults
from deployer.errors import InventoryError
from deployer.model.connection import Endpoint
from deployer.model.inventory import Host, Inventory
from deployer.modules.all import MODULES
from deployer.protocols import Remote
from deployer.rollout.patterns import select

LOCAL = ("localhost", "127.0.0.1", "::1")
_CONNECTION = ("ansible_", "deploy_known_hosts")


@dataclass(frozen=True)
class Environment:
    """What the files and the command line say about an environment's hosts."""

    choice: Choice

    @cached_property
    def path(self) -> Path:
        return self.choice.inventory or find_inventory(self.choice.environment)

    @cached_property
    def inventory(self) -> Inventory:
        return load_inventory(self.path)

    @cached_property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts of this run; raises InventoryError if there are none."""
        found = select(self.inventory, "all", limit=self.choice.limit)
        if not found:
            raise InventoryError(f"{self.path}: no host is meant", hint="check --limit and the inventory's groups")
        return found

    @cached_property
    def language(self) -> Language:
        return Language(MODULES)

    @cached_property
    def extra(self) -> Mapping[str, Any]:
        return parse_extra_vars(self.choice.extra)

    def on(self, pattern: str) -> tuple[str, ...]:
        """The hosts of this run that a play's pattern means, in order."""
        mine = {host.name for host in self.hosts}
        if pattern.strip() in ("none", ""):
            return ()
        return tuple(host.name for host in select(self.inventory, pattern) if host.name in mine)

    def variables(self, host: Host) -> dict[str, Any]:
        """Defaults and inventory, lowest first, as templates."""
        return {**defaults(), **host.variables}

    @cached_property
    def hostvars(self) -> Mapping[str, Any]:
        """Every host's variables, each rendered in its own scope."""
        known = {
            one.name: ChainMap({**self._own(one), **self.extra}, self.learnt(one.name), self.variables(one))
            for one in self.inventory.hosts.values()
        }
        return self.language.hostvars(known)

    def learnt(self, host: str) -> dict[str, Any]:
        """What a run registers on a host: empty before, and shared with the run."""
        return self._learnt.setdefault(host, {})

    @cached_property
    def _learnt(self) -> dict[str, dict[str, Any]]:
        return {}

    def named(self, name: str) -> Host:
        """A host of the inventory, or this machine; raises InventoryError for any other name."""
        if name in self.inventory.hosts:
            return self.inventory.hosts[name]
        if name in LOCAL:
            return Host(name=name, variables={"ansible_connection": "local"})
        hint = did_you_mean(name, self.inventory.hosts) or "`localhost` is this machine"
        raise InventoryError(f"delegate_to: {name} is no host of the inventory", hint=hint)

    def _own(self, host: Host) -> dict[str, Any]:
        groups = list(host.groups)
        short = host.name.split(".")[0]
        return {"inventory_hostname": host.name, "inventory_hostname_short": short, "group_names": groups}

    def magic(self, host: Host, playbook: Path) -> dict[str, Any]:
        """What nobody can override: -e, and what the tool itself knows."""
        groups = {name: list(self.inventory.members(name)) for name in self.inventory.groups}
        return {
            **self.extra,
            **self._own(host),
            "groups": groups,
            "hostvars": self.hostvars,
            "inventory_dir": str(self.path.resolve().parent),
            "playbook_dir": str(playbook.resolve().parent),
            "deploy_environment": self.choice.environment,
        }

    def rendered(self, host: Host, playbook: Path, names: tuple[str, ...]) -> dict[str, Any]:
        """Some of a host's variables, templates filled in."""
        known = {**self.variables(host), **self.magic(host, playbook)}
        return {name: self.language.render(known[name], known) for name in names if name in known}

    def settings(self, host: Host, playbook: Path) -> dict[str, Any]:
        return self.rendered(host, playbook, tuple(setting.name for setting in SETTINGS))

    def endpoint(self, host: Host) -> tuple[Endpoint, bool]:
        """How a host is reached, and whether its variables ask for sudo."""
        names = tuple(name for name in {**self.variables(host), **self.extra} if name.startswith(_CONNECTION))
        rendered = self.rendered(host, self.path, names)
        return endpoint_of(host, rendered), bool(wants_become(rendered))

    def remote(self, host: Host) -> Remote:
        from deployer.transport.connect import remote_for

        return remote_for(self.endpoint(host)[0])
