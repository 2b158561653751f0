"""What an interrupted sync has left on a host: whole files that a later one need not send, and the head of one more.

Nothing of it is believed: the host says what its files hold, and the release is verified when it is whole.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import shlex
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field

from deployer.engine.manifest import BYTES, FOLDER
from deployer.engine.parcel import Excerpt, pass_over
from deployer.frozen import dataclass
from deployer.model.action import Sync
from deployer.model.tree import Entry, Tree
from deployer.protocols import Remote

WORTH = 1 << 20  # bytes of a head, below which the whole file is sent

# Names on which programs disagree are left out. Nobody writes there, so both looks see the files in the same order.
LIST = (
    "LC_ALL=C; export LC_ALL\n"
    "cd {releases} || exit 0\n"
    "for part in {parts}; do\n"
    '  cd "$part" 2>/dev/null || continue\n'
    "  echo \"part $part\"; find project -type f ! -path '*[\\\\\n\r]*' -exec stat -c '%a %s' {{}} +\n"
    "  echo sums; find project -type f ! -path '*[\\\\\n\r]*' -exec sha256sum {{}} +\n"
    "  cd ..\n"
    "done | gzip -c | base64\n"
)


@dataclass(frozen=True, kw_only=True)
class Head:
    """The beginning of a file that is on the host already."""

    path: str  # in the tree
    size: int  # bytes
    whole: int  # bytes of the file
    part: str  # the folder that has it

    @property
    def place(self) -> str:
        """Where it lies, seen from the folder of releases."""
        return f"{self.part}/{FOLDER}{self.path}"

    @property
    def excerpt(self) -> Excerpt:
        """The rest, which is sent."""
        return Excerpt(name=f"{FOLDER}{self.path}", spans=((self.size, self.whole - self.size),))


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the broken transfers of a host hold, by the name of their folder."""

    trees: Mapping[str, Tree] = field(default_factory=dict)

    def head(self, action: Sync, sent: Sequence[Entry]) -> Head | None:
        """The longest beginning of a file that is to be sent; None if nothing is worth it."""
        found = [
            Head(path=entry.path, size=there.size, whole=entry.size, part=name)
            for name, tree in self.trees.items()
            for entry in sent
            if (there := tree.by_path.get(entry.path))
            and WORTH <= there.size < entry.size
            and entry.path.isprintable()
            and _begins(os.path.join(action.source, entry.path), there)
        ]
        return max(found, key=lambda head: head.size, default=None)


def look_at_parts(remote: Remote, action: Sync, become: str | None) -> Parts:
    """Ask the host what it has of the action's parts; nothing if that makes no sense."""
    if not action.parts:
        return Parts()
    script = LIST.format(
        releases=shlex.quote(f"{action.release.root}/releases"), parts=" ".join(map(shlex.quote, action.parts))
    )
    answer = remote.run(script, become=become, timeout=action.timeout).stdout
    try:
        text = gzip.decompress(base64.b64decode(answer)).decode(errors=BYTES)
        return Parts(trees=dict(_trees(text)))
    except (ValueError, OSError, EOFError, zlib.error):
        return Parts()


def _trees(text: str) -> Iterator[tuple[str, Tree]]:
    """For each part: its name, a line for each file, a mark, and a checksum for each file; what is odd is left out."""
    for block in text.split("\npart ") if text else ():
        about, _, sums = block.removeprefix("part ").partition("\nsums\n")
        name, *stats = about.split("\n")
        with suppress(ValueError):
            yield name, Tree(tuple(_entries(stats, sums.splitlines() if stats else ())))


def _entries(stats: Sequence[str], sums: Sequence[str]) -> Iterator[Entry]:
    for stat, line in zip(stats, sums, strict=True):
        mode, size = stat.split()
        digest, _, path = line.partition("  ")
        yield Entry(path=path.removeprefix(FOLDER), kind="file", mode=int(mode, 8), size=int(size), sha256=digest)


def _begins(path: str, there: Entry) -> bool:
    """Whether the file here begins with what is there."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as content:
            pass_over(content, there.size, digest)
    except OSError:
        return False  # whoever sends it says what is wrong
    return digest.hexdigest() == there.sha256
