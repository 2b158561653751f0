"""From which commit a project's folder comes, and what of it git keeps elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deployer.frozen import dataclass

BYTES = "surrogateescape"
OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")  # set within a git hook
GITLINK = "160000"  # the mode of a submodule


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Where a git work tree stands; nothing of it is known outside of one."""

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    submodules: tuple[str, ...] = ()  # paths in the folder


def read_checkout(folder: Path) -> Checkout:
    """The commit of a folder and whether the folder differs from it; an empty Checkout if git has no word on it.

    What git does not answer in time counts as a difference.
    """
    commit = _asked(folder, "rev-parse", "HEAD")
    if commit is None:
        return Checkout()
    branch = _asked(folder, "rev-parse", "--abbrev-ref", "HEAD")
    changes = _asked(folder, "status", "--porcelain", "--", ".")
    listed = _asked(folder, "ls-files", "--stage", "-z", "--", ".") or ""
    entries = (entry.partition("\t") for entry in listed.split("\0"))
    submodules = tuple(path for about, _, path in entries if about.startswith(GITLINK))
    return Checkout(commit=commit, branch=branch, dirty=changes != "", submodules=submodules)


def own_environment() -> dict[str, str]:
    """The environment in which git asks the folder's own repository, whatever hook `deploy` is started from."""
    return {name: value for name, value in os.environ.items() if name not in OTHERS}


def git(folder: Path, *args: str, timeout: float | None = None) -> str:
    """What git prints, without the last line's end; raises OSError or subprocess.SubprocessError."""
    done = subprocess.run(
        ["git", "-C", str(folder), *args],
        capture_output=True, timeout=timeout, check=True, env=own_environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout.decode(errors=BYTES).removesuffix("\n")


def is_ignored(folder: Path, path: Path) -> bool | None:
    """Whether git ignores a path in a folder; None if the folder is in no work tree, or there is no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "check-ignore", "-q", "--", str(path)],
            capture_output=True,
            timeout=30,
            check=False,
            env=own_environment(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {0: True, 1: False}.get(done.returncode)


def _asked(folder: Path, *args: str) -> str | None:
    try:
        return git(folder, *args, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
