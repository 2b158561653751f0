"""Archives of this machine as entries, and as one tar that any host's tar can read. Bytes in, bytes out."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from deployer.frozen import dataclass
from deployer.modules._refusals import ArgumentRefusedError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One path of an archive."""

    path: str  # from the folder that it is unpacked in
    kind: str  # file, directory, link
    mode: int
    content: bytes = b""
    target: str = ""
    mtime: int = 0

    @property
    def value(self) -> str:
        """A file's SHA-256, a link's target: what a host is asked for too."""
        return hashlib.sha256(self.content).hexdigest() if self.kind == "file" else self.target


def read_archive(name: str, data: bytes) -> tuple[Entry, ...]:
    """All entries, in order; raises ArgumentRefusedError for what is no archive, or would leave its folder."""
    try:
        entries = tuple(_of_zip(data) if zipfile.is_zipfile(io.BytesIO(data)) else _of_tar(data))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as wrong:
        raise ArgumentRefusedError(
            f"{name} cannot be read: {wrong}", hint="it must be tar (gz, bz2, xz) or zip"
        ) from wrong
    for entry in entries:
        if entry.path.startswith("/") or ".." in entry.path.split("/") or "\n" in entry.path:
            raise ArgumentRefusedError(f"{name} holds {entry.path!r}", hint="its paths must stay in the folder")
    return entries


def chosen(entries: Sequence[Entry], include: Sequence[str], exclude: Sequence[str]) -> tuple[Entry, ...]:
    """The entries that patterns leave; a folder's name means all in it."""

    def fits(path: str, patterns: Sequence[str]) -> bool:
        parts = path.split("/")
        heads = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return any(fnmatchcase(head, pattern.rstrip("/")) for pattern in patterns for head in heads)

    return tuple(
        one for one in entries if (not include or fits(one.path, include)) and not fits(one.path, exclude)
    )  # fmt: skip


def packed(entries: Sequence[Entry]) -> bytes:
    """A gzipped tar of these entries, which root's tar gives to root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.mode, info.mtime, info.size = entry.mode, entry.mtime, len(entry.content)
            info.type = {"file": tarfile.REGTYPE, "directory": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}[entry.kind]
            info.linkname = entry.target
            tar.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()


def _of_tar(data: bytes) -> Iterator[Entry]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar:
            path = info.name.removeprefix("./").rstrip("/")
            if path in ("", "."):
                continue
            if info.isdir() or info.issym():
                kind = "directory" if info.isdir() else "link"
                yield Entry(path=path, kind=kind, mode=info.mode & 0o7777, target=info.linkname, mtime=int(info.mtime))
            elif info.isreg() or info.islnk():
                file = tar.extractfile(info)
                content = file.read() if file else b""
                yield Entry(path=path, kind="file", mode=info.mode & 0o7777, content=content, mtime=int(info.mtime))
            else:
                raise ValueError(f"{info.name} is a device or a pipe")


def _of_zip(data: bytes) -> Iterator[Entry]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            bits, path = info.external_attr >> 16, info.filename.rstrip("/")
            mtime = int(_seconds(info.date_time))
            if info.is_dir():
                yield Entry(path=path, kind="directory", mode=stat.S_IMODE(bits) or 0o755, mtime=mtime)
            elif stat.S_ISLNK(bits):
                yield Entry(path=path, kind="link", mode=0o777, target=archive.read(info).decode(), mtime=mtime)
            else:
                mode = stat.S_IMODE(bits) or 0o644
                yield Entry(path=path, kind="file", mode=mode, content=archive.read(info), mtime=mtime)


def _seconds(when: tuple[int, int, int, int, int, int]) -> float:
    from calendar import timegm

    return timegm((*when, 0, 0, 0))
