"""An inventory in words: the JSON and the tree that `ansible-inventory` prints.

After ansible-core's cli/inventory.py. Which hosts are meant, and with which variables, is decided before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from deployer.frozen import dataclass
from deployer.model.encrypted import VAULT_IN_JSON, Encrypted
from deployer.model.inventory import Host, Inventory
from deployer.model.literal import UNSAFE_IN_JSON, Literal

KNOWN_ANYWAY = frozenset({  # what Ansible itself sets, and so does not list
    "ansible_async_path", "ansible_collection_name", "ansible_config_file", "ansible_dependent_role_names",
    "ansible_diff_mode", "ansible_facts", "ansible_forks", "ansible_inventory_sources", "ansible_limit",
    "ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_role_names",
    "ansible_playbook_python", "ansible_role_name", "ansible_role_names", "ansible_run_tags", "ansible_skip_tags",
    "ansible_verbosity", "ansible_version", "group_names", "groups", "hostvars", "inventory_dir", "inventory_file",
    "inventory_hostname", "inventory_hostname_short", "play_hosts", "playbook_dir", "role_name", "role_names",
    "role_path", "role_uuid",
})  # fmt: skip
PROFILE = "inventory_legacy"  # the form of the JSON, as Ansible calls it
Opened = Callable[[Encrypted], str]


@dataclass(frozen=True)
class EncryptedString:
    """Prints as Ansible prints an encrypted value that is inside of another one."""

    ciphertext: str


def render_list(inventory: Inventory, hosts: Sequence[Host], extra: Mapping[str, Any]) -> Iterator[str]:
    """The JSON of `--list` in pieces: all groups with those of their hosts, and every host's variables."""
    listed = [(host.name, _shown(host.variables, extra)) for host in hosts]
    meta = {"hostvars": {name: variables for name, variables in listed if variables}, "profile": PROFILE}
    groups = _groups(inventory, {host.name for host in hosts})
    return json_text({**groups, "_meta": meta})


def render_host(host: Host, extra: Mapping[str, Any]) -> Iterator[str]:
    """The JSON of `--host`: its variables."""
    return json_text(_shown(host.variables, extra))


def json_text(value: Any) -> Iterator[str]:
    """A value as JSON in pieces, keys sorted."""
    yield from json.JSONEncoder(sort_keys=True, indent=4, ensure_ascii=False).iterencode(_with_text_keys(value))
    yield "\n"


def _with_text_keys(value: Any) -> Any:
    """The value itself; where YAML has keys of other types than text, with those as JSON writes them.

    What is encrypted stays so, and what is no template too, in the forms in which JSON has them.
    """
    if isinstance(value, dict):
        texts = {_key(key): _with_text_keys(one) for key, one in value.items()}
        return texts if any(texts.get(key) is not one for key, one in value.items()) else value
    if isinstance(value, list):
        items = [_with_text_keys(one) for one in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, Literal):
        return {UNSAFE_IN_JSON: str(value)}
    return {VAULT_IN_JSON: value.text} if isinstance(value, Encrypted) else value


def _key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key)


def render_graph(
    inventory: Inventory, top: str, *, extra: Mapping[str, Any], opened: Opened, with_variables: bool
) -> Iterator[str]:
    """The lines of `--graph`: groups below groups, their hosts, and variables if they are asked for.

    A variable that is encrypted is shown as it is `opened`; one inside of a value stays encrypted, as in Ansible.
    """

    def lines(name: str, depth: int) -> Iterator[str]:
        group = inventory.groups[name]
        yield _indented(f"@{name}:", depth)
        for child in group.children:
            yield from lines(child, depth + 1)
        for host in group.hosts if name != "all" else ():
            yield _indented(host, depth + 1)
            if with_variables:
                yield from _assignments(_shown(inventory.hosts[host].variables, extra), opened, depth + 2)
        if with_variables:
            priority = {} if group.priority == 1 else {"ansible_group_priority": group.priority}
            yield from _assignments(_shown(group.variables, priority), opened, depth + 1)

    return lines(top, 0)


def _groups(inventory: Inventory, wanted: set[str]) -> dict[str, Any]:
    """Every group below `all` that is not empty: its hosts among the wanted ones, and its children."""
    found = {}
    for name, group in inventory.groups.items():
        hosts = [host for host in group.hosts if host in wanted] if name != "all" else []
        parts = {"hosts": hosts, "children": list(group.children)}
        found[name] = {key: names for key, names in parts.items() if names}
    return {name: parts for name, parts in found.items() if parts}


def _shown(variables: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    if not more and KNOWN_ANYWAY.isdisjoint(variables):
        return variables
    return {name: value for name, value in {**variables, **more}.items() if name not in KNOWN_ANYWAY}


def _assignments(variables: Mapping[str, Any], opened: Opened, depth: int) -> Iterator[str]:
    for name, value in sorted(variables.items()):
        shown = opened(value) if isinstance(value, Encrypted) else _sealed(value)
        yield _indented(f"{{{name} = {shown}}}", depth)


def _sealed(value: Any) -> Any:
    """The value, with what is encrypted in it in Ansible's words."""
    if isinstance(value, Encrypted):
        return EncryptedString(value.text)
    if isinstance(value, dict):
        return {key: _sealed(one) for key, one in value.items()}
    return [_sealed(one) for one in value] if isinstance(value, list) else value


def _indented(text: str, depth: int) -> str:
    return "  |" * depth + f"--{text}" if depth else text
