"""A secret in an editor: the one time that it is in a file, which is private and goes away whatever ends the editor."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import click

from deployer.cli.vault_files import PRIVATE, blot
from deployer.errors import VaultError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
GRACE = 3.0  # seconds for an editor to end when it is asked to
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


def edited(name: str, content: bytes) -> bytes:
    """What a person has made of the content in $VISUAL or $EDITOR.

    Raises VaultError if the editor fails, and click.Abort after a signal: in every case nothing is left of it.
    """
    with Stop() as stop, _private_folder() as folder:
        path = folder / Path(name).name
        path.touch(PRIVATE)
        path.write_bytes(content)
        status = stop.run([*editor(), str(path)])
        if stop.came():
            raise click.Abort
        if status:
            how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
            raise VaultError(f"the editor ended {how}: nothing was changed", hint="edit it again")
        try:
            return path.read_bytes()
        except OSError:
            raise VaultError("the editor has taken the file away: nothing was changed", hint="edit it again") from None


def editor() -> list[str]:
    """The editor's command, with its arguments."""
    text = next(filter(None, (os.environ.get(name, "").strip() for name in ("VISUAL", "EDITOR"))), "vi")
    try:
        return shlex.split(text)
    except ValueError as wrong:
        raise VaultError(f"the editor's command cannot be read: {wrong}", hint="set EDITOR") from None


class Stop:
    """While it is open, signals end the editor in place of this program; `signal` is the one that came."""

    def __init__(self) -> None:
        self.signal = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Stop:
        self._before = {number: signal.signal(number, self._come) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, old in self._before.items():
            signal.signal(number, old)  # type: ignore[arg-type]

    def run(self, argv: list[str]) -> int:
        """Run a command to its end; its status, negative for a signal. Raises VaultError if it does not start."""
        if self.came():
            return -self.signal
        try:
            self._child = subprocess.Popen(argv)
        except OSError as failure:
            reason = (failure.strerror or str(failure)).lower()
            raise VaultError(f"the editor `{argv[0]}` cannot be started: {reason}", hint="set EDITOR") from None
        if self.came():  # between the two lines above
            self._end()
        return self._child.wait()

    def came(self) -> bool:
        """Whether a signal has come."""
        return bool(self.signal)

    def _come(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or number
        self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.terminate()
            timer = threading.Timer(GRACE, self._child.kill)
            timer.daemon = True
            timer.start()


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder that nobody else can enter, in memory if possible; all of it is overwritten at the end."""
    inside = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="deploy-vault-", dir=inside))
    try:
        yield folder
    finally:
        _wipe(folder)


def _wipe(folder: Path) -> None:
    """Overwrite and remove all files, what the editor has put beside ours included."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with suppress(OSError):
                handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
                try:
                    blot(handle)
                finally:
                    os.close(handle)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        click.echo(f"warning: {folder} could not be removed, and holds what was decrypted", err=True)
