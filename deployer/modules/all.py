"""All shipped modules, by name; each is imported when it is asked for, since a playbook calls few of many."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import deployer.modules
from deployer.modules import registry

_NO_MODULES = ("all", "registry")


class Shipped(Mapping[str, type[Any]]):
    """Name -> class; the file of a module is called like it, with a `_` after a word that Python keeps for itself."""

    def __getitem__(self, name: str) -> type[Any]:
        file = self._files[name]
        importlib.import_module(f"{deployer.modules.__name__}.{file}")
        return registry.MODULES[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    @cached_property
    def _files(self) -> dict[str, str]:
        files = sorted(one.name for one in pkgutil.iter_modules(deployer.modules.__path__))
        return {file.rstrip("_"): file for file in files if file[0] != "_" and file not in _NO_MODULES}


MODULES: Mapping[str, type[Any]] = Shipped()
