"""A release's files as two texts beside its tree: `manifest` as sha256sum writes it, and `modes`, one line for all.

A host verifies a release with the first; both together are what a later release is built on. Pure: no host, no files.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping

from deployer.model.tree import Entry, Tree

FOLDER = "project/"  # in front of the tree's paths, as sha256sum runs beside the tree
BYTES = "surrogateescape"
UNSURE = frozenset("\\\n\r")  # GNU's escapes them, busybox's reads back no escape


def verifiable(path: str) -> bool:
    """Whether every sha256sum reads the path back: on line ends and backslashes they disagree."""
    return UNSURE.isdisjoint(path)


def render_manifest(tree: Tree, beside: Mapping[str, str]) -> bytes:
    """A line for every file of the tree, then one for each of those beside it (name to digest)."""
    digests = {FOLDER + entry.path: entry.sha256 for entry in _files(tree)} | dict(beside)
    return "".join(f"{digest}  {path}\n" for path, digest in digests.items()).encode(errors=BYTES)


def render_modes(tree: Tree) -> bytes:
    """The octal modes of the manifest's files of the tree, in its order."""
    return (" ".join(f"{entry.mode:o}" for entry in _files(tree)) + "\n").encode()


def parse_release(encoded: str) -> Tree:
    """The files that a host has, from base64 of gzip of its `modes` and `manifest`; none if they make no sense."""
    try:
        text = gzip.decompress(base64.b64decode(encoded)).decode(errors=BYTES)
        return Tree(tuple(_entries(text)))
    except (ValueError, OSError, EOFError, zlib.error):
        return Tree()


def _files(tree: Tree) -> Iterator[Entry]:
    return (entry for entry in tree.entries if entry.kind == "file" and verifiable(entry.path))


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
