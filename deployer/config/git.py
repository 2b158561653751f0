"""From which commit a project's folder comes, and what git leaves out of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Where a git work tree stands; nothing of it is known outside of one."""

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False


def read_checkout(folder: Path) -> Checkout:
    """The commit of a folder and whether the folder differs from it; an empty Checkout if git has no word on it."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return Checkout()
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    return Checkout(commit=commit, branch=branch, dirty=bool(_git(folder, "status", "--porcelain", "--", ".")))


def is_ignored(folder: Path, path: Path) -> bool | None:
    """Whether git ignores a path in a folder; None if the folder is in no work tree, or there is no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "check-ignore", "-q", "--", str(path)],
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {0: True, 1: False}.get(done.returncode)


def _git(folder: Path, *args: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
