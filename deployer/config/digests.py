"""What the files of a project's folder held when they were last read: one that has not been touched is not read again.

A file is known by device, inode, size and both of its times. The time of its last change of any kind (ctime) cannot be
set by hand, so new content is noticed even where size and mtime are the old ones; what was changed while it was read,
or just before, is never believed, since clocks of file systems are coarse.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from deployer import cache

KIND, FOLDERS = "digests", 50
COARSE = 2_000_000_000  # nanoseconds: FAT counts in two seconds


class Digests:
    """The digests of one folder's files. `close` keeps those that were asked for or added."""

    def __init__(self, folder: Path) -> None:
        self._name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
        self._started = time.time_ns()
        lines = (cache.read(KIND, self._name) or b"").decode(errors="replace").split("\n")
        self._known = dict(line.rpartition(" ")[::2] for line in lines if line)
        self._asked: dict[str, str] = {}

    def get(self, seen: os.stat_result) -> str | None:
        """The SHA-256 of a file that looks like this, as hex digits; None if it has to be read."""
        key = _key(seen)
        found = self._known.get(key)
        if found is not None:
            self._asked[key] = found
        return found

    def add(self, seen: os.stat_result, digest: str) -> None:
        """Remember what a file holds that was read."""
        if max(seen.st_ctime_ns, seen.st_mtime_ns) < self._started - COARSE:
            self._asked[_key(seen)] = digest

    def close(self) -> None:
        """Keep what was learnt, if that is anything new."""
        if self._asked != self._known:
            lines = "".join(f"{key} {digest}\n" for key, digest in self._asked.items())
            cache.keep(KIND, self._name, lines.encode, most=FOLDERS)


def _key(seen: os.stat_result) -> str:
    return f"{seen.st_dev} {seen.st_ino} {seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns}"
