"""Which hosts a pattern means: `web:&eu:!web3`, `web*`, `~web[12]`, `web[0:2]`, as in Ansible.

Stricter than Ansible in one thing: a term that no host or group answers to is an error, not a warning, because
`all:!wbe3` would otherwise reach the very host that it was meant to spare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from ipaddress import IPv6Address

from deployer.errors import InventoryError
from deployer.model.inventory import Group, Host, Inventory

LOCALHOST = ("localhost", "127.0.0.1", "::1")  # exist without being in the inventory, and only when named
SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]")
SLICE_LIKE = re.compile(r"(.+)\[(-?[0-9]*):(-?[0-9]*)\]")
TERM = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
INDEX_HINT = "count from 0; the end of a range is included: web[0:1] are the first two, web[-1] is the last"


def select(inventory: Inventory, pattern: str, *, limit: str | None = None) -> tuple[Host, ...]:
    """The hosts that a pattern means, in play order, and of those the ones within the limit.

    Empty only if pattern and limit both mean hosts and have none in common. Raises InventoryError for a term that
    means no host and no group, an index out of range, and a pattern or limit that leaves no host.
    """
    wanted = evaluate(inventory, pattern)
    if not wanted:
        raise InventoryError(f"pattern '{pattern}' matches no host", hint=_inventory_hint(inventory))
    if limit is not None:
        within = [name for name in evaluate(inventory, limit, flag="--limit: ") if name in inventory.hosts]
        if not within:
            raise InventoryError(f"--limit '{limit}' matches no host", hint=_inventory_hint(inventory))
        wanted = [name for name in wanted if name in within]
    return tuple(_host(inventory, name) for name in wanted)


def evaluate(inventory: Inventory, pattern: str, *, flag: str = "") -> list[str]:
    """The names that a pattern means: all plain terms, then every `&`, then every `!`, wherever they stand."""
    terms = split_terms(pattern)
    if not terms:
        raise InventoryError(f"{flag}the pattern is empty", hint="`all` means every host")
    plain = [term for term in terms if term[0] not in "&!"]
    hosts = _unique(name for term in plain or ["all"] for name in match(inventory, term, flag=flag))
    for term in (term for term in terms if term[0] == "&"):
        common = set(match(inventory, term[1:], flag=flag))
        hosts = [name for name in hosts if name in common]
    for term in (term for term in terms if term[0] == "!"):
        spared = set(match(inventory, term[1:], flag=flag))
        hosts = [name for name in hosts if name not in spared]
    return hosts


def split_terms(pattern: str) -> list[str]:
    """A pattern's terms: split at commas if there is one, else at colons and spaces outside of brackets."""
    if "," in pattern:
        parts = pattern.split(",")
    elif _is_ipv6(pattern.strip()):
        parts = [pattern]
    else:
        parts = TERM.findall(pattern)
    return [part.strip() for part in parts if part.strip()]


def match(inventory: Inventory, term: str, *, flag: str = "") -> list[str]:
    """The hosts that one term means, its `&` or `!` taken away."""
    if term in inventory.hosts:
        return [term]
    name, pick = _split_subscript(term, flag)
    found = _named(inventory, name, flag)
    if found is None:
        raise _unknown(inventory, name, flag) if name == term else _no_group(term, name, flag)
    try:
        return pick(found)
    except IndexError:
        raise InventoryError(
            f"{flag}no host {term}: '{name}' has {_count(len(found))}, counted from 0", hint=INDEX_HINT
        ) from None


def group_hosts(groups: Mapping[str, Group], name: str) -> list[str]:
    """A group's hosts in play order: its own first, then its children's, level by level."""
    order = [name]
    for one in order:  # grows while it is walked
        order.extend(child for child in groups[one].children if child in groups and child not in order)
    return _unique(host for one in order for host in groups[one].hosts)


def _named(inventory: Inventory, name: str, flag: str) -> list[str] | None:
    """Hosts by group, then by host name where Ansible looks at those too; None if nothing has that name."""
    matches = _matcher(name, flag)
    groups = [group for group in inventory.groups if matches(group)]
    hosts: list[str] = []
    if not groups or name[0] == "~" or any(sign in name for sign in ".?*["):
        hosts = [host for host in inventory.hosts if matches(host)]
    if not groups and not hosts:
        return [name] if name in LOCALHOST else None
    return _unique([*(host for group in groups for host in group_hosts(inventory.groups, group)), *hosts])


def _matcher(name: str, flag: str) -> Callable[[str], bool]:
    if not name.startswith("~"):
        return lambda candidate: fnmatchcase(candidate, name)
    try:
        expression = re.compile(name[1:])
    except re.error as problem:
        raise InventoryError(
            f"{flag}'{name}' is no regular expression: {problem}", hint="commas and colons split a pattern first"
        ) from None
    return lambda candidate: bool(expression.match(candidate))


def _split_subscript(term: str, flag: str) -> tuple[str, Callable[[list[str]], list[str]]]:
    """A term without its `[…]`, and what that picks of the hosts found."""
    found = None if term.startswith("~") else SUBSCRIPT.fullmatch(term)
    if found and found[2]:
        index = int(found[2])
        return found[1], lambda hosts: [hosts[index]]
    if found:
        start, end = int(found[3]), int(found[4]) + 1 if found[4] else None
        return found[1], lambda hosts: hosts[start:end]
    if not term.startswith("~") and SLICE_LIKE.fullmatch(term):
        # to Ansible these are glob classes: `web[-2:]` means the host web2
        raise InventoryError(f"{flag}'{term}' is no range of hosts that Ansible knows", hint=INDEX_HINT)
    return term, lambda hosts: hosts


def _host(inventory: Inventory, name: str) -> Host:
    if name in inventory.hosts:
        return inventory.hosts[name]
    everywhere = inventory.groups["all"].variables if "all" in inventory.groups else {}
    return Host(name=name, variables={**everywhere, "ansible_connection": "local"})


def _unknown(inventory: Inventory, name: str, flag: str) -> InventoryError:
    if name.startswith("@"):
        hint = "a file of hosts cannot be given here: write the names, separated by commas"
    elif ":" in name and not _is_ipv6(name):
        hint = f"where there is a comma only commas separate: write '{','.join(TERM.findall(name))}'"
    else:
        hint = _nearest_hint(inventory, name)
    return InventoryError(f"{flag}no host or group matches '{name}' in {inventory.path}", hint=hint)


def _no_group(term: str, name: str, flag: str) -> InventoryError:
    return InventoryError(
        f"{flag}'{term}' means hosts of a group '{name}', and no group or host has that name",
        hint=f"brackets at the end count hosts; for names that look alike write '~{term}'",
    )


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
