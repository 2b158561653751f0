"""What of a project would travel, as lines for people and as JSON for programs."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from deployer.frozen import dataclass
from deployer.model.tree import Entry, Tree
from deployer.report.json_lines import plain
from deployer.report.words import count, encodable

TYPES = {"file": stat.S_IFREG, "dir": stat.S_IFDIR, "link": stat.S_IFLNK}
KINDS = {"file": "file", "dir": "folder", "link": "link"}


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One project, and the hosts that it is for."""

    hosts: tuple[str, ...]
    source: str
    tree: Tree
    commit: str | None = None
    dirty: bool = False
    left_out: tuple[str, ...] = ()


def render_files(projects: Sequence[Listed], *, left_out: bool = False) -> Iterator[str]:
    """A line for every file, folder and link with mode and size, and one with the sums; or what stays at home."""
    for one in projects:
        if len(projects) > 1:
            yield f"{', '.join(one.hosts)}: {_shown(one.source)}"
        yield from map(_shown, one.left_out) if left_out else _lines(one)


def files_json(projects: Iterable[Listed]) -> str:
    """A JSON array, an object for each project; undecodable bytes in names as `\\xNN`."""
    return json.dumps([_object(one) for one in projects], indent=2)


def _lines(one: Listed) -> Iterator[str]:
    width = max((len(str(entry.size)) for entry in one.tree.entries), default=1)
    for entry in one.tree.entries:
        size = str(entry.size) if entry.kind == "file" else "-"
        yield f"{stat.filemode(TYPES[entry.kind] | entry.mode)} {size:>{width}} {_name(entry)}"
    yield f"{_sums(one.tree)}, {count(one.tree.size, 'byte')}{_origin(one)}"


def _name(entry: Entry) -> str:
    tail = {"dir": "/", "link": f" -> {_shown(entry.target)}"}
    return _shown(entry.path) + tail.get(entry.kind, "")


def _sums(tree: Tree) -> str:
    kinds = [entry.kind for entry in tree.entries]
    return ", ".join(count(kinds.count(kind), word) for kind, word in KINDS.items())


def _origin(one: Listed) -> str:
    return f"; commit {one.commit[:10]}{'+dirty' if one.dirty else ''}" if one.commit else ""


def _object(one: Listed) -> dict[str, Any]:
    kinds = [entry.kind for entry in one.tree.entries]
    return {
        "hosts": plain(one.hosts),
        "source": encodable(one.source),
        "commit": one.commit,
        "dirty": one.dirty,
        "entries": [_entry(entry) for entry in one.tree.entries],
        "left_out": plain(one.left_out),
        "total": {"files": kinds.count("file"), "folders": kinds.count("dir"), "links": kinds.count("link"),
                  "bytes": one.tree.size},
    }  # fmt: skip


def _entry(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {"path": encodable(entry.path), "kind": KINDS[entry.kind], "mode": f"{entry.mode:04o}"}
    if entry.kind == "file":
        return {**told, "size": entry.size, "sha256": entry.sha256}
    return {**told, "target": encodable(entry.target)} if entry.kind == "link" else told


def _shown(path: str) -> str:
    """A path on one line: what is no letter is escaped as Python writes it."""
    escaped = (one if one.isprintable() or "\udc80" <= one <= "\udcff" else repr(one)[1:-1] for one in path)
    return encodable("".join(escaped))
