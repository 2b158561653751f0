"""A release's files as two texts beside its tree: `manifest` as sha256sum writes it, and `modes`, one line for all.

A host verifies a release with the first; both together are what a later release is built on. Pure: no host, no files.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping

from deployer.model.tree import Entry, Tree

SHORT = 8  # hex digits of a digest by which a host names what it has; what is linked for them is verified in full
FOLDER = "project/"  # in front of the tree's paths, as sha256sum runs beside the tree
BYTES = "surrogateescape"
UNSURE = frozenset("\\\n\r")  # GNU's escapes them, busybox's reads back no escape


def verifiable(path: str) -> bool:
    """Whether every sha256sum reads the path back: on line ends and backslashes they disagree."""
    return UNSURE.isdisjoint(path)


def render_manifest(files: Iterable[Entry], beside: Mapping[str, str]) -> bytes:
    """A line for each of these files of the tree, then one for each of those beside it (name to digest)."""
    lines = [f"{entry.sha256}  {FOLDER}{entry.path}\n" for entry in files]
    return "".join((*lines, *(f"{digest}  {name}\n" for name, digest in beside.items()))).encode(errors=BYTES)


def render_modes(files: Iterable[Entry]) -> bytes:
    """The octal modes of the manifest's files of the tree, in its order."""
    return (" ".join(f"{entry.mode:o}" for entry in files) + "\n").encode()


def verified(tree: Tree) -> Iterator[Entry]:
    """The files of a tree that a manifest can name."""
    return (entry for entry in tree.entries if entry.kind == "file" and verifiable(entry.path))


def render_listing(files: Iterable[Entry]) -> bytes:
    """The files of a tree as a host lists them: `modes`, and the lines of `manifest` with `SHORT` digits each."""
    files = tuple(files)
    lines = "".join(f"{entry.sha256[:SHORT]}  {FOLDER}{entry.path}\n" for entry in files)
    return render_modes(files) + lines.encode(errors=BYTES)


def unpack_listing(encoded: str) -> bytes:
    """What a host lists, of base64 of gzip; empty if that makes no sense."""
    try:
        return gzip.decompress(base64.b64decode(encoded))
    except (ValueError, OSError, EOFError, zlib.error):
        return b""


def parse_listing(listing: bytes) -> Tree:
    """The files that a host has, in its manifest's order, with short digests; none if they make no sense."""
    try:
        return Tree(tuple(_entries(listing.decode(errors=BYTES))))
    except ValueError:
        return Tree()


def _entries(text: str) -> Iterator[Entry]:
    modes, _, lines = text.partition("\n")
    files = list(_digests(lines.split("\n")))
    for (path, digest), mode in zip(files, modes.split(), strict=True):
        yield Entry(path=path, kind="file", mode=int(mode, 8), sha256=digest)


def _digests(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        digest, found, path = line.partition("  ")
        if found and path.startswith(FOLDER):
            yield path.removeprefix(FOLDER), digest
