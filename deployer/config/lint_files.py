"""Which files linting looks into, and files in a project that hold vault passwords and can be read by others."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from deployer.config.git import is_ignored
from deployer.config.group_vars import SUFFIXES
from deployer.config.ignore import REPOSITORY
from deployer.config.inventory import variables_folders
from deployer.config.inventory_script import is_script
from deployer.config.inventory_sources import is_host_list, source_files
from deployer.config.text import load_yaml
from deployer.config.vault import is_encrypted
from deployer.errors import ConfigError, Place
from deployer.model.finding import Finding

PLAYBOOK_SUFFIXES = (".yml", ".yaml")
COMPOSE = re.compile(r"(?:docker-)?compose(?:[.\-][\w.\-]+)?\.ya?ml")
VAULT_PASSWORD = re.compile(r"\.?(?:ansible[-_]?)?vault[-_.]?pass(?:word|wd|phrase)?s?(?:[-_.][\w\-]+)*(?:\.txt)?")
LONGEST = 4096  # bytes of a password with its line
CODE = frozenset({".py", ".sh", ".md", ".rst", ".yml", ".yaml", ".json", ".j2", ".html", ".js"})
DEPTH = 3  # folders below the project in which such files are looked for
PASSED = frozenset({REPOSITORY, "node_modules", ".venv", "venv", "__pycache__"})


def inventory_files(sources: Iterable[Path]) -> Iterator[Path]:
    """The files of inventories that people write: no scripts."""
    for source in sources:
        if source.exists() and not is_host_list(source):
            try:
                yield from (path for path in source_files(source) if path.is_file() and not is_script(path))
            except ConfigError:
                continue  # which the loader says


def variables_files(sources: Iterable[Path], playbook_folder: Path) -> Iterator[Path]:
    """All files of group_vars and host_vars beside inventories and playbooks, used or not."""
    for folder in variables_folders(sources, playbook_folder):
        for name in ("group_vars", "host_vars"):
            for path in sorted((folder / name).rglob("*")):
                if path.is_file() and path.suffix in SUFFIXES and not path.name.startswith("."):
                    yield path


def playbooks_in(folder: Path) -> list[Path]:
    """The playbooks of a folder: lists of plays; files of tasks or variables are none."""
    found = (path for path in sorted(folder.iterdir()) if path.suffix in PLAYBOOK_SUFFIXES) if folder.is_dir() else ()
    return [path for path in found if path.is_file() and _is_playbook(path)]


def _is_playbook(path: Path) -> bool:
    """Whether it holds plays; what cannot be read may."""
    try:
        content = load_yaml(path)
    except ConfigError:
        return True
    items = content if isinstance(content, list) else []
    return any(isinstance(one, dict) and {"hosts", "import_playbook"} & one.keys() for one in items)


def compose_files(folder: Path) -> list[Path]:
    """The compose files of a project's folder, by their names."""
    return [path for path in sorted(folder.iterdir()) if COMPOSE.fullmatch(path.name)] if folder.is_dir() else []


def lint_password_files(project: Path, given: Iterable[Path]) -> Iterator[Finding]:
    """Files with vault passwords in a project that others of this machine can read, or that git would take.

    `given` are those of the command line; others are found by their names. Programs that print a password are none.
    """
    inside = (path for path in given if path.resolve().is_relative_to(project.resolve()))
    for path in dict.fromkeys(
        (*_named_so(project), *(path.resolve().relative_to(project.resolve()) for path in inside))
    ):
        mode = _mode(project / path)
        if mode is None:
            continue
        place = Place(str(path))
        if mode & stat.S_IROTH:
            message = "everybody on this machine can read this vault password"
            yield Finding(rule="vault-password-file", message=message, place=place, hint=f"chmod 600 {path}")
        if is_ignored(project, path) is False:
            message = "this vault password is not ignored by git"
            yield Finding(rule="vault-password-file", message=message, place=place, hint=f"add {path} to .gitignore")


def _named_so(project: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(project):
        here = Path(top).relative_to(project)
        folders[:] = [one for one in folders if one not in PASSED and len(here.parts) < DEPTH]
        yield from (
            here / name for name in names if VAULT_PASSWORD.fullmatch(name.lower()) and Path(name).suffix not in CODE
        )


def _mode(path: Path) -> int | None:
    """The permissions of a file that may hold a password: regular, one line, no program, not encrypted."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or not 0 < state.st_size <= LONGEST or state.st_mode & 0o111:
            return None
        content = path.read_bytes().strip()
    except OSError:
        return None
    return None if b"\n" in content or is_encrypted(content) else state.st_mode & 0o777
