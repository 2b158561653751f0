"""The import rule of docs/architecture.md, held by reading the imports: those in functions count like all others."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "deployer"

BASE = ("errors", "frozen", "model", "protocols")
ROOMS = {  # room -> the rooms that it may import from, beside itself
    "__init__": (),
    "frozen": (),
    "cache": (),
    "errors": ("frozen",),
    "model": ("errors", "frozen"),
    "protocols": ("errors", "frozen", "model"),
    "rollout": ("errors", "frozen", "model"),
    "engine": (*BASE, "cache", "rollout"),
    "facts": BASE,
    "modules": (*BASE, "facts", "rollout"),
    "config": (*BASE, "cache", "rollout"),
    "transport": BASE,
    "report": BASE,
    "lab": BASE,
    "cli": (*BASE, "__init__", "rollout", "engine", "facts", "modules", "config", "transport", "report"),
    "cli/lab.py": (*BASE, "config", "lab"),
}
LIBRARIES = {  # library -> the rooms that may use it
    "click": ("cli", "cli/lab.py"),
    "yaml": ("config",),
    "jinja2": ("config",),
    "markupsafe": ("config",),
    "pathspec": ("config",),
    "msgspec": ("config",),
    "fabric": ("transport",),
    "paramiko": ("transport",),
    "cryptography": ("config", "transport", "lab"),
    "requests": ("transport",),
    "urllib3": ("transport",),
    "docker": ("transport", "lab"),
    "tenacity": ("transport", "lab"),
    "rich": ("report",),
}


def room_of(path: Path, package: Path) -> str:
    """The first folder below the package, or the file's name; a file with a rule of its own is its own room."""
    relative = path.relative_to(package)
    return relative.as_posix() if relative.as_posix() in ROOMS else relative.parts[0].removesuffix(".py")


def imported(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """The line and the dotted name of everything that a file imports, relative imports resolved."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(package.parent).parts[: -node.level] if node.level else ()
            module = ".".join((*above, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{module}.{one.name}") for one in node.names)


def violations(package: Path) -> list[str]:
    """Every import that breaks the rule, as `file:line: room imports name`."""
    found = []
    for path in sorted(package.rglob("*.py")):
        room = room_of(path, package)
        for line, name in imported(path, package):
            if not _allowed(room, name, package):
                found.append(f"{path.relative_to(package.parent)}:{line}: {room} imports {name}")
    return found


def _allowed(room: str, name: str, package: Path) -> bool:
    top, *rest = name.split(".")
    if top != package.name:
        return top in sys.stdlib_module_names or room in LIBRARIES.get(top, ())
    target = rest[0] if rest else "__init__"
    if not (package / target).is_dir() and not (package / f"{target}.py").is_file():
        target = "__init__"  # a name of the package's own, as in `from deployer import __version__`
    own = {room, "cli"} if room.startswith("cli/") else {room}
    return target in own or target in ROOMS[room]


def test_imports_go_one_way() -> None:
    assert violations(PACKAGE) == []


def test_every_room_has_a_rule() -> None:
    rooms = {room_of(path, PACKAGE) for path in PACKAGE.rglob("*.py")}
    assert rooms <= set(ROOMS), "give the new room a line in ROOMS"


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A small house that keeps the rule."""
    package = tmp_path / "house"
    for name in ("errors.py", "cli/run.py", "engine/walk.py", "rollout/decide.py", "model/tree.py", "config/yaml.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("import os.path\nfrom collections import abc\n")
    (package / "__init__.py").write_text("__version__ = '1'\n")
    (package / "cli/run.py").write_text("import click\nfrom house import __version__\nfrom house.engine import walk\n")
    (package / "engine/walk.py").write_text("from ..rollout.decide import decide\nfrom house.errors import Wrong\n")
    (package / "config/yaml.py").write_text("def load():\n    import yaml\n")
    return package


def test_planted_house_keeps_the_rule(planted: Path) -> None:
    assert violations(planted) == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("rollout/decide.py", "from house.engine.walk import Walk", "rollout imports house.engine.walk.Walk"),
        ("rollout/decide.py", "from house import engine", "rollout imports house.engine"),
        ("rollout/decide.py", "import house.config.yaml", "rollout imports house.config.yaml"),
        ("rollout/decide.py", "import msgspec", "rollout imports msgspec"),
        ("model/tree.py", "def f():\n    from house.rollout import decide", "model imports house.rollout.decide"),
        ("model/tree.py", "import numpy", "model imports numpy"),
        ("model/tree.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import rich", "model imports rich"),
        ("engine/walk.py", "from ..config import yaml", "engine imports house.config.yaml"),
        ("engine/walk.py", "from .. import cli", "engine imports house.cli"),
        ("engine/walk.py", "import paramiko.transport", "engine imports paramiko.transport"),
        ("config/yaml.py", "from click import echo", "config imports click.echo"),
        ("config/yaml.py", "try:\n    import docker\nexcept ImportError:\n    pass", "config imports docker"),
        ("cli/run.py", "from house.lab import fleet", "cli imports house.lab.fleet"),
        ("cli/run.py", "import yaml", "cli imports yaml"),
        ("errors.py", "from house.model import tree", "errors imports house.model.tree"),
    ],
)
def test_planted_violation_is_found(planted: Path, file: str, text: str, said: str) -> None:
    (planted / "lab").mkdir()
    (planted / "lab/fleet.py").write_text("")
    (planted / file).write_text(text + "\n")
    (found,) = violations(planted)
    assert found.startswith(f"house/{file}:")
    assert found.endswith(f": {said}")


def test_lab_verb_alone_may_import_the_lab(planted: Path) -> None:
    (planted / "lab").mkdir()
    (planted / "lab/fleet.py").write_text("import docker\n")
    (planted / "cli/lab.py").write_text("from house.lab import fleet\nfrom house.cli import run\nimport click\n")
    assert violations(planted) == []
    (planted / "lab/fleet.py").write_text("from house.cli import run\n")
    assert len(violations(planted)) == 1
