"""Reads a project folder as content: every file, folder and symbolic link that a release will hold.

What stays at home is `ignore`'s decision; nothing is read into memory whole, and nothing outside the folder is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployer.config.ignore import Rules, load_rules
from deployer.errors import ProjectError
from deployer.model.tree import Entry, Tree

PERMISSIONS = 0o777  # set-user-ID and its kin have no place in a release


def load_tree(folder: Path, *, exclude: Sequence[str] = ()) -> Tree:
    """The folder's content without what git, `.deployignore` or `exclude` (same syntax, strongest) leave out.

    Links are taken as links, empty folders are kept. Raises ProjectError for whatever cannot be brought to a host:
    no such folder, a socket, a pipe, a device, a file that cannot be read.
    """
    if not folder.is_dir():
        raise ProjectError(f"no project folder at {folder}", hint="give the folder that holds compose.yaml")
    entries = _walk(folder, "", load_rules(folder, exclude))
    return Tree(tuple(sorted(entries, key=lambda entry: entry.path)))


def _walk(project: Path, path: str, rules: Rules) -> Iterator[Entry]:
    try:
        with os.scandir(project / path) as found:
            for item in found:
                yield from _take(project, f"{path}/{item.name}" if path else item.name, item, rules)
    except OSError as error:
        raise _unreadable(project, os.fsdecode(error.filename or path), error) from None


def _take(project: Path, path: str, item: os.DirEntry[str], rules: Rules) -> Iterator[Entry]:
    folder = item.is_dir(follow_symlinks=False)
    if rules.ignores(path, folder=folder):
        return
    seen = item.stat(follow_symlinks=False)
    if folder:
        yield Entry(path=path, kind="dir", mode=seen.st_mode & PERMISSIONS, mtime=int(seen.st_mtime))
        yield from _walk(project, path, rules.entering(project, path))
    elif item.is_symlink():
        yield Entry(path=path, kind="link", mode=PERMISSIONS, target=os.readlink(item.path), mtime=int(seen.st_mtime))
    elif stat.S_ISREG(seen.st_mode):
        yield _file(path, item.path)
    else:
        raise ProjectError(
            f"{_shown(path)} is a {_kind(seen.st_mode)}, which cannot be a part of a release",
            hint=f"add it to .deployignore: echo '/{_shown(path)}' >> {project / '.deployignore'}",
        )


def _file(path: str, real: str) -> Entry:
    with open(real, "rb") as content:
        seen = os.fstat(content.fileno())
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        size = content.tell()
    mode, mtime = seen.st_mode & PERMISSIONS, int(seen.st_mtime)
    return Entry(path=path, kind="file", mode=mode, sha256=digest, size=size, mtime=mtime)


def _kind(mode: int) -> str:
    names = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "named pipe", stat.S_IFBLK: "device", stat.S_IFCHR: "device"}
    return names.get(stat.S_IFMT(mode), "special file")


def _unreadable(project: Path, path: str, error: OSError) -> ProjectError:
    return ProjectError(
        f"cannot read {_shown(path)}: {(error.strerror or str(error)).lower()}",
        hint=f"make it readable, or leave it out in {project / '.deployignore'}",
    )


def _shown(path: str) -> str:
    """A path as a message can print it: control characters and undecodable bytes escaped."""
    return path.encode(errors="backslashreplace").decode().replace("\n", "\\n")
