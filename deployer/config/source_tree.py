"""Reads a project folder as content: every file, folder and symbolic link that a release will hold.

What stays at home is `ignore`'s decision; nothing is read into memory whole, and nothing outside the folder is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from pathlib import Path

from deployer.config.digests import Digests
from deployer.config.ignore import Rules, load_rules
from deployer.errors import ProjectError
from deployer.frozen import dataclass
from deployer.model.tree import Entry, Tree

PERMISSIONS = 0o777  # set-user-ID and its kin have no place in a release
IGNORE_FILE = ".deployignore"
LFS = b"version https://git-lfs.github.com/spec/v1\n"  # how a pointer begins, which is a file below 1024 bytes
LFS_LIMIT = 1024
CHUNK = 256 * 1024  # bytes


def load_tree(
    folder: Path,
    *,
    exclude: Sequence[str] = (),
    on_left: Callable[[str], None] = lambda path: None,
    digests: Digests | None = None,
) -> Tree:
    """The folder's content without what git, `.deployignore` or `exclude` (same syntax, strongest) leave out.

    A file whose content `digests` know is not read. Links are taken as links, empty folders are kept; `on_left`
    hears what stays at home, folders with a slash at the end. Raises ProjectError for whatever cannot be brought to
    a host: no such folder, a socket, a pipe, a device, a file that cannot be read or changes meanwhile, what Git
    LFS keeps elsewhere.
    """
    if not folder.is_dir():
        raise ProjectError(f"no project folder at {folder}", hint="give the folder that holds compose.yaml")
    reading = _Reading(folder, on_left, digests)
    entries = sorted(reading.entries(exclude), key=lambda entry: entry.path)
    if reading.pointers:
        raise ProjectError(
            f"Git LFS keeps the content of {named(reading.pointers)} elsewhere: here is only a pointer to it",
            hint=f"git lfs pull, or leave it out in {folder / IGNORE_FILE}",
        )
    return Tree(tuple(entries))


def named(paths: Sequence[str], limit: int = 3) -> str:
    """Some paths as a message can print them."""
    known = [shown(path) for path in sorted(paths)]
    return ", ".join(known[:limit]) + (f" and {len(known) - limit} more" if len(known) > limit else "")


def shown(path: str) -> str:
    """A path as a message can print it: control characters and undecodable bytes escaped."""
    return path if path.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in path)


def _escaped(one: str) -> str:
    is_byte = "\udc80" <= one <= "\udcff"
    return f"\\x{ord(one) & 0xFF:02x}" if is_byte else one.encode("unicode_escape").decode()


@dataclass(frozen=True)
class _Reading:
    """One walk through a project's folder."""

    project: Path
    on_left: Callable[[str], None]
    digests: Digests | None
    pointers: list[str] = field(default_factory=list)  # files whose content Git LFS has

    def entries(self, exclude: Sequence[str]) -> Iterator[Entry]:
        """Everything that travels, in no order."""
        path = ""
        try:
            folders = [(path, load_rules(self.project, exclude))]
            while folders:
                path, rules = folders.pop()
                yield from self._enter(path, rules, folders)
        except OSError as error:
            raise self._unreadable(path, error) from None

    def _enter(self, path: str, rules: Rules, folders: list[tuple[str, Rules]]) -> Iterator[Entry]:
        """What is in a folder; `folders` hears of those that are to be entered, with the rules around them."""
        with os.scandir(self.project / path) as found:
            own = rules.entering(self.project, path) if path else rules
            for item in found:
                yield from self._take(f"{path}/{item.name}" if path else item.name, item, own, folders)

    def _take(
        self, path: str, item: os.DirEntry[str], rules: Rules, folders: list[tuple[str, Rules]]
    ) -> Iterator[Entry]:
        folder = item.is_dir(follow_symlinks=False)
        if rules.ignores(path, folder=folder):
            self.on_left(f"{path}/" if folder else path)
            return
        seen = item.stat(follow_symlinks=False)
        mtime = int(seen.st_mtime)
        if folder:
            yield Entry(path=path, kind="dir", mode=seen.st_mode & PERMISSIONS, mtime=mtime)
            folders.append((path, rules))
        elif item.is_symlink():
            yield Entry(path=path, kind="link", mode=PERMISSIONS, target=os.readlink(item.path), mtime=mtime)
        elif stat.S_ISREG(seen.st_mode):
            known = self.digests.get(seen) if self.digests else None
            yield _entry(path, seen, known) if known else self._file(path, item.path)
        else:
            raise ProjectError(
                f"{shown(path)} is a {_kind(seen.st_mode)}, which cannot be a part of a release",
                hint=f"add it to .deployignore: echo '/{shown(path)}' >> {self.project / IGNORE_FILE}",
            )

    def _file(self, path: str, real: str) -> Entry:
        digest, size = hashlib.sha256(), 0
        with open(os.open(real, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as content:
            seen = os.fstat(content.fileno())
            while chunk := content.read(CHUNK):
                if not size and len(chunk) < LFS_LIMIT and chunk.startswith(LFS):
                    self.pointers.append(path)
                digest.update(chunk)
                size += len(chunk)
            after = os.fstat(content.fileno())
        if (size, after.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns):
            raise ProjectError(
                f"{shown(path)} changed while it was read",
                hint=f"run again when nothing writes to it, or leave it out in {self.project / IGNORE_FILE}",
            )
        if self.digests and path not in self.pointers:
            self.digests.add(after, digest.hexdigest())
        return _entry(path, seen, digest.hexdigest())

    def _unreadable(self, path: str, error: OSError) -> ProjectError:
        real = os.fsdecode(error.filename or path)
        what = shown(os.path.relpath(real, self.project) if os.path.isabs(real) else real)
        return ProjectError(
            f"cannot read {what}: {(error.strerror or str(error)).lower()}",
            hint=f"make it readable, or leave it out in {self.project / IGNORE_FILE}",
        )


def _entry(path: str, seen: os.stat_result, digest: str) -> Entry:
    mode, mtime = seen.st_mode & PERMISSIONS, int(seen.st_mtime)
    return Entry(path=path, kind="file", mode=mode, sha256=digest, size=seen.st_size, mtime=mtime)


def _kind(mode: int) -> str:
    names = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "named pipe", stat.S_IFBLK: "device", stat.S_IFCHR: "device"}
    return names.get(stat.S_IFMT(mode), "special file")
