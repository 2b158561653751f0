"""An inventory that grows while a run lasts: hosts and groups that tasks add, with the variables that they bring."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deployer.config import values
from deployer.config.inventory import Merge
from deployer.config.inventory_draft import Draft
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import NOWHERE
from deployer.model.inventory import Inventory


class LiveInventory:
    """What sources say together, and what was added since; several threads may add.

    group_vars and host_vars of what is added count, wherever they lie.
    """

    def __init__(self, draft: Draft, merged: Inventory, folders: Sequence[Path], vault: Keyring = NO_KEYS) -> None:
        self._draft = draft
        self._folders = folders
        self._vault = vault
        self._path = merged.path
        self._lock = threading.Lock()
        self._merged: Inventory | None = merged

    @property
    def inventory(self) -> Inventory:
        """All hosts and groups as they are now."""
        with self._lock:
            if self._merged is None:
                self._merged = self._merge()
            return self._merged

    def _merge(self) -> Inventory:
        self._draft.close()
        found = Merge(self._draft, self._folders, self._vault).inventory(self._path)
        self._draft.errors.settle()
        return found

    def add(self, host: str, groups: Sequence[str], variables: Mapping[str, Any]) -> bool:
        """Put a host into groups, each made if need be; its variables win over what it has. False: nothing is new."""
        with self._lock:
            known = self._draft.hosts.get(host)
            new = known is None or any(known.get(name, ...) != value for name, value in variables.items())
            for group in groups or ("ungrouped",):
                new = self._put(host, group) or new
            self._draft.set_host_variables(host, values.Mapping(variables.items()))
            return self._noted(new)

    def join(self, host: str, group: str, parents: Sequence[str]) -> bool:
        """Put a host that is known into a group below these others. False: that is how it was."""
        with self._lock:
            new = any(parent not in self._draft.groups for parent in parents)
            for parent in parents:
                new = new or group not in self._draft.group(parent).children
                self._draft.add_child(parent, group, NOWHERE)
            new = self._put(host, group) or new
            return self._noted(new)

    def fork(self) -> LiveInventory:
        """A copy that grows for itself."""
        with self._lock:
            return LiveInventory(copy.deepcopy(self._draft), self._merged or self._merge(), self._folders, self._vault)

    def _put(self, host: str, group: str) -> bool:
        if host in self._draft.group(group).hosts:
            return False
        self._draft.add_host(group, host, NOWHERE)
        return True

    def _noted(self, new: bool) -> bool:
        if new:
            self._merged = None
        return new
