"""The modules by the name that playbooks call them by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=type[Any])

MODULES: dict[str, type[Any]] = {}


def module(name: str) -> Callable[[M], M]:
    """Register a Module class under a name; the class's docstring and field comments are its documentation."""

    def register(cls: M) -> M:
        if name in MODULES:
            raise ValueError(f"two modules are called {name}")
        MODULES[name] = cls
        return cls

    return register
