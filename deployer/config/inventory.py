"""Inventories as Ansible users write them: files, folders, scripts and lists of hosts, with group_vars and host_vars.

Merges what the sources say by Ansible's precedence; templates in variables stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from deployer.config.collector import Collector
from deployer.config.group_vars import VariablesFolder
from deployer.config.inventory_draft import Draft, GroupDraft
from deployer.config.inventory_find import no_source
from deployer.config.inventory_sources import is_host_list, read_hosts, read_source, source_files
from deployer.config.values import Mapping
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import InventoryError, Place
from deployer.frozen import dataclass
from deployer.model.inventory import Group, Host, Inventory


def load_inventory(
    *sources: Path,
    playbook_folder: Path | None = None,
    may_be_empty: bool = False,
    vault: Keyring = NO_KEYS,
    errors: Collector | None = None,
) -> Inventory:
    """The inventory in files, folders, scripts and `a,b` lists, read in that order, every host's variables merged.

    `playbook_folder` may hold further group_vars and host_vars, which win over those beside the inventories. Raises
    InventoryError with file and line for whatever is wrong, ConfigGroupError if it is several things, and
    InventoryError if there is no host at all. With `errors`, these are kept there, and what could be read comes back.
    """
    return read_inventory(
        *sources, playbook_folder=playbook_folder, may_be_empty=may_be_empty, vault=vault, errors=errors
    )[1]


def read_inventory(
    *sources: Path,
    playbook_folder: Path | None = None,
    may_be_empty: bool = False,
    vault: Keyring = NO_KEYS,
    errors: Collector | None = None,
) -> tuple[Draft, Inventory]:
    """The same inventory with the draft that it was merged from, for what is added to it later."""
    draft = Draft(vault.files)
    draft.errors = Collector() if errors is None else errors
    for source in sources:
        with draft.errors.collecting():
            _read(source, draft, vault)
    with draft.errors.collecting():
        draft.close()
    shown = ", ".join(str(source) for source in sources)
    found = Merge(draft, variables_folders(sources, playbook_folder), vault).inventory(shown)
    if errors is not None:
        return draft, found
    draft.errors.settle()
    if not draft.hosts and not may_be_empty:
        raise InventoryError(
            "no hosts", place=Place(shown), hint="name one: `all:`, under it `hosts:`, under that `web1:`"
        )
    return draft, found


def _read(source: Path, draft: Draft, vault: Keyring) -> None:
    """Add what one `-i` names; of a folder, all files are read whatever is wrong in one."""
    if is_host_list(source):
        read_hosts(source, draft)
        return
    if not source.exists():
        raise no_source(source)
    for path in source_files(source):
        with draft.errors.collecting():
            read_source(path, draft, vault)


def variables_folders(sources: Iterable[Path], playbook_folder: Path | None) -> list[Path]:
    """Where group_vars and host_vars may lie, the later winning: beside every source, then beside the playbook."""
    beside = [source if source.is_dir() else source.parent for source in sources if not is_host_list(source)]
    folders = [folder.absolute() for folder in (*beside, playbook_folder) if folder is not None]
    return list(dict.fromkeys(reversed(folders)))[::-1]  # of one that is named twice, the later place counts


@dataclass(frozen=True)
class Family:
    """The groups that some hosts are in, and what these say together before any host speaks."""

    names: tuple[str, ...]  # sorted, without `all`
    variables: Mapping


class Merge:
    """A closed draft with the folders whose group_vars and host_vars belong to it, the later winning."""

    def __init__(self, draft: Draft, folders: Sequence[Path], vault: Keyring = NO_KEYS) -> None:
        self.draft = draft
        self.parents = draft.parents()
        self.host_files = [VariablesFolder(folder / "host_vars", draft, vault) for folder in folders]
        group_files = [VariablesFolder(folder / "group_vars", draft, vault) for folder in folders]
        self.files = {name: [files.load(name) for files in group_files] for name in draft.groups}
        self.families: dict[tuple[str, ...], Family] = {}

    def inventory(self, path: str) -> Inventory:
        direct: dict[str, list[str]] = {name: [] for name in self.draft.hosts}
        for group in self.draft.groups.values():
            for host in group.hosts:
                direct[host].append(group.name)
        groups = {name: _group(draft, self.files[name]) for name, draft in self.draft.groups.items()}
        hosts = {name: self.host(name, self.family(tuple(direct[name]))) for name in self.draft.hosts}
        return Inventory(path=path, hosts=hosts, groups=groups, warnings=tuple(self.draft.warnings))

    def host(self, name: str, family: Family) -> Host:
        own = [layer for layer in (self.draft.hosts[name], *(files.load(name) for files in self.host_files)) if layer]
        variables = _merged([family.variables, *own]) if own else family.variables
        return Host(name=name, groups=family.names, variables=variables, source=self.draft.sources[name])

    def family(self, direct: tuple[str, ...]) -> Family:
        """Merge by level first, then by group: a folder's child group loses to the next folder's parent group."""
        if direct not in self.families:
            groups = self.groups_of(direct)
            others = [group.name for group in groups if group.name != "all"]
            layers = [
                *(group.variables for group in groups),
                *self.files["all"],
                *(self.files[name][number] for number in range(len(self.host_files)) for name in others),
            ]
            self.families[direct] = Family(tuple(sorted(others)), _merged(layers))
        return self.families[direct]

    def groups_of(self, direct: Iterable[str]) -> list[GroupDraft]:
        """These groups and all above them, the weakest first: by depth, priority, name."""
        found = dict.fromkeys(direct)
        waiting = list(found)
        while waiting:
            new = [parent for parent in self.parents[waiting.pop()] if parent not in found]
            found.update(dict.fromkeys(new))
            waiting.extend(new)
        groups = [self.draft.groups[name] for name in {**found, "all": None}]
        return sorted(groups, key=lambda group: (group.depth, group.priority, group.name))


def _group(draft: GroupDraft, from_files: Sequence[Mapping]) -> Group:
    return Group(
        name=draft.name,
        hosts=tuple(draft.hosts),
        children=tuple(draft.children),
        variables=_merged([draft.variables, *from_files]),
        priority=draft.priority,
    )


def _merged(layers: Iterable[Mapping]) -> Mapping:
    merged = Mapping()
    for layer in layers:
        merged.take(layer)
    return merged
