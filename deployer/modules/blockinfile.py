"""`blockinfile`: a block of lines between markers in a text file. What an edit does to a text is `_lines`' to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._lines import BlockEdit
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


@module("blockinfile")
@dataclass(frozen=True, kw_only=True)
class BlockInFile:
    """Make sure that a text file has a block of lines between two markers, or that it has not.

    The markers say where the block is: two blocks of one file need two markers. Regular expressions are Python's.
    A link is followed.

    Examples:
        - name: The hosts of the shop have names
          blockinfile:
            path: /etc/hosts
            marker: "# {mark} of the shop"
            block: |
              192.0.2.11 web1
              192.0.2.20 db1
    """

    aliases: ClassVar[Mapping[str, str]] = {"dest": "path", "destfile": "path", "name": "path", "content": "block"}
    not_both: ClassVar[tuple[tuple[str, str], ...]] = (
        ("insertbefore", "insertafter"),
    )  # pairs that exclude each other

    path: str  # absolute path on the host
    block: str = ""  # the lines; empty: there shall be no block
    state: Literal["present", "absent"] = "present"  # absent: the block and its markers are taken out
    marker: str = "# {mark} ANSIBLE MANAGED BLOCK"  # the lines around the block; `{mark}` is BEGIN and END
    marker_begin: str = "BEGIN"  # for `{mark}` before the block
    marker_end: str = "END"  # for `{mark}` behind the block
    insertafter: str | None = None  # where a new block goes: regular expression or EOF (the default)
    insertbefore: str | None = None  # where a new block goes: regular expression or BOF
    append_newline: bool = False  # a blank line behind the block, unless the file ends there
    prepend_newline: bool = False  # a blank line before the block, unless the file begins there
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
        for argument in ("insertafter", "insertbefore"):
            check_regexp(argument, getattr(self, argument))
        check_not_both(self, self.not_both)
        if "{mark}" not in self.marker or "\n" in self.marker:
            raise ArgumentRefusedError(
                f"marker: {self.marker!r} is no line with {{mark}} in it", hint='such as "# {mark} of my block"'
            )

    def facts(self) -> tuple[Fact[Any], ...]:
        return self._file().facts()

    def plan(self, seen: Facts) -> Iterator[Action]:
        old = self._file().text(seen)
        if old is not None or self.state == "present" or not self.create:
            yield from self._file().plan(seen, self._edited(old or b""))

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What was done, and where the backup is."""
        old = self._file().text(seen)
        if old is None:
            created = self._file().message(seen, "File created")
            return {"msg": created if self.state == "present" else f"File {self.path} not present"}
        if self._edited(old) == old:
            return {"msg": self._file().message(seen, "")}
        message = "Block inserted" if self.block and self.state == "present" else "Block removed"
        return {
            "msg": self._file().message(seen, message),
            **({"backup_file": self._file().kept(old)} if self.backup else {}),
        }

    def _edited(self, old: bytes) -> bytes:
        edit = BlockEdit(
            block=self.block if self.state == "present" else "", begin=self.marker.replace("{mark}", self.marker_begin),
            end=self.marker.replace("{mark}", self.marker_end), insertafter=self.insertafter,
            insertbefore=self.insertbefore, append_newline=self.append_newline, prepend_newline=self.prepend_newline,
        )  # fmt: skip
        return edit.apply(old)

    def _file(self) -> Edited:
        rights = Rights(parse_mode(self.mode), self.owner, self.group)
        return Edited(self.path, rights, self.backup, self.create, parse_validate(self.validate))
