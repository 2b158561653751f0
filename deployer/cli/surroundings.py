"""What a command finds itself in: streams that may be closed or cannot print every sign, a terminal without colours.

Nothing here knows any verb.
"""

from __future__ import annotations

import codecs
import io
import os
import shutil
import signal
import sys
from types import FrameType
from typing import NoReturn, TextIO

from deployer.report.plainer import ASCII, PLAINER

UNWRITTEN = 120  # Python's own status where the last of what was written could not be


def settle() -> None:
    """Make standard streams that can be written to, whatever they are; let SIGTERM and SIGHUP end us as Ctrl-C does."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _nothing(number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAINER, encoding=ASCII if _is_plain(stream.encoding) else None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
            signal.signal(number, _interrupt)


def has_colour() -> bool | None:
    """False where nobody wants colours; None: that is the terminal's to say."""
    is_unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
    return False if is_unwanted else None


def columns() -> int | None:
    """How wide the terminal is that results are written to; None: it is no terminal, and lines may be of any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def end_unheard() -> None:
    """End as any program whose reader went away: by SIGPIPE, without a word."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


def leave(code: int) -> NoReturn:
    """End the process now. Taking apart what ends with it anyway takes longer than many a command."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BrokenPipeError:
        end_unheard()
    except OSError:  # a full disk
        os._exit(UNWRITTEN)
    os._exit(code)


def _is_plain(encoding: str) -> bool:
    """Whether only ASCII shall be written: the stream says so, or the locale does, which Python would not believe."""
    if os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8"):
        return codecs.lookup(encoding).name == "ascii"
    locale = os.environ.get("LC_ALL") or _set_by_a_person(os.environ.get("LC_CTYPE")) or os.environ.get("LANG")
    return locale in ("C", "POSIX") or codecs.lookup(encoding).name == "ascii"


def _set_by_a_person(locale: str | None) -> str | None:
    """Python itself sets C.UTF-8 for LANG=C."""
    return None if locale == "C.UTF-8" else locale


def _nothing(number: int) -> TextIO:
    """A closed stream's descriptor must not become that of a connection: it is /dev/null from now on."""
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)
    if number:
        return io.TextIOWrapper(io.BufferedWriter(io.FileIO(number, "w")), errors=PLAINER)
    return io.TextIOWrapper(io.BufferedReader(io.FileIO(number)))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
