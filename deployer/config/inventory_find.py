"""Which file or folder an environment's inventory is, and what a wrong name could have meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deployer.config.inventory_sources import is_source
from deployer.config.values import nearest
from deployer.errors import InventoryError

SUFFIXES = (".yml", ".yaml", ".ini", ".json", "")


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


def inventories_in(folder: Path) -> list[str]:
    """The names of the inventories in a folder, as `deploy NAME` takes them."""
    return sorted({path.stem if path.suffix in SUFFIXES else path.name for path in _sources_in(folder)})


def _sources_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if is_source(path.name)]


def _no_environment(environment: str, folder: Path) -> InventoryError:
    message = f"no inventory for '{environment}' in {folder}"
    if not folder.is_dir():
        return InventoryError(f"{message}: no such folder", hint="change to the project's folder, or `deploy init`")
    return _missing(message, environment, inventories_in(folder))


def no_source(source: Path) -> InventoryError:
    """The error for a path that is not there, with the nearest name that is."""
    if not source.parent.is_dir():
        return InventoryError(f"no inventory {source}: no folder {source.parent}", hint="check the path")
    return _missing(f"no inventory {source}", source.name, [path.name for path in _sources_in(source.parent)])


def _missing(message: str, name: str, known: Sequence[str]) -> InventoryError:
    if not known:
        return InventoryError(f"{message}: the folder holds none", hint="`deploy init` writes a first one")
    meant = nearest(name, known)
    hint = f"did you mean '{meant}'?" if meant else "use one of those"
    return InventoryError(f"{message}; there are: {', '.join(known)}", hint=hint)
