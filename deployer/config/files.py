"""Text files, read whole: regular ones, of a bounded size, in UTF-8."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from deployer.config.vault import is_encrypted
from deployer.config.vault_keys import Keyring
from deployer.errors import ConfigError, Place

MOST_BYTES = 16_000_000  # of one file; what people write by hand is far smaller
KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))


def read_text(path: Path | str, error: type[ConfigError] = ConfigError, vault: Keyring | None = None) -> str:
    """A UTF-8 file's text, without a byte order mark, decrypted if need be.

    Raises `error` if it is no such text or cannot be read, and VaultError if no password opens it.
    """
    try:
        data = _read(Path(path), error)
    except OSError as failure:
        reason = (failure.strerror or str(failure)).lower()
        raise error(f"cannot be read: {reason}", place=Place(str(path)), hint=f"check `ls -l {path}`") from None
    except ValueError:  # a path with a NUL in it
        raise error("cannot be read: no possible path", place=Place(repr(str(path)))) from None
    if is_encrypted(data):
        if vault is None:
            hint = f"decrypt it: `deploy vault decrypt {path}`"
            raise error("encrypted with ansible-vault, which is not read here", place=Place(str(path), 1), hint=hint)
        data = vault.file(data, str(path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        raise error(
            f"not UTF-8: byte 0x{data[failure.start]:02x}", place=Place(str(path), line), hint="save it as UTF-8 text"
        ) from None


def _read(path: Path, error: type[ConfigError]) -> bytes:
    """The bytes of a regular file; anything else could block for ever, or have no end."""
    if str(path) == os.devnull:
        return b""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            kind = next((words for matches, words in KINDS if matches(mode)), "a device")
            raise error(f"cannot be read: {kind}, not a file", place=Place(str(path)), hint="name a regular file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise error(
            f"cannot be read: larger than {MOST_BYTES // 1_000_000} MB",
            place=Place(str(path)),
            hint="split it into a folder of files, or let a script print the inventory as JSON",
        )
    return data
