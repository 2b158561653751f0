"""Large files that have changed here and there: the blocks that a host lacks travel, the others it has in its base.

The host says what its file holds, first by wide stretches of blocks, then of each that differs block by block. Nothing
of it is believed: the release is verified when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import BinaryIO

from deployer.engine.manifest import FOLDER, verifiable
from deployer.engine.parcel import Excerpt, pass_over
from deployer.frozen import dataclass
from deployer.model.action import Sync
from deployer.model.tree import Entry, Tree
from deployer.protocols import Remote

WORTH = 8 << 20  # bytes of a file, below which it is sent whole
SMALLEST = 1 << 20  # bytes of a block
LARGEST = 16 << 20  # bytes: a host writes a block at a time
READ = 64 << 10  # bytes that a host reads at a time
MOST = 256  # blocks of a file that may have smaller ones
DIGITS = 16  # of a block's digest
SHARE = 0.5  # of a file's blocks: where more have changed, it is sent whole, and continued if that is interrupted

WIDE = 8  # blocks of a stretch: so that a host starts few programs for a file that has hardly changed

# Reading by small pieces: large ones cost a program more in fresh memory than all else.
LIST = f"""\
LC_ALL=C; export LC_ALL
sum() {{{{ dd if="$1" bs={READ} skip="$2" count="$3" 2>/dev/null | sha256sum | cut -c 1-{DIGITS}; }}}}
cd {{base}} || exit 0
{{asked}}"""

# In the script that receives a release, in the folder that it is made in. Whatever fails leaves a file out, and the
# manifest tells. The old file is copied, as some file systems do without a byte, and what follows its new end cut off.
MEND = """\
span() { dd if="$new" of="$file" bs="$block" skip="$1" seek="$2" count="$3" conv=notrunc 2>/dev/null; }
"""
MENDED = """\
new=patches/{number} file={file} block={block}
cp ../{place} "$file" && chmod u+w "$file" && {spans} \
  && dd if=/dev/null of="$file" bs=1 seek={size} 2>/dev/null && touch -r "$new" "$file" && chmod {mode:o} "$file" ||
  rm -f "$file"
"""


@dataclass(frozen=True, kw_only=True)
class Patch:
    """What is sent of one file."""

    entry: Entry
    place: str  # the old file, seen from the folder of releases
    block: int  # bytes
    changed: tuple[int, ...]  # numbers of blocks, in order

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The runs of blocks that have changed: the first one's number, and how many they are."""
        starts = [at for at in range(len(self.changed)) if at == 0 or self.changed[at] > self.changed[at - 1] + 1]
        return tuple((self.changed[start], end - start) for start, end in pairwise([*starts, len(self.changed)]))

    def excerpt(self, number: int) -> Excerpt:
        """What travels, under a number of its own."""
        runs = ((first * self.block, (first + count) * self.block) for first, count in self.spans)
        spans = tuple((start, min(end, self.entry.size) - start) for start, end in runs)
        return Excerpt(name=f"patches/{number}", spans=spans)

    def mended(self, number: int) -> str:
        """Shell that makes the new file of the old one."""
        skipped, words = 0, []
        for first, count in self.spans:
            words.append(f"span {skipped} {first} {count}")
            skipped += count
        return MENDED.format(
            number=number, file=shlex.quote(f"{FOLDER}{self.entry.path}"), block=self.block, size=self.entry.size,
            place=shlex.quote(self.place), spans=" && ".join(words) or ":", mode=self.entry.mode,
        )  # fmt: skip


