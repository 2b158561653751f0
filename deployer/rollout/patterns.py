"""Which hosts a pattern means: `web:&eu:!web3`, `web*`, `~web[12]`, `web[0:2]`, `@file`, as in Ansible.

After ansible-core's inventory/manager.py. What Ansible only warns of is a doubt: by default an error, because
`all:!wbe3` would otherwise reach the very host that it was meant to spare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from ipaddress import IPv6Address

from deployer.errors import InventoryError
from deployer.model.inventory import Group, Host, Inventory
from deployer.rollout.addresses import parse_address

LOCALHOST = ("127.0.0.1", "localhost", "::1")  # exist without being in the inventory, and only when named
SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]")
SLICE_LIKE = re.compile(r"(.+)\[(-?[0-9]*):(-?[0-9]*)\]")
TERM = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
INDEX_HINT = "count from 0; the end of a range is included: web[0:1] are the first two, web[-1] is the last"

ReadFile = Callable[[str], Sequence[str]]
Doubt = Callable[[InventoryError], None]


def refuse(doubt: InventoryError) -> None:
    """Raise what is in doubt."""
    raise doubt


def no_files(path: str) -> Sequence[str]:
    """Refuse a pattern's `@file`, where nobody has said how to read one."""
    raise InventoryError(
        f"'@{path}': a file of hosts cannot be given here", hint="write the names, separated by commas"
    )


def select(
    inventory: Inventory,
    pattern: str,
    *,
    limit: str | None = None,
    read: ReadFile = no_files,
    doubt: Doubt = refuse,
) -> tuple[Host, ...]:
    """The hosts that a pattern means, in play order, and of those the ones within the limit.

    Empty only if pattern and limit both mean hosts and have none in common. Raises InventoryError for a term that
    means no host and no group, an index out of range, and a pattern or limit that leaves no host.
    """
    wanted = Patterns(inventory, read, doubt).evaluate(pattern)
    if not wanted:
        doubt(InventoryError(f"pattern '{pattern}' matches no host", hint=_inventory_hint(inventory)))
    if limit is not None:
        found = Patterns(inventory, read, doubt, flag="--limit: ").evaluate(limit)
        within = {name for name in found if name in inventory.hosts or name in wanted}
        if not within:
            doubt(InventoryError(f"--limit '{limit}' matches no host", hint=_inventory_hint(inventory)))
        wanted = [name for name in wanted if name in within]
    return tuple(_host(inventory, name) for name in wanted)


def split_terms(pattern: str) -> list[str]:
    """A pattern's terms: split at commas if there is one, else at colons and spaces outside of brackets.

    What reads as one host with its port, or as an IPv6 address, is one term.
    """
    if "," in pattern:
        parts = pattern.split(",")
    elif parse_address(pattern):
        parts = [pattern]
    else:
        parts = TERM.findall(pattern)
    return [part.strip() for part in parts if part.strip()]


def group_hosts(groups: Mapping[str, Group], name: str) -> list[str]:
    """A group's hosts in play order: its own first, then its children's, level by level."""
    order = {name: None}
    level = [name]
    while level:
        level = [child for one in level for child in groups[one].children if child in groups and child not in order]
        order.update(dict.fromkeys(level))
    return _unique(host for one in order for host in groups[one].hosts)


