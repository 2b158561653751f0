"""What hosts were sent, kept on this machine, so that a host whose release is still the same need not list it.

Nothing hangs on it: what is kept counts only if the host names the same digest, and it may be deleted at any time.
The folder is `deployer/releases` in the user's cache (XDG Base Directory Specification: `XDG_CACHE_HOME`, `~/.cache`).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

KEPT = 20  # releases: the latest


def recall(release: str) -> bytes | None:
    """What was kept under a release's id; None if nothing was, or it cannot be read."""
    try:
        return (_folder() / release).read_bytes()
    except (OSError, RuntimeError):
        return None


def remember(release: str, text: Callable[[], bytes]) -> None:
    """Keep a text under a release's id unless there is one already; an unwritable cache is no failure."""
    with suppress(OSError, RuntimeError):
        folder = _folder()
        if (folder / release).exists():
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f".{release}-{secrets.token_hex(4)}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text())
        fresh.replace(folder / release)
        _prune(folder)


def _prune(folder: Path) -> None:
    """Let the oldest go; release ids begin with their time. What a killed run has left half written goes first."""
    for path in sorted(folder.iterdir())[:-KEPT]:
        path.unlink(missing_ok=True)


def _folder() -> Path:
    """Raises RuntimeError where the user has no home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    return base / "deployer" / "releases"
