"""Large files that have changed here and there: the blocks that a host lacks travel, the others it has in its base.

The host says what its file holds, block by block. Nothing of it is believed: the release is verified when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
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
LARGEST = 16 << 20  # bytes: a host reads a block at a time
MOST = 256  # blocks of a file that may have smaller ones: the host starts two programs for each
DIGITS = 16  # of a block's digest
SHARE = 0.5  # of a file's blocks: where more have changed, it is sent whole, and continued if that is interrupted

LIST = f"""\
LC_ALL=C; export LC_ALL
blocks() {{{{
  echo =
  n=$3
  while [ "$n" -gt 0 ]; do dd bs="$2" count=1 2>/dev/null | sha256sum; n=$((n - 1)); done <"$1" | cut -c 1-{DIGITS}
}}}}
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
    release = shlex.quote(f"{action.release.root}/releases/{action.base}")
    script = LIST.format(base=release, asked="".join(map(_ask, asked)))
    answers = remote.run(script, become=become, timeout=action.timeout).stdout.split("=\n")[1:]
    if len(answers) != len(asked):
        return ()
    found = (_compared(action, entry, answer.split()) for entry, answer in zip(asked, answers, strict=True))
    return tuple(patch for patch in found if patch is not None)


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


def _ask(entry: Entry) -> str:
    block = _block(entry)
    return f"blocks {shlex.quote(FOLDER + entry.path)} {block} {-(-entry.size // block)}\n"


def _compared(action: Sync, entry: Entry, there: Sequence[str]) -> Patch | None:
    block = _block(entry)
    with _READING:  # once for all hosts
        here = _digests(os.path.join(action.source, entry.path), entry.sha256, entry.size, block)
    changed = tuple(number for number, digest in enumerate(here) if there[number : number + 1] != [digest])
    if not here or len(changed) > SHARE * len(here):
        return None
    return Patch(entry=entry, place=f"{action.base}/{FOLDER}{entry.path}", block=block, changed=changed)


_READING = threading.Lock()


@lru_cache(maxsize=64)
def _digests(path: str, sha256: str, size: int, block: int) -> tuple[str, ...]:
    """Of each block of the file whose content has this digest; none if it cannot be read: the sender says why."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
            return tuple(_each(content, size, block))
    except OSError:
        return ()


def _each(content: BinaryIO, size: int, block: int) -> Iterator[str]:
    for start in range(0, size, block):
        digest = hashlib.sha256()
        pass_over(content, min(start + block, size), digest)
        yield digest.hexdigest()[:DIGITS]
