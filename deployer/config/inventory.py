"""Inventories as Ansible users write them: a file or a folder of files, with group_vars and host_vars beside it.

Finds and merges them, and refuses what Ansible would only warn of; templates in variables stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deployer.config.group_vars import load_group_vars, load_host_vars
from deployer.config.inventory_draft import Draft, GroupDraft
from deployer.config.inventory_ini import read_ini
from deployer.config.inventory_yaml import EXPORT, read_yaml
from deployer.config.text import Mapping, nearest, read_text
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import InventoryError, Place
from deployer.model.inventory import Group, Host, Inventory

SUFFIXES = (".yml", ".yaml", ".ini", ".json", "")
YAML_SUFFIXES = (".yml", ".yaml", ".json")
NOT_SOURCES = re.compile(  # what Ansible skips in a folder
    r"^\.|~$|\.(?:orig|cfg|retry|pyc|pyo|rpm|bak|swp|md|txt|rst)$|^(?:group_vars|host_vars|vars_plugins)$"
)
LOOKS_YAML = re.compile(r"(?:---|\{|[\w.-]+:\s*(?:#|$))")


def find_inventory(environment: str, folder: Path = Path("inventories")) -> Path:
    """The inventory of an environment: ENV.yml, .yaml, .ini, .json, or a file or folder ENV.

    Raises InventoryError, with the nearest name that exists, if there is none, and if there are two.
    """
    found = [path for suffix in SUFFIXES if (path := folder / f"{environment}{suffix}").exists()]
    if not environment or not found:
        raise _no_environment(environment, folder)
    if len(found) > 1:
        names = " and ".join(str(path) for path in found[:2])
        raise InventoryError(f"two inventories for '{environment}': {names}", hint="remove or rename one of them")
    return found[0]


def load_inventory(source: Path, *, playbook_folder: Path | None = None, vault: Keyring = NO_KEYS) -> Inventory:
    """The inventory in a file or folder, every host's variables merged by Ansible's precedence.

    `playbook_folder` may hold further group_vars and host_vars, which win over those beside the inventory. Raises
    InventoryError with file and line for whatever is wrong, and if there is no host at all.
    """
    if not source.exists():
        raise _no_source(source)
    draft = Draft()
    for path in source_files(source):
        read_source(path, draft, vault)
    draft.close()
    if not draft.hosts:
        raise InventoryError(
            "no hosts", place=Place(str(source)), hint="name one: `all:`, under it `hosts:`, under that `web1:`"
        )
    beside = source if source.is_dir() else source.parent
    folders = [beside] if playbook_folder in (None, beside) else [beside, playbook_folder]
    return Merge(draft, [folder for folder in folders if folder is not None], vault).inventory(str(source))


def source_files(source: Path) -> Iterator[Path]:
    """The files of an inventory in the order in which they are read: itself, or a folder's, sorted, recursively."""
    if not source.is_dir():
        yield source
        return
    for path in _sources_in(source):
        yield from source_files(path)


def read_source(path: Path, draft: Draft, vault: Keyring = NO_KEYS) -> None:
    """Add one file to the draft, as YAML or INI by its suffix, or by its look if it has none."""
    text = read_text(path, InventoryError, vault)
    _refuse_foreign(path, text)
    is_yaml = path.suffix in YAML_SUFFIXES or (not path.suffix and _looks_yaml(text))
    (read_yaml if is_yaml else read_ini)(text, str(path), draft)


def _refuse_foreign(path: Path, text: str) -> None:
    place = Place(str(path), 1)
    if text.startswith("#!"):
        raise InventoryError("inventory scripts are not supported", place=place, hint=EXPORT)
    if path.suffix == ".toml":
        raise InventoryError("TOML inventories are not supported", place=place, hint=EXPORT)


def _looks_yaml(text: str) -> bool:
    lines = (line.strip() for line in text.split("\n"))
    first = next((line for line in lines if line and line[0] not in "#;"), "")
    return bool(LOOKS_YAML.match(first))


class Merge:
    """A closed draft with the folders whose group_vars and host_vars belong to it, the later winning."""

    def __init__(self, draft: Draft, folders: Sequence[Path], vault: Keyring = NO_KEYS) -> None:
        self.draft = draft
        self.folders = folders
        self.vault = vault
        self.parents = draft.parents()
        self.files = {name: [load_group_vars(folder, name, vault) for folder in folders] for name in draft.groups}

    def inventory(self, path: str) -> Inventory:
        groups = {name: _group(draft, self.files[name]) for name, draft in self.draft.groups.items()}
        hosts = {name: self.host(name) for name in self.draft.hosts}
        return Inventory(path=path, hosts=hosts, groups=groups)

    def host(self, name: str) -> Host:
        """Merge by level first, then by group: a folder's child group loses to the next folder's parent group."""
        groups = self.groups_of(name)
        others = [group for group in groups if group.name != "all"]
        layers = [
            *(group.variables for group in groups),
            *self.files["all"],
            *(self.files[group.name][number] for number in range(len(self.folders)) for group in others),
            self.draft.hosts[name],
            *(load_host_vars(folder, name, self.vault) for folder in self.folders),
        ]
        return Host(name=name, groups=tuple(sorted(group.name for group in others)), variables=_merged(layers))

    def groups_of(self, host: str) -> list[GroupDraft]:
        """All groups that a host is in, the weakest first: by depth, priority, name."""
        found = [group.name for group in self.draft.groups.values() if host in group.hosts]
        for name in found:  # grows while it is walked
            found.extend(parent for parent in self.parents[name] if parent not in found)
        groups = [self.draft.groups[name] for name in {*found, "all"}]
        return sorted(groups, key=lambda group: (group.depth, group.priority, group.name))


def _group(draft: GroupDraft, from_files: Sequence[Mapping]) -> Group:
    return Group(
        name=draft.name,
        hosts=tuple(draft.hosts),
        children=tuple(draft.children),
        variables=_merged([draft.variables, *from_files]),
    )


def _merged(layers: Iterable[Mapping]) -> Mapping:
    merged = Mapping()
    for layer in layers:
        merged.take(layer)
    return merged


def inventories_in(folder: Path) -> list[str]:
    """The names of the inventories in a folder, as `deploy NAME` takes them."""
    return sorted({path.stem if path.suffix in SUFFIXES else path.name for path in _sources_in(folder)})


def _sources_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not NOT_SOURCES.search(path.name)]


def _no_environment(environment: str, folder: Path) -> InventoryError:
    message = f"no inventory for '{environment}' in {folder}"
    if not folder.is_dir():
        return InventoryError(f"{message}: no such folder", hint="change to the project's folder, or `deploy init`")
    return _missing(message, environment, inventories_in(folder))


def _no_source(source: Path) -> InventoryError:
    if not source.parent.is_dir():
        return InventoryError(f"no inventory {source}: no folder {source.parent}", hint="check the path")
    return _missing(f"no inventory {source}", source.name, [path.name for path in _sources_in(source.parent)])


def _missing(message: str, name: str, known: Sequence[str]) -> InventoryError:
    if not known:
        return InventoryError(f"{message}: the folder holds none", hint="`deploy init` writes a first one")
    meant = nearest(name, known)
    hint = f"did you mean '{meant}'?" if meant else "use one of those"
    return InventoryError(f"{message}; there are: {', '.join(known)}", hint=hint)
