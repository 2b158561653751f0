"""An inventory while its files are being read: groups, hosts and variables in the order in which they are met.

The INI and the YAML reader fill it; `inventory` adds group_vars and makes the frozen nouns of it.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from deployer.config.collector import Collector
from deployer.config.ranges import MOST_HOSTS, expand_hosts
from deployer.config.values import Mapping, place_of
from deployer.errors import NOWHERE, InventoryError, Place, TooManyHostsError

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
    """All groups by name, `all` and `ungrouped` first, and every host's own variables.

    Of files in `encrypted` no warning shows what stands there.
    """

    def __init__(self, encrypted: Set[str] = frozenset()) -> None:
        self.encrypted = encrypted
        self.groups: dict[str, GroupDraft] = {}
        self.hosts: dict[str, Mapping] = {}  # what several hosts share is never changed, but replaced
        self.sources: dict[str, str] = {}  # host -> the file that named it first
        self.warnings: list[str] = []
        self.errors = Collector()  # what is wrong, and was not read
        self.group("all").children["ungrouped"] = NOWHERE
        self.group("ungrouped")

    def group(self, name: str) -> GroupDraft:
        """The group of that name; a new one if it is not known yet."""
        return self.groups.setdefault(name, GroupDraft(name))

    def add_child(self, parent: str, child: str, place: Place) -> None:
        self.group(parent).children.setdefault(child, place)
        self.group(child)

    def warn(self, message: str, place: Place) -> None:
        """Note what is odd, and no error to Ansible either."""
        if place.path in self.encrypted:
            message = f"odd, but it may be a secret and is not shown; `deploy vault view {place.path}` shows it"
        self.warnings.append(f"{place}: {message}")

    def add_hosts(self, group: str, pattern: str, variables: Mapping, place: Place) -> None:
        """Put all hosts of a pattern into a group; what was said of them before stays unless it is said again."""
        try:
            names, port = expand_hosts(pattern)
        except ValueError as problem:
            raise InventoryError(str(problem), place=place, hint=_host_hint(pattern)) from None
        if not names:
            self.warn(f"'{pattern}' stands for no host: its range runs backwards", place)
        for name in names:
            self.add_host(group, name, place, port)
            self.set_host_variables(name, variables)

    def add_host(self, group: str, name: str, place: Place, port: int | None = None) -> None:
        """Put one host into a group; a port counts where the host is named first, as in Ansible."""
        if name not in self.hosts:
            self.hosts[name] = Mapping() if port is None else _port(port, place)
            self.sources[name] = place.path
            if len(self.hosts) > MOST_HOSTS:
                raise TooManyHostsError(
                    f"more than {MOST_HOSTS} hosts", place=place, hint="a fleet of that size needs several inventories"
                )
        self.group(group).hosts[name] = None

    def set_host_variables(self, name: str, variables: Mapping) -> None:
        """Set variables of a host, or of the group that has the same name: in Ansible the group comes first."""
        if name in self.groups:
            self.set_variables(name, variables)
        elif not self.hosts[name]:
            self.hosts[name] = variables
        elif variables:
            fresh = Mapping(self.hosts[name].items(), places=dict(self.hosts[name].places))
            fresh.take(variables)
            self.hosts[name] = fresh

    def set_variables(self, group: str, variables: Mapping) -> None:
        """Set a group's variables; its priority is none of them."""
        target = self.group(group)
        target.variables.take(variables)
        if PRIORITY in target.variables:
            place = place_of(target.variables, PRIORITY)
            target.priority = _priority(target.variables.pop(PRIORITY), place)

    def close(self) -> None:
        """Give every group a parent and every host a group, and find how deep each group lies.

        Raises InventoryError for groups that contain each other.
        """
        self._adopt_orphans()
        self._settle_ungrouped()
        self._note_clashes()
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
        """`ungrouped` has the hosts that are in no group but `all`; none, if it is a group's child itself.

        Of a host and a group of one name, Ansible takes the group there.
        """
        ungrouped = self.groups["ungrouped"].hosts
        others = [group for group in self.groups.values() if group.name not in ("all", "ungrouped")]
        grouped = {host for group in others for host in group.hosts}
        is_child = any("ungrouped" in group.children for group in others)
        for host in [host for host in ungrouped if is_child or host in grouped]:
            del ungrouped[host]
            grouped.add(host)
        for host in [host for host in self.hosts if host not in grouped]:
            if host not in self.groups:
                ungrouped[host] = None
            elif host not in ungrouped:
                self.groups["ungrouped"].children.setdefault(host, NOWHERE)

    def _note_clashes(self) -> None:
        for name in self.groups:
            if name in self.hosts:
                self.warnings.append(f"{self.sources[name]}: '{name}' is the name of a host and of a group")

    def _parents_first(self, parents: dict[str, list[str]]) -> list[str]:
        try:
            return list(TopologicalSorter(parents).static_order())
        except CycleError as found:
            raise self._cycle(found.args[1]) from None

    def _cycle(self, names: list[str]) -> InventoryError:
        edges = [self.groups[one].children[next_one] for one, next_one in pairwise(names)]
        known = [edge for edge in edges if edge is not NOWHERE] or [Place(path) for path in self.sources.values()]
        place = max(known, key=lambda edge: (edge.path, edge.line), default=None)
        way = " → ".join(f"'{name}'" for name in names)
        if len(names) == 2:
            return InventoryError(f"group {names[0]!r} is its own child", place=place, hint="remove it there")
        return InventoryError(f"groups contain each other: {way}", place=place, hint="remove one of these children")


def _port(port: int, place: Place) -> Mapping:
    return Mapping([("ansible_port", port)], places={"ansible_port": place})


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