def look_for_patches(
    remote: Remote, action: Sync, base: Tree, sent: Sequence[Entry], become: str | None
) -> tuple[Patch, ...]:
    """Ask the host for the blocks of large files that have changed since its base; nothing if that makes no sense.

    `sent` are the files that would be sent whole. Costs an exchange where there is such a file, else none.
    """
    asked = [
        entry for entry in sent
        if entry.size >= WORTH and entry.path in base.by_path and entry.path.isprintable() and verifiable(entry.path)
    ]  # fmt: skip
    if not asked or action.base is None:
        return ()
    host = _Base(remote=remote, action=action, become=become)
    wide = host.changed({entry: range(0, _count(entry), WIDE) for entry in asked}, WIDE)
    blocks = {
        entry: [block for first in firsts for block in range(first, min(first + WIDE, _count(entry)))]
        for entry, firsts in wide.items()
    }
    found = host.changed({entry: these for entry, these in blocks.items() if these}, 1)
    known = {entry: found.get(entry, ()) for entry in wide if entry in found or not blocks[entry]}
    return tuple(
        Patch(entry=entry, place=f"{action.base}/{FOLDER}{entry.path}", block=_block(entry), changed=changed)
        for entry, changed in known.items()
        if len(changed) <= SHARE * _count(entry)
    )


def render_mending(patches: Sequence[Patch]) -> str:
    """Shell for all of them, in the order of their numbers; nothing if there are none."""
    if not patches:
        return ""
    return f"{MEND}{''.join(patch.mended(number) for number, patch in enumerate(patches))}rm -rf patches\n"


def excerpts(patches: Sequence[Patch]) -> Mapping[str, Excerpt]:
    """What travels, by the file's path in the tree."""
    return {patch.entry.path: patch.excerpt(number) for number, patch in enumerate(patches)}


def _block(entry: Entry) -> int:
    """Bytes of a block: whole megabytes."""
    return min(LARGEST, -(-entry.size // (MOST * SMALLEST)) * SMALLEST)


def _count(entry: Entry) -> int:
    """The blocks of a file."""
    return -(-entry.size // _block(entry))


@dataclass(frozen=True, kw_only=True)
class _Base:
    """The files of the base release on a host, compared with those here."""

    remote: Remote
    action: Sync
    become: str | None

    def changed(self, asked: Mapping[Entry, Sequence[int]], width: int) -> Mapping[Entry, tuple[int, ...]]:
        """Of stretches of `width` blocks, by their first blocks, those that the host has not; files that can be read.

        Nothing if the host's answer makes no sense.
        """
        if not asked:
            return {}
        release = shlex.quote(f"{self.action.release.root}/releases/{self.action.base}")
        script = LIST.format(base=release, asked="".join(_ask(entry, asked[entry], width) for entry in asked))
        there = self.remote.run(script, become=self.become, timeout=self.action.timeout).stdout.split()
        if len(there) != sum(map(len, asked.values())):
            return {}
        found = {}
        for entry, firsts in asked.items():
            theirs, there = there[: len(firsts)], there[len(firsts) :]
            with _READING:  # once for all hosts
                here = _digests(os.path.join(self.action.source, entry.path), entry, tuple(firsts), width)
            if here:
                pairs = zip(firsts, here, theirs, strict=True)
                found[entry] = tuple(first for first, mine, its in pairs if mine != its)
        return found


def _ask(entry: Entry, firsts: Sequence[int], width: int) -> str:
    pieces = _block(entry) // READ
    name = shlex.quote(FOLDER + entry.path)
    return "".join(f"sum {name} {first * pieces} {width * pieces}\n" for first in firsts)


_READING = threading.Lock()


@lru_cache(maxsize=128)
def _digests(path: str, entry: Entry, firsts: tuple[int, ...], width: int) -> tuple[str, ...]:
    """Of each stretch of the file as the entry has it; none if it cannot be read: the sender says why."""
    block = _block(entry)
    spans = ((first * block, min((first + width) * block, entry.size)) for first in firsts)
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
            return tuple(_digest(content, start, end) for start, end in spans)
    except OSError:
        return ()


def _digest(content: BinaryIO, start: int, end: int) -> str:
    digest = hashlib.sha256()
    content.seek(start)
    pass_over(content, end, digest)
    return digest.hexdigest()[:DIGITS]
