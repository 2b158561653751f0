"""The shipped modules: none is imported before it is asked for, and each is where its name says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deployer.modules.all import MODULES

LOADED = "import sys; print(*(name for name in MODULES if f'deployer.modules.{name}' in sys.modules))"


@pytest.mark.parametrize("name", MODULES)
def test_module_is_found_by_its_name(name: str) -> None:
    assert MODULES[name].__module__.rpartition(".")[2].rstrip("_") == name


def test_nothing_else_is_called_a_module() -> None:
    assert not {"all", "registry", "_drift"} & set(MODULES)
    with pytest.raises(KeyError):
        MODULES["registry"]


def test_only_what_is_asked_for_is_imported() -> None:
    code = f"from deployer.modules.all import MODULES; 'compose' in MODULES; MODULES['debug']; {LOADED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["debug"]
