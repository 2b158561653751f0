"""Variables in files beside an inventory: `group_vars/<group>` and `host_vars/<host>`, files or folders of files.

Which of them wins over which is `inventory`'s to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deployer.config.inventory_draft import Draft
from deployer.config.text import load_yaml
from deployer.config.values import Mapping, kind_of, place_of
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.config.yaml_loader import Warn
from deployer.errors import InventoryError, Place

SUFFIXES = ("", ".yml", ".yaml", ".json")  # in this order, and the first hit hides the others, as in Ansible


class VariablesFolder:
    """A `group_vars` or `host_vars` folder, listed once; without one, no name has variables there."""

    def __init__(self, path: Path, draft: Draft, vault: Keyring = NO_KEYS) -> None:
        self.path = path
        self.draft = draft  # where what is odd or wrong is noted
        self.vault = vault
        self.names = {entry.name for entry in path.iterdir()} if path.is_dir() else set()

    def load(self, name: str) -> Mapping:
        """What the files of a name say; one in which something is wrong says nothing."""
        merged = Mapping()
        if any(f"{name}{suffix}" in self.names for suffix in SUFFIXES):
            for path in variables_files(self.path, name):
                with self.draft.errors.collecting():
                    merged.take(load_variables(path, self.draft.warn, self.vault))
        return merged


def variables_files(folder: Path, name: str) -> Iterator[Path]:
    """The files that hold a name's variables, in the order in which they are read."""
    if "/" in name:
        return
    candidates = (folder / f"{name}{suffix}" for suffix in SUFFIXES)
    found = next((path for path in candidates if path.exists()), None)
    if found is not None:
        yield from _inside(found) if found.is_dir() else (found,)


def load_variables(path: Path, warn: Warn | None = None, vault: Keyring = NO_KEYS) -> Mapping:
    """One file of variables; raises InventoryError with file and line if it is no mapping of names."""
    variables = load_yaml(path, error=InventoryError, warn=warn, vault=vault)
    if not variables:
        return Mapping()
    if not isinstance(variables, Mapping):
        place = place_of(variables) if isinstance(variables, list) else Place(str(path), 1)
        raise InventoryError(
            f"expected a mapping of variables, found {kind_of(variables)}",
            place=place,
            hint="write `name: value` on each line",
        )
    for name in variables:
        if not isinstance(name, str):
            raise InventoryError(
                f"the name of a variable must be a string, found {kind_of(name)}",
                place=place_of(variables, name),
                hint="a name starts with a letter",
            )
    return variables


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix:
            yield from _inside(path)
        elif path.is_file() and path.suffix in SUFFIXES:
            yield path
