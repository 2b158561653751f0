"""The YAML form of an inventory: groups of `hosts`, `vars` and `children`; fills a Draft.

Files, group_vars and precedence are `inventory`'s.
"""

from __future__ import annotations

from typing import Any

from deployer.config.inventory_draft import Draft
from deployer.config.text import load_yaml
from deployer.config.values import Mapping, kind_of, nearest, place_of
from deployer.errors import InventoryError, Place

SECTIONS = ("hosts", "vars", "children")
SCRIPT = "make the script executable and name it as the inventory"
EXPORT = "save what `ansible-inventory --list --yaml` prints and use that file"
AS_MAPPING = {
    "hosts": "write `web1:` on a line of its own, without the dash, indented under `hosts:`",
    "vars": "write `name: value` on each line, without the dash, indented under `vars:`",
    "children": "write `web:` on a line of its own, without the dash, indented under `children:`",
}


def load_groups(text: str, path: str, draft: Draft) -> Mapping | None:
    """The mapping of groups that a YAML inventory is; None for an empty one. Raises InventoryError if it is neither."""
    top = load_yaml(path, text, InventoryError, warn=draft.warn)
    if top is None or isinstance(top, Mapping):
        return top
    raise InventoryError(
        f"expected a mapping of groups, found {kind_of(top)}",
        place=place_of(top) if isinstance(top, list) else Place(path, 1),
        hint="start with `all:`, and `hosts:` indented under it",
    )


def read_groups(top: Mapping, draft: Draft) -> None:
    """Add all groups to the draft, which collects what is wrong; raises InventoryError for what is no inventory.

    What Ansible skips with a warning is skipped with a warning.
    """
    if top.get("plugin"):
        raise InventoryError("inventory plugins are not supported", place=place_of(top, "plugin"), hint=EXPORT)
    if "_meta" in top:
        raise InventoryError("this is a script's output, no inventory", place=place_of(top, "_meta"), hint=SCRIPT)
    for name in top:
        place = place_of(top, name)
        if top[name] is None or isinstance(top[name], Mapping):
            with draft.errors.collecting():
                read_group(draft, name, top[name], place)
        else:
            draft.warn(f"'{name}' is skipped: {_no_group(name, top[name])}", place)


def read_group(draft: Draft, name: Any, body: Any, place: Place) -> None:
    """Add one group, and what is defined inside it."""
    if body is not None and not isinstance(body, Mapping):
        raise InventoryError(
            _no_group(name, body), place=place, hint=f"put `hosts:` under `{name}:`, and the host names under that"
        )
    _expect_name(name, "group", place)
    draft.group(name)
    for key in body or ():
        if key not in SECTIONS:
            message, hint = _unknown_key(name, key, body or Mapping())
            draft.warn(f"{message}: skipped; {hint}", place_of(body, key))
            continue
        read = {"hosts": _read_hosts, "vars": _read_vars, "children": _read_children}[key]
        with draft.errors.collecting():
            read(draft, name, _section(name, key, body or Mapping()))


def _no_group(name: Any, body: Any) -> str:
    return f"group '{name}' must be a mapping of hosts, vars or children, found {kind_of(body)}"


def _read_hosts(draft: Draft, group: str, hosts: Mapping) -> None:
    for pattern, variables in hosts.items():
        with draft.errors.collecting():
            _read_host(draft, group, pattern, variables, place_of(hosts, pattern))


def _read_host(draft: Draft, group: str, pattern: Any, variables: Any, place: Place) -> None:
    _expect_name(pattern, "host", place)
    if variables and not isinstance(variables, Mapping):
        raise InventoryError(
            f"variables of host '{pattern}' must be a mapping, found {kind_of(variables)}",
            place=place,
            hint=f"indent `name: value` lines under `{pattern}:`",
        )
    draft.add_hosts(group, pattern, _named(variables or Mapping()), place)


def _read_vars(draft: Draft, group: str, variables: Mapping) -> None:
    draft.set_variables(group, _named(variables))


def _read_children(draft: Draft, group: str, children: Mapping) -> None:
    for child in children:
        place = place_of(children, child)
        with draft.errors.collecting():
            read_group(draft, child, children[child], place)
            draft.add_child(group, child, place)


def _section(group: str, key: str, body: Mapping) -> Mapping:
    section, place = body[key], place_of(body, key)
    if section is None:
        return Mapping()
    if isinstance(section, str):  # one name, as Ansible allows
        return Mapping([(section, None)], places={section: place})
    if not isinstance(section, Mapping):
        raise InventoryError(
            f"'{key}' of group '{group}' must be a mapping, found {kind_of(section)}", place=place, hint=AS_MAPPING[key]
        )
    return section


def _named(variables: Mapping) -> Mapping:
    for name in variables:
        _expect_name(name, "variable", place_of(variables, name))
    return variables


def _expect_name(name: Any, what: str, place: Place) -> None:
    if not isinstance(name, str) or not name:
        raise InventoryError(
            f"the name of a {what} must be a string, found {kind_of(name)}",
            place=place,
            hint=f'put it in quotes: "{name}":' if name else f"give the {what} a name",
        )


def _unknown_key(group: str, key: Any, body: Mapping) -> tuple[str, str]:
    if group in SECTIONS:  # `hosts:` at the top level, where groups are expected
        hint = f"put `{group}:` under `all:`"
    elif meant := nearest(key, SECTIONS):
        hint = f"did you mean '{meant}'?"
    elif body[key] is None or isinstance(body[key], dict):
        hint = f"put '{key}' under `hosts:` or `children:`"
    else:
        hint = f"put '{key}' under `vars:`"
    return f"unknown key '{key}' in group '{group}' (known: hosts, vars, children)", hint