@dataclass
class Patterns:
    """An inventory, and what to do about `@file` and about terms that mean nothing."""

    inventory: Inventory
    read: ReadFile = no_files
    doubt: Doubt = refuse
    flag: str = ""  # what to begin messages with
    implicit: str | None = field(init=False)  # all names of LOCALHOST are one host

    def __post_init__(self) -> None:
        self.implicit = next((name for name in self.inventory.hosts if name in LOCALHOST), None)

    def evaluate(self, pattern: str) -> list[str]:
        """The names that a pattern means: all plain terms, then every `&`, then every `!`, wherever they stand."""
        terms = self.terms(pattern)
        if not terms:
            raise InventoryError(f"{self.flag}the pattern is empty", hint="`all` means every host")
        plain = [term for term in terms if term[0] not in "&!"]
        hosts = _unique(name for term in plain or ["all"] for name in self.named(term))
        for term in (term for term in terms if term[0] == "&"):
            common = set(self.match(term[1:]))
            hosts = [name for name in hosts if name in common]
        for term in (term for term in terms if term[0] == "!"):
            spared = set(self.match(term[1:]))
            hosts = [name for name in hosts if name not in spared]
        return hosts

    def terms(self, pattern: str) -> list[str]:
        """A pattern's terms, those in an `@file` among them: one on each line there."""
        found: list[str] = []
        for term in split_terms(pattern):
            found.extend(self.read(term[1:]) if term.startswith("@") else [term])
        return found

    def named(self, term: str) -> list[str]:
        """The hosts of a term without `&` or `!`: a host's name means the host, whatever else has that name."""
        return [term] if term in self.inventory.hosts else self.match(term)

    def match(self, term: str) -> list[str]:
        """The hosts of the groups that a term means, and of those that it names, in Ansible's order."""
        if not term:  # a lone `!` or `&`
            raise self.unknown(term)
        name, pick = self.split_subscript(term)
        found = self.members(name)
        if found is None:
            self.doubt(self.unknown(name) if name == term else self.no_group(term, name))
            return []
        try:
            return pick(found) if found else []
        except IndexError:
            raise InventoryError(
                f"{self.flag}no host {term}: '{name}' has {_count(len(found))}, counted from 0", hint=INDEX_HINT
            ) from None

    def members(self, name: str) -> list[str] | None:
        """Hosts by group, then by host name where Ansible looks at those too; None if nothing has that name."""
        matches = self.matcher(name)
        groups = [group for group in self.inventory.groups if matches(group)]
        found = [host for group in groups for host in group_hosts(self.inventory.groups, group)]
        if not groups or name[0] == "~" or any(sign in name for sign in ".?*["):
            found.extend(host for host in self.inventory.hosts if matches(host))
        if not found and name in LOCALHOST:
            self.implicit = self.implicit or name
            return [self.implicit]
        return found if found or groups else None  # a host twice counts twice to a subscript

    def matcher(self, name: str) -> Callable[[str], bool]:
        if not name.startswith("~"):
            return lambda candidate: fnmatchcase(candidate, name)
        try:
            expression = re.compile(name[1:])
        except (re.error, RecursionError, OverflowError) as problem:
            raise InventoryError(
                f"{self.flag}'{name}' is no regular expression: {problem}",
                hint="commas and colons split a pattern first",
            ) from None
        return lambda candidate: bool(expression.match(candidate))

    def split_subscript(self, term: str) -> tuple[str, Callable[[list[str]], list[str]]]:
        """A term without its `[…]`, and what that picks of the hosts found."""
        found = None if term.startswith("~") else SUBSCRIPT.fullmatch(term)
        if found and found[2]:
            return found[1], lambda hosts: [hosts[int(found[2])]]
        if found:
            start, end = int(found[3]), int(found[4] or -1)
            if end == 0:  # to Ansible, an end of 0 is none
                return found[1], lambda hosts: [hosts[start]]
            return found[1], lambda hosts: hosts[start:] if end == -1 else hosts[start : end + 1]
        if not term.startswith("~") and SLICE_LIKE.fullmatch(term):
            # to Ansible these are glob classes: `web[-2:]` means the host web2
            self.doubt(InventoryError(f"{self.flag}'{term}' is no range of hosts that Ansible knows", hint=INDEX_HINT))
        return term, lambda hosts: hosts

    def unknown(self, name: str) -> InventoryError:
        if ":" in name and not _is_ipv6(name):
            hint = f"where there is a comma only commas separate: write '{','.join(TERM.findall(name))}'"
        else:
            hint = _nearest_hint(self.inventory, name)
        return InventoryError(f"{self.flag}no host or group matches '{name}' in {self.inventory.path}", hint=hint)

    def no_group(self, term: str, name: str) -> InventoryError:
        return InventoryError(
            f"{self.flag}'{term}' means hosts of a group '{name}', and no group or host has that name",
            hint=f"brackets at the end count hosts; for names that look alike write '~{term}'",
        )


def _host(inventory: Inventory, name: str) -> Host:
    if name in inventory.hosts:
        return inventory.hosts[name]
    everywhere = inventory.groups["all"].variables if "all" in inventory.groups else {}
    return Host(name=name, variables={**everywhere, "ansible_connection": "local"})


def _nearest_hint(inventory: Inventory, name: str) -> str:
    known = [*inventory.groups, *inventory.hosts]
    close = get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else _inventory_hint(inventory)


def _inventory_hint(inventory: Inventory) -> str:
    groups = [name for name in inventory.groups if name not in ("all", "ungrouped")]
    named = f"groups: {', '.join(groups[:8])}; " if groups else ""
    hosts = list(inventory.hosts)
    return f"{named}hosts: {', '.join(hosts[:8])}{' …' if len(hosts) > 8 else ''}"


def _count(number: int) -> str:
    return "1 host" if number == 1 else f"{number} hosts"


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
