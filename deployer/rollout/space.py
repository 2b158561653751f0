"""What a new release needs on a host's discs and what is left there, to a sentence where it is not enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deployer.frozen import dataclass
from deployer.model.release import Installed, Release
from deployer.model.tree import Tree

BLOCK = 4096  # bytes that a small file takes
SPARE_INODES = 1000  # that must stay; files, folders and layers of images take them
MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Need:
    """What is needed in one place."""

    size: int = 0  # bytes
    inodes: int = 0

    def __add__(self, other: Need) -> Need:
        return Need(size=self.size + other.size, inodes=self.inodes + other.inodes)


def need_of(tree: Tree) -> Need:
    """What a tree takes if none of its files can be linked."""
    return Need(size=sum(-(-entry.size // BLOCK) * BLOCK for entry in tree.entries), inodes=len(tree.entries))


def needs(release: Release, tree: Tree, installed: Installed) -> tuple[Need, Need]:
    """At least what the release's folder needs, and what its images do.

    Where a release is on the host already, files that did not change are linked, and what of the images is new only the
    build knows: then it is nothing. What is really sent is compared once more before the first byte of it.
    """
    if installed.releases:
        folders = sum(entry.kind == "dir" for entry in tree.entries)
        return Need(inodes=folders), Need()
    whole = need_of(tree)
    return whole, whole if release.built else Need()  # the build context


def told_size(number: float) -> str:
    """ "512.0 kB", "1.5 GB": powers of 1000, as Docker prints them."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def lacks(free: Mapping[str, tuple[str, int, int | None]], wanted: Mapping[str, Need], spare: int) -> Iterator[str]:
    """A sentence for each file system with too little room.

    `free`: folder -> mount point, bytes and inodes that are left there; `wanted`: folder -> what it needs; `spare`:
    bytes that must stay on each file system.
    """
    by_mount: dict[str, list[str]] = {}
    for folder in wanted:
        by_mount.setdefault(free[folder][0], []).append(folder)
    for mount, folders in by_mount.items():
        need = sum((wanted[one] for one in folders), Need(size=spare, inodes=SPARE_INODES if spare else 0))
        _, size, inodes = free[folders[0]]
        where = " and ".join(dict.fromkeys(folders))
        if size < need.size:
            kept = f" ({told_size(spare)} of it are to stay free)" if spare else ""
            yield f"{where}: {told_size(size)} are free on {mount}, {told_size(need.size)} are needed{kept}"
        elif inodes is not None and inodes < need.inodes:
            yield f"{where}: {inodes} inodes are free on {mount}, {need.inodes} are needed"
