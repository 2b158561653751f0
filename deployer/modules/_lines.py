"""Text files edited as Ansible's lineinfile and blockinfile do it: bytes in, bytes out. Nothing here plans anything."""

from __future__ import annotations

import re
from collections.abc import Callable

from deployer.frozen import dataclass

END = b"\n"
_Match = Callable[[bytes], "re.Match[bytes] | None"]


def encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


@dataclass(frozen=True, kw_only=True)
class LineEdit:
    """One line that a file shall have, and where it goes if it has not."""

    line: str
    regexp: str | None = None  # the line that it replaces; the last one that matches
    search_string: str | None = None  # the same as a part of the line
    insertafter: str | None = None  # regular expression, BOF or EOF
    insertbefore: str | None = None  # regular expression or BOF
    backrefs: bool = False  # expand groups of `regexp` in the line; without a match, do nothing
    firstmatch: bool = False  # the first that matches instead of the last

    def apply(self, text: bytes) -> tuple[bytes, str]:
        """The text with the line, and what was done to it: "line added", "line replaced" or nothing."""
        lines, wanted = _lines(text), encoded(self.line)
        at, found = self._replaced(lines)
        if at is None:
            at, place = self._exact_and_place(lines)
            return _with(lines, at, wanted) if at is not None else self._inserted(lines, place, wanted)
        return _with(lines, at, found.expand(wanted) if self.backrefs and found else wanted)

    def _replaced(self, lines: list[bytes]) -> tuple[int | None, re.Match[bytes] | None]:
        """The line that `regexp` or `search_string` means."""
        pattern = self.regexp if self.regexp is not None else self.search_string
        if pattern is None:
            return None, None
        wanted = encoded(pattern)
        search = re.compile(wanted if self.regexp is not None else re.escape(wanted)).search
        hits = [(at, found) for at, line in enumerate(lines) if (found := search(line))]
        return hits[0 if self.firstmatch else -1] if hits else (None, None)

    def _exact_and_place(self, lines: list[bytes]) -> tuple[int | None, int | None]:
        """Where the line stands already, and where it would go beside `insertafter` or `insertbefore`."""
        after = self.insertafter not in (None, "BOF", "EOF")
        pattern = self.insertafter if after else self.insertbefore if self.insertbefore != "BOF" else None
        search = re.compile(encoded(pattern)).search if pattern is not None else None
        exact = place = None
        for at, line in enumerate(lines):
            if line.rstrip(b"\r\n") == encoded(self.line):
                exact = at
            elif search and search(line):
                place = at + 1 if after else at
                if self.firstmatch:
                    break
        return exact, place

    def _inserted(self, lines: list[bytes], place: int | None, wanted: bytes) -> tuple[bytes, str]:
        if self.backrefs:
            return b"".join(lines), ""
        if "BOF" in (self.insertbefore, self.insertafter):
            place = 0
        elif place is None:
            place = len(lines)
        elif self.insertafter is not None and [one.rstrip(b"\r\n") for one in lines[place : place + 1]] == [wanted]:
            return b"".join(lines), ""
        return b"".join([*_ended(lines[:place]), wanted + END, *lines[place:]]), "line added"


def without_lines(text: bytes, *, line: str | None, regexp: str | None, search_string: str | None) -> tuple[bytes, int]:
    """The text without the lines that are meant, and how many they were."""
    if regexp is not None:
        search = re.compile(encoded(regexp)).search
    lines = _lines(text)

    def meant(one: bytes) -> bool:
        if regexp is not None:
            return search(one) is not None
        if search_string is not None:
            return encoded(search_string) in one
        return one.rstrip(b"\r\n") == encoded(line or "")

    kept = [one for one in lines if not meant(one)]
    return b"".join(kept), len(lines) - len(kept)


@dataclass(frozen=True, kw_only=True)
class BlockEdit:
    """A block of lines between two markers; an empty block is none."""

    block: str
    begin: str  # the line before it
    end: str  # the line after it
    insertafter: str | None = None  # regular expression or EOF
    insertbefore: str | None = None  # regular expression or BOF
    append_newline: bool = False  # a blank line after it, unless the file ends there
    prepend_newline: bool = False  # a blank line before it, unless the file begins there

    def apply(self, text: bytes) -> bytes:
        """The text with the block: where it is already, or where it goes."""
        lines = text.splitlines(keepends=True)
        begin, end = encoded(self.begin) + END, encoded(self.end) + END
        first, last = _last_index(lines, begin), _last_index(lines, end)
        if first is None or last is None:
            at = self._place(lines, text)
        else:
            at = min(first, last)
            del lines[at : max(first, last) + 1]
        body = encoded(self.block)
        block = [begin, body if body.endswith(END) else body + END, end] if body else []
        before, rest = _ended(lines[:at]), lines[at:]
        if block and self.prepend_newline and before and before[-1] != END:
            before.append(END)
        if block and self.append_newline and rest and rest[0] != END:
            rest.insert(0, END)
        return b"".join([*before, *block, *rest])

    def _place(self, lines: list[bytes], text: bytes) -> int:
        after = self.insertafter not in (None, "EOF")
        pattern = self.insertafter if after else self.insertbefore if self.insertbefore != "BOF" else None
        if pattern is None:
            return 0 if self.insertbefore == "BOF" else len(lines)
        compiled = re.compile(encoded(pattern))
        if compiled.flags & re.MULTILINE:
            found = compiled.search(text)
            hits = [text.count(END, 0, found.end() if after else found.start())] if found else []
        else:
            hits = [at for at, line in enumerate(lines) if compiled.search(line)]
        return hits[-1] + after if hits else len(lines)


def _lines(text: bytes) -> list[bytes]:
    """Lines with their ends; a carriage return ends none."""
    return re.findall(rb"[^\n]*\n|[^\n]+", text)


def _with(lines: list[bytes], at: int, line: bytes) -> tuple[bytes, str]:
    """The text with this line at an index."""
    new = line if line.endswith(END) else line + END
    done = "line replaced" if lines[at] != new else ""
    return b"".join([*lines[:at], new, *lines[at + 1 :]]), done


def _ended(lines: list[bytes]) -> list[bytes]:
    """The lines, the last one with its end."""
    return [*lines[:-1], lines[-1] + END] if lines and not lines[-1].endswith((b"\n", b"\r")) else list(lines)


def _last_index(lines: list[bytes], line: bytes) -> int | None:
    return next((at for at in reversed(range(len(lines))) if lines[at] == line), None)
