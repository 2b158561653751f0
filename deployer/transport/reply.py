"""Finds the answer to one script in the bytes of its two outputs, line by line as they come.

The host's shell marks where each output begins and ends; whatever a login shell prints before is noise.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Callable

from deployer.protocols import OnLine

NOISE = 4000  # bytes kept of what came before the beginning, for a message


class Output:
    """One output of a script: the text between its marks."""

    def __init__(self, nonce: str, tell: Callable[[str], None] | None = None) -> None:
        self._begin = re.compile(rb"%s begin (\d+)\n" % nonce.encode())
        self._mark = f"\n{nonce} end ".encode()
        self._end = re.compile(rb"(?:^|\n)%s end (\d+)\n" % nonce.encode())
        self._tell = tell
        self._buffer = bytearray()
        self._scanned = self._told = 0
        self.pid: int | None = None
        self.status: int | None = None

    @property
    def done(self) -> bool:
        return self.status is not None

    @property
    def raw(self) -> bytes:
        """What the script wrote so far; before it began, the noise."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> None:
        if not data or self.done:
            return
        self._buffer += data
        if self.pid is None:
            self._look_for_beginning()
        self._look_for_end()
        if self.pid is not None:
            self._tell_lines()

    def finish(self) -> None:
        """Nothing more will come: tell the last line, if it had no end."""
        rest = self._buffer[self._told :]
        if self.pid is not None and rest and self._tell:
            self._tell(rest.decode(errors="replace"))
        self._told = len(self._buffer)

    def _look_for_beginning(self) -> None:
        found = self._begin.search(self._buffer)
        if found:
            self.pid = int(found[1])
            del self._buffer[: found.end()]
            self._scanned = 0

    def _look_for_end(self) -> None:
        found = self._end.search(self._buffer, max(0, self._scanned - len(self._mark) - 4))
        self._scanned = len(self._buffer)
        if found:
            self.status = int(found[1])
            del self._buffer[found.start() :]
            if self.pid is None:
                del self._buffer[:-NOISE]

    def _tell_lines(self) -> None:
        if self._tell is None:
            return
        while (at := self._buffer.find(b"\n", self._told)) >= 0:
            # An empty line may be the newline that begins our own mark: wait for what follows it.
            if at == self._told and not self.done and self._may_be_mark(at):
                return
            self._tell(self._buffer[self._told : at].decode(errors="replace"))
            self._told = at + 1
        if self.done:
            self.finish()

    def _may_be_mark(self, at: int) -> bool:
        return self._mark.startswith(self._buffer[at : at + len(self._mark)])


class Reply:
    """Both outputs of one script; `nonce` is what its marks are made of."""

    def __init__(self, on_line: OnLine | None = None) -> None:
        self.nonce = secrets.token_hex(16)
        self.out = Output(self.nonce, None if on_line is None else lambda line: on_line(line, False))
        self.err = Output(self.nonce, None if on_line is None else lambda line: on_line(line, True))

    @property
    def begun(self) -> bool:
        return self.out.pid is not None

    @property
    def done(self) -> bool:
        return self.out.done and self.err.done

    def feed(self, out: bytes, err: bytes) -> None:
        self.out.feed(out)
        self.err.feed(err)

    def finish(self) -> None:
        self.out.finish()
        self.err.finish()

    def noise(self) -> str:
        """What was said instead of an answer."""
        both = (part.raw.decode(errors="replace").strip() for part in (self.err, self.out) if part.pid is None)
        return "\n".join(part for part in both if part)[-NOISE:]


# The outer shell keeps stderr as 9 and mutes its own: a job that is killed would otherwise be printed, script and all.
# setsid gives the script a process group that can be ended; it forks for group leaders only, which a child never is.
PRELUDE = "exec 9>&2 2>/dev/null; command -v setsid >/dev/null && S=setsid || S=\n"


def request(script: str, nonce: str) -> bytes:
    """The text that makes a waiting `sh` (which has read PRELUDE) run a script and mark its outputs.

    The script arrives in a here-document and is read through /dev/fd/3: it is in no argv, and programs that read
    their input find it empty.
    """
    inner = f"{_begin(nonce)}; exec sh /dev/fd/3"
    return (
        f"$S sh -c {shlex.quote(inner)} </dev/null 3<<'{nonce}'\nexec 3<&-; {script}\n{nonce}\n{_end(nonce)}\n"
    ).encode(errors="surrogateescape")


def streamed(script: str, nonce: str) -> str:
    """A program (shell words) that runs a script with its own input, and marks its outputs."""
    inner = f'{_begin(nonce)}; exec sh -c "$1"'
    text = f"{PRELUDE}$S sh -c {shlex.quote(inner)} sh {shlex.quote(script)}\n{_end(nonce)}"
    return f"sh -c {shlex.quote(text)}"


def _begin(nonce: str) -> str:
    """Only the child gets the real stderr: dash would say «Killed» on a redirection of its own."""
    mark = f'echo "{nonce} begin $$"'
    return f"exec 2>&9 9>&-; {mark}; {mark} >&2"


def _end(nonce: str) -> str:
    mark = f"printf '\\n%s end %s\\n' {nonce} $1"
    return f"set -- $?; {mark}; {mark} >&9"
