"""An inventory while its files are being read: groups, hosts and variables in the order in which they are met.

The INI and the YAML reader fill it; `inventory` adds group_vars and makes the frozen nouns of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from deployer.config.ranges import expand_hosts
from deployer.config.text import Mapping
from deployer.errors import NOWHERE, InventoryError, Place

PRIORITY = "ansible_group_priority"


@dataclass
class GroupDraft:
    """What has been read of one group so far; `children` keeps where each was named."""

    name: str
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, Place] = field(default_factory=dict)
    variables: Mapping = field(default_factory=Mapping)
    priority: int = 1
    depth: int = 0  # the longest way from `all`


class Draft:
    """All groups by name, `all` and `ungrouped` first, and every host's own variables."""

    def __init__(self) -> None:
        self.groups: dict[str, GroupDraft] = {}
        self.hosts: dict[str, Mapping] = {}
        self.group("all").children["ungrouped"] = NOWHERE
        self.group("ungrouped")

    def group(self, name: str) -> GroupDraft:
        """The group of that name; a new one if it is not known yet."""
        return self.groups.setdefault(name, GroupDraft(name))

    def add_child(self, parent: str, child: str, place: Place) -> None:
        self.group(parent).children.setdefault(child, place)
        self.group(child)

    def add_hosts(self, group: str, pattern: str, variables: Mapping, place: Place) -> None:
        """Put all hosts of a pattern into a group; what was said of them before stays unless it is said again."""
        try:
            names, port = expand_hosts(pattern)
        except ValueError as problem:
            raise InventoryError(str(problem), place=place, hint=_host_hint(pattern)) from None
        for name in names:
            known = self.hosts.setdefault(name, Mapping())
            if port is not None and "ansible_port" not in known:
                known["ansible_port"] = port
                known.places["ansible_port"] = place
            known.take(variables)
            self.group(group).hosts[name] = None

    def set_variables(self, group: str, variables: Mapping) -> None:
        """Set a group's variables; its priority is none of them."""
        target = self.group(group)
        target.variables.take(variables)
        if PRIORITY in target.variables:
            place = target.variables.places[PRIORITY]
            target.priority = _priority(target.variables.pop(PRIORITY), place)

    def close(self) -> None:
        """Give every group a parent and every host a group, and find how deep each group lies.

        Raises InventoryError for groups that contain each other.
        """
        self._adopt_orphans()
        self._settle_ungrouped()
        parents = self.parents()
        for name in self._parents_first(parents):
            depths = [self.groups[parent].depth for parent in parents[name]]
            self.groups[name].depth = max(depths, default=-1) + 1

    def parents(self) -> dict[str, list[str]]:
        """For every group, the groups that name it as their child."""
        result: dict[str, list[str]] = {name: [] for name in self.groups}
        for group in self.groups.values():
            for child in group.children:
                result[child].append(group.name)
        return result

    def _adopt_orphans(self) -> None:
        for name, parents in self.parents().items():
            if not parents and name != "all":
                self.groups["all"].children[name] = NOWHERE

    def _settle_ungrouped(self) -> None:
        """`ungrouped` has the hosts that are in no group but `all`."""
        ungrouped = self.groups["ungrouped"].hosts
        others = [group for group in self.groups.values() if group.name not in ("all", "ungrouped")]
        grouped = {host for group in others for host in group.hosts}
        for host in self.hosts:
            if host in grouped:
                ungrouped.pop(host, None)
            else:
                ungrouped[host] = None

    def _parents_first(self, parents: dict[str, list[str]]) -> list[str]:
        try:
            return list(TopologicalSorter(parents).static_order())
        except CycleError as found:
            raise self._cycle(found.args[1]) from None

    def _cycle(self, names: list[str]) -> InventoryError:
        edges = [self.groups[one].children[next_one] for one, next_one in pairwise(names)]
        place = max((edge for edge in edges if edge is not NOWHERE), key=lambda edge: (edge.path, edge.line))
        way = " → ".join(f"'{name}'" for name in names)
        if len(names) == 2:
            return InventoryError(f"group {names[0]!r} is its own child", place=place, hint="remove it there")
        return InventoryError(f"groups contain each other: {way}", place=place, hint="remove one of these children")


def _priority(value: Any, place: Place) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise InventoryError(f"{PRIORITY} must be a number", place=place, hint=f"write `{PRIORITY}: 10`") from None


def _host_hint(pattern: str) -> str:
    if "@" in pattern:
        user, _, name = pattern.partition("@")
        return f"name the host `{name}` and set `ansible_user: {user}`"
    return "a host is a name or an address, with ranges like web[1:3] and a port like :2222"
