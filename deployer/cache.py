"""Files in the user's cache, which only save work: nothing hangs on them, and any may be deleted at any time.

They lie in `deployer/` below the user's cache folder (XDG Base Directory Specification: `XDG_CACHE_HOME`, `~/.cache`),
readable by their owner alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def read(kind: str, name: str) -> bytes | None:
    """What was kept under a name; None if nothing was, or it cannot be read."""
    try:
        return (_folder(kind) / name).read_bytes()
    except (OSError, RuntimeError):
        return None


def keep(kind: str, name: str, text: Callable[[], bytes], *, most: int, anew: bool = True) -> None:
    """Keep a text under a name, and of its kind no more than the `most` latest; without `anew` only if there is none.

    A cache that cannot be written to is no failure.
    """
    with suppress(OSError, RuntimeError):
        folder = _folder(kind)
        if not anew and (folder / name).exists():
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f".{name}-{secrets.token_hex(4)}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text())
        fresh.replace(folder / name)
        latest = sorted(os.scandir(folder), key=lambda item: item.stat().st_mtime_ns)
        for item in latest[:-most]:
            os.unlink(item.path)


def _folder(kind: str) -> Path:
    """Raises RuntimeError where the user has no home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    return base / "deployer" / kind
