"""Files of `deploy vault`: read whole, replaced by a rename. `-` is standard input and output."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import click

from deployer.errors import ConfigError, Place, VaultError

STANDARD = "-"
PRIVATE = 0o600


def read(name: str) -> bytes:
    """The bytes of a file, or of standard input; raises ConfigError if they cannot be read."""
    if name == STANDARD:
        if sys.stdin.isatty():
            click.echo("reading from the terminal; Ctrl-D ends it", err=True)
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as failure:
        reason = (failure.strerror or str(failure)).lower()
        raise ConfigError(f"cannot be read: {reason}", place=Place(name), hint=f"check `ls -l {name}`") from None


def place(name: str) -> Place:
    """How a message calls it."""
    return Place("standard input" if name == STANDARD else name, 1)


def make_folder(name: str) -> None:
    """Make the folders above a file; raises ConfigError."""
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise _unwritable(name, failure) from None


def check_replaceable(name: str) -> None:
    """Raise ConfigError for what cannot be replaced by a rename, before somebody has typed something for it."""
    if name == STANDARD:
        return
    path = Path(name).resolve()
    if path.exists() and not path.is_file():
        raise VaultError("not a regular file", place=Place(name), hint="say where to with --output FILE")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        hint = f"check `ls -ld {path.parent}`"
        raise ConfigError("cannot be written: its folder is not there or not writable", place=Place(name), hint=hint)


def write(name: str, content: bytes, *, keep_rights: bool = False, wipe: bool = False) -> None:
    """Put bytes into a file by a rename, or on standard output; a link is followed. Raises ConfigError.

    The file is for its owner alone, unless it shall keep the rights that it has; its owner stays. With `wipe`, what
    it held before is overwritten if no other name leads to it.
    """
    if name == STANDARD:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    path = Path(name).resolve()
    try:
        if path.exists() and not path.is_file():  # a pipe or a device
            path.write_bytes(content)
            return
        before = path.stat() if path.exists() else None
        old = os.open(path, os.O_RDWR) if wipe and before and os.access(path, os.W_OK) else None
        _replace(path, content, before, mode=before.st_mode & 0o7777 if before and keep_rights else PRIVATE)
        if old is not None:
            _overwrite(old)
    except OSError as failure:
        raise _unwritable(name, failure) from None


def _unwritable(name: str, failure: OSError) -> ConfigError:
    reason = (failure.strerror or str(failure)).lower()
    return ConfigError(f"cannot be written: {reason}", place=Place(name), hint=f"check `ls -ld {Path(name).parent}`")


def _replace(path: Path, content: bytes, before: os.stat_result | None, *, mode: int) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if before and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                with contextlib.suppress(PermissionError):  # only root can give a file away
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _overwrite(handle: int) -> None:
    """Overwrite what a file held that has no name any more."""
    with os.fdopen(handle, "r+b") as file:
        if os.fstat(handle).st_nlink == 0:
            blot(file.fileno())


def blot(handle: int) -> None:
    """Overwrite all of an open file, on the disk too."""
    left = os.fstat(handle).st_size
    os.lseek(handle, 0, os.SEEK_SET)
    while left > 0:
        left -= os.write(handle, bytes(min(left, 1 << 20)))
    os.fsync(handle)
