"""The files of inventories: which are read, in which order, and in which of the formats each one is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from deployer.config.files import read_text
from deployer.config.inventory_draft import Draft
from deployer.config.inventory_ini import read_ini
from deployer.config.inventory_script import is_script, read_script
from deployer.config.inventory_yaml import EXPORT, load_groups, read_groups
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import ConfigError, InventoryError, Place, TooManyHostsError
from deployer.rollout.addresses import parse_address

YAML_SUFFIXES = (".yml", ".yaml", ".json")
NOT_SOURCES = re.compile(  # what Ansible skips in a folder
    r"^\.|~$|\.(?:orig|cfg|retry|pyc|pyo|rpm|bak|swp|md|txt|rst)$|^(?:group_vars|host_vars|vars_plugins)$"
)
SECTION = re.compile(r"\[[^\]\s]+\]\s*(?:#.*)?$")
LOOKS_YAML = re.compile(r"(?:---|\{|[\"'\w.-]+:(?:\s|$))")


def is_source(name: str) -> bool:
    """Whether a file of this name in an inventory's folder is read."""
    return not NOT_SOURCES.search(name)


def is_host_list(source: Path) -> bool:
    """Whether `-i` names hosts, separated by commas, and no file."""
    return "," in str(source) and not source.exists()


def source_files(source: Path, *, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files of an inventory in the order in which they are read: itself, or a folder's, sorted, recursively."""
    if not source.is_dir():
        yield source
        return
    here = source.resolve()
    if here in above:
        raise InventoryError("this folder contains itself", place=Place(str(source)), hint="remove the link")
    for path in sorted(source.iterdir()):
        if is_source(path.name):
            yield from source_files(path, above=(*above, here))


def read_hosts(source: Path, draft: Draft) -> None:
    """Add the hosts of a list such as `web1,web2:2222`; ranges are not known here, as in Ansible."""
    for word in filter(None, (word.strip() for word in str(source).split(","))):
        name, port = parse_address(word) or (word, None)
        if "[" in name:
            name, port = word, None
        if name not in draft.hosts:
            draft.add_host("ungrouped", name, Place(str(source)), port)


def read_source(path: Path, draft: Draft, vault: Keyring = NO_KEYS) -> None:
    """Add one file to the draft: a script, YAML, or INI.

    As in Ansible, a name without a suffix, or with one of YAML, is tried as YAML first, and then as INI.
    """
    if is_script(path):
        read_script(path, draft)
        return
    text = read_text(path, InventoryError, vault)
    _refuse_foreign(path, text)
    if path.suffix and path.suffix not in YAML_SUFFIXES:
        read_ini(text, str(path), draft)
    else:
        _read_either(text, path, draft)


def _read_either(text: str, path: Path, draft: Draft) -> None:
    first = _first_line(text)
    looks_ini = SECTION.match(first)
    try:
        top = None if looks_ini else load_groups(text, str(path), draft)
    except InventoryError as no_yaml:
        try:
            read_ini(text, str(path), draft)
        except TooManyHostsError:
            raise
        except ConfigError as no_ini:
            raise (no_yaml if path.suffix or LOOKS_YAML.match(first) else no_ini) from None
        return
    if looks_ini:
        read_ini(text, str(path), draft)
    elif top is not None:
        read_groups(top, draft)


def _refuse_foreign(path: Path, text: str) -> None:
    place = Place(str(path), 1)
    if text.startswith("#!"):
        raise InventoryError("this inventory script is not executable", place=place, hint=f"`chmod +x {path}`")
    if path.suffix == ".toml":
        raise InventoryError("TOML inventories are not supported", place=place, hint=EXPORT)


def _first_line(text: str) -> str:
    """The first line that is no comment, stripped; empty if there is none."""
    lines = (line.strip() for line in text.split("\n"))
    return next((line for line in lines if line and line[0] not in "#;"), "")
