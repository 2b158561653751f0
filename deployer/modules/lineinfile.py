"""`lineinfile`: a line in a text file. What an edit does to a text is `_lines`' to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._lines import LineEdit, without_lines
from deployer.modules._placing import Edited, Rights
from deployer.modules._refusals import (
    ArgumentRefusedError,
    check_absolute,
    check_not_both,
    check_regexp,
    parse_mode,
    parse_validate,
)
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("lineinfile")
@dataclass(frozen=True, kw_only=True)
class LineInFile:
    """Make sure that a text file has a line, or that it has not; a line that `regexp` matches is replaced.

    Regular expressions are Python's. A link is followed. `register` gives `msg`: "line added", "line replaced".

    Examples:
        - name: No login with a password
          lineinfile:
            path: /etc/ssh/sshd_config
            regexp: ^#?PasswordAuthentication
            line: PasswordAuthentication no
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "dest": "path", "destfile": "path", "name": "path", "regex": "regexp", "value": "line",
    }  # fmt: skip
    not_both: ClassVar[tuple[tuple[str, str], ...]] = (  # pairs that exclude each other
        ("insertbefore", "insertafter"),
        ("regexp", "search_string"),
        ("backrefs", "search_string"),
    )

    path: str  # absolute path on the host
    state: Literal["present", "absent"] = "present"  # absent: lines that match are taken out
    line: str | None = None  # the line, without its end
    regexp: str | None = None  # the line to replace: the last one that matches
    search_string: str | None = None  # the same as a part of the line
    insertafter: str | None = None  # where a new line goes: regular expression, EOF (the default) or BOF
    insertbefore: str | None = None  # where a new line goes: regular expression or BOF
    backrefs: bool = False  # put the groups of `regexp` into `line` (`\1`); without a match, do nothing
    firstmatch: bool = False  # the first line that matches instead of the last
    create: bool = False  # make the file if there is none
    backup: bool = False  # keep what was there beside it, as `<name>.before-<digest>`
    validate: str | None = None  # program that must accept the new file first, `%s` being its path: `visudo -cf %s`
    mode: str | int | None = None  # "0644"; a new file gets 0644
    owner: str | None = None  # user name or number
    group: str | None = None  # group name or number

    def __post_init__(self) -> None:
        check_absolute("path", self.path)
        parse_mode(self.mode)
        parse_validate(self.validate)
        for argument in ("regexp", "insertafter", "insertbefore"):
            check_regexp(argument, getattr(self, argument))
        check_not_both(self, self.not_both)
        self._check_line()

    def _check_line(self) -> None:
        if self.state == "present" and self.line is None:
            raise ArgumentRefusedError("there is no line", hint="give one: line: PermitRootLogin no")
        if (self.line, self.regexp, self.search_string) == (None, None, None):
            raise ArgumentRefusedError("nothing says which lines", hint="give line, search_string or regexp")
        if self.backrefs and self.regexp is None:
            raise ArgumentRefusedError("backrefs needs regexp", hint="its groups are what `\\1` means")

    def facts(self) -> tuple[Fact[Any], ...]:
        return self._file().facts()

    def plan(self, seen: Facts) -> Iterator[Action]:
        if self.state == "absent" and self._file().text(seen) is None:
            return
        yield from self._file().plan(seen, self._edited(seen)[0])

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What was done, how many lines were found, and where the backup is."""
        old = self._file().text(seen)
        if self.state == "absent" and old is None:
            return {"msg": "file not present"}
        _new, count, message = self._edited(seen)
        kept = self._file().kept(old) if self.backup and old is not None and message else ""
        return {
            "msg": self._file().message(seen, message),
            "backup": kept,
            **({"found": count} if self.state == "absent" else {}),
        }

    def _edited(self, seen: Facts) -> tuple[bytes, int, str]:
        """The new text, how many lines went, and what was done in words."""
        old = self._file().text(seen) or b""
        if self.state == "absent":
            new, count = without_lines(old, line=self.line, regexp=self.regexp, search_string=self.search_string)
            return new, count, f"{count} line(s) removed" if count else ""
        edit = LineEdit(
            line=self.line or "", regexp=self.regexp, search_string=self.search_string, insertafter=self.insertafter,
            insertbefore=self.insertbefore, backrefs=self.backrefs, firstmatch=self.firstmatch,
        )  # fmt: skip
        try:
            new, message = edit.apply(old)
        except (re.error, IndexError) as error:
            raise ArgumentRefusedError(f"line: {error}", hint="`\\1` is the first group of regexp") from error
        return new, 0, message

    def _file(self) -> Edited:
        rights = Rights(parse_mode(self.mode), self.owner, self.group)
        return Edited(self.path, rights, self.backup, self.create, parse_validate(self.validate))
