"""What a host's files are: existence, kind, rights, digest, content. Releases have facts of their own elsewhere."""

from __future__ import annotations

import base64
import re
import shlex
import stat
from typing import ClassVar

from deployer.frozen import dataclass

TEXT_LIMIT = 65536  # bytes of a file that are fetched to show a difference
WHOLE_LIMIT = 8 * 2**20  # bytes of a file that are fetched to be read or edited

_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


@dataclass(frozen=True)
class PathExists:
    """True if something is at the path; `*` and `?` match as in a shell, a dangling link counts."""

    constant: ClassVar[bool] = False

    path: str

    def script(self) -> str:
        pattern = "".join(
            part if part.strip("*?") == "" else shlex.quote(part) for part in re.split(r"([*?]+)", self.path) if part
        )
        return f'for p in {pattern}; do\n  if [ -e "$p" ] || [ -L "$p" ]; then exit 0; fi\ndone\nexit 1'

    def parse(self, output: str, status: int) -> bool:
        return status == 0


@dataclass(frozen=True)
class MissingAbove:
    """The folders above a path that are not there, the nearest first."""

    constant: ClassVar[bool] = False

    path: str

    def script(self) -> str:
        return (
            f"p={shlex.quote(self.path.rstrip('/'))}\n"
            'while p=${p%/*}; [ -n "$p" ] && ! [ -e "$p" ]; do\n  printf "%s\\n" "$p"\ndone'
        )

    def parse(self, output: str, status: int) -> tuple[str, ...]:
        return tuple(filter(None, output.split("\n")))


@dataclass(frozen=True, kw_only=True)
class FileSeen:
    """One path. Of a link that is followed, everything but `target` is about what it leads to."""

    kind: str  # "file", "directory", "link" (not followed, or dangling), "other"
    mode: int = 0o644  # permission bits
    owner: str = "root"
    group: str = "root"
    uid: int = 0
    gid: int = 0
    sha256: str = ""  # of a file, if it was asked for
    size: int = 0  # bytes
    target: str = ""  # of a link


@dataclass(frozen=True)
class FileState:
    """What is at a path; None if nothing is, or its folder may not be entered."""

    constant: ClassVar[bool] = False

    path: str
    follow: bool = True  # of a link, see what it leads to
    hashed: bool = False  # read the content too

    def script(self) -> str:
        follow = "-L " if self.follow else ""
        lines = [
            f"p={shlex.quote(self.path)}",
            '{ [ -e "$p" ] || [ -L "$p" ]; } || exit 1',
            f"stat {follow}-c '%f %u %g %s %U %G' -- \"$p\" 2>/dev/null || stat -c '%f %u %g %s %U %G' -- \"$p\"",
            ('if [ -f "$p" ]; then sha256sum <"$p"; else echo; fi' if self.hashed else "echo"),
            'if [ -L "$p" ]; then readlink -- "$p"; fi',
        ]
        return "\n".join(lines)

    def parse(self, output: str, status: int) -> FileSeen | None:
        if not output.strip():
            return None
        first, digest, target = [*output.split("\n", 2), "", ""][:3]
        mode, uid, gid, size, owner, group = first.split(" ", 5)
        bits = int(mode, 16)
        return FileSeen(
            kind=_KINDS.get(stat.S_IFMT(bits), "other"), mode=stat.S_IMODE(bits), owner=owner, group=group,
            uid=int(uid), gid=int(gid), sha256=digest.split(" ")[0], size=int(size), target=target.removesuffix("\n"),
        )  # fmt: skip


@dataclass(frozen=True)
class FileText:
    """A file's bytes, for showing a difference; None if there is no such file, it is over 64 kB, or is `unless`."""

    constant: ClassVar[bool] = False

    path: str
    unless: str = ""  # SHA-256 of a content that is not worth fetching: the wanted one

    def script(self) -> str:
        return (
            f"p={shlex.quote(self.path)}\n"
            '[ -f "$p" ] && [ -r "$p" ] || exit 1\n'
            f'[ "$(wc -c <"$p")" -le {TEXT_LIMIT} ] || exit 1\n'
            f'case $(sha256sum <"$p") in {shlex.quote(self.unless or "-")}*) exit 1 ;; esac\n'
            'base64 <"$p"'
        )

    def parse(self, output: str, status: int) -> bytes | None:
        return base64.b64decode(output) if status == 0 else None


@dataclass(frozen=True)
class FileDigest:
    """A file's digest in hexadecimal; None if there is no such file, or it may not be read."""

    constant: ClassVar[bool] = False

    path: str
    algorithm: str = "sha1"  # md5, sha1, sha256 …

    def script(self) -> str:
        return f'p={shlex.quote(self.path)}\n[ -f "$p" ] && {self.algorithm}sum <"$p"'

    def parse(self, output: str, status: int) -> str | None:
        return output.partition(" ")[0] if status == 0 else None


@dataclass(frozen=True)
class RealPath:
    """Where a path leads when all links are followed; the path itself if that cannot be told."""

    constant: ClassVar[bool] = False

    path: str

    def script(self) -> str:
        return f"readlink -f -- {shlex.quote(self.path)}"

    def parse(self, output: str, status: int) -> str:
        return output.removesuffix("\n") if status == 0 and output.strip() else self.path


@dataclass(frozen=True)
class FileBytes:
    """A file's bytes, whole; None if there is no such file, it may not be read, or it is over 8 MB."""

    constant: ClassVar[bool] = False

    path: str

    def script(self) -> str:
        return (
            f"p={shlex.quote(self.path)}\n"
            '[ -f "$p" ] && [ -r "$p" ] || exit 1\n'
            f'[ "$(wc -c <"$p")" -le {WHOLE_LIMIT} ] || exit 1\n'
            'base64 <"$p"'
        )

    def parse(self, output: str, status: int) -> bytes | None:
        return base64.b64decode(output) if status == 0 else None
