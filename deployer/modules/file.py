"""`file`: a folder, a link, an empty file, or the rights of what is there. Content is `copy`'s; nothing is removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.facts.files import FileSeen, FileState
from deployer.frozen import dataclass
from deployer.model.action import Action, Link, run
from deployer.modules._placing import Directory, Rights, plan_rights
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError, check_absolute, parse_mode
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

STATES = ("directory", "link", "touch", "file")


@module("file")
@dataclass(frozen=True, kw_only=True)
class File:
    """Make sure that a folder, a link or a file is there with these rights; never removes anything.

    What is in the way is refused, not replaced: only a link is pointed elsewhere.

    Examples:
        - name: A folder for uploads
          file:
            path: /srv/uploads
            state: directory
            owner: deploy
            mode: "0750"

        - name: The folder by its old name
          file:
            path: /srv/media
            src: /srv/uploads
            state: link
    """

    path: str  # absolute path on the host
    state: str | None = None  # directory, link, touch (a file, made empty), file (must exist); default: what is there
    src: str | None = None  # what a link points to
    mode: str | int | None = None  # "0755"; folders that are made on the way get it too
    owner: str | None = None  # user name or number
    group: str | None = None  # group name or number

    def __post_init__(self) -> None:
        check_absolute("path", self.path)
        parse_mode(self.mode)
        if self.state == "absent":
            raise ArgumentRefusedError(
                "state: absent is not there: no built-in module removes anything",
                hint=f"if it must go: command: rm {self.path}, with removes: {self.path}",
            )
        if self.state is not None and self.state not in STATES:
            raise ArgumentRefusedError(f"state: {self.state!r} is not known", hint=f"one of {', '.join(STATES)}")
        self._check_link()

    def _check_link(self) -> None:
        if self.state == "link" and not self.src:
            raise ArgumentRefusedError("a link needs src", hint="say what it points to: src: /opt/app")
        if self.state != "link" and self.src:
            raise ArgumentRefusedError("src is for links alone", hint="say state: link, or use copy for content")
        if self.state == "link" and (self.mode, self.owner, self.group) != (None, None, None):
            raise ArgumentRefusedError("a link has no rights of its own", hint="set them on what it points to")

    def facts(self) -> tuple[Fact[Any], ...]:
        if self.state == "directory":
            return self._directory().facts()
        return (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        if self.state == "directory":
            yield from self._directory().plan(seen)
            return
        found = seen[self._fact()]
        if found is None and self.state in (None, "file"):
            raise HostRefusedError(
                f"{self.path} not found", hint="state: touch makes a file, state: directory a folder; copy has content"
            )
        if self.state == "link":
            yield from self._plan_link(found)
            return
        wanted = {"touch": "file"}.get(self.state or "", self.state)
        if found is not None and wanted is not None and found.kind != wanted:
            raise self._in_the_way(found, wanted)
        if found is None:
            yield run("touch", "--", self.path, because=f"{self.path} not found")
        yield from plan_rights(self.path, self._rights(), found)

    def _plan_link(self, found: FileSeen | None) -> Iterator[Action]:
        target = self.src or ""
        if found is not None and found.kind != "link":
            raise self._in_the_way(found, "link")
        if found is None:
            yield Link(path=self.path, target=target, because=f"{self.path} not found")
        elif found.target != target:
            yield Link(path=self.path, target=target, because=f"it points to {found.target}")

    def _rights(self) -> Rights:
        return Rights(parse_mode(self.mode), self.owner, self.group)

    def _directory(self) -> Directory:
        return Directory(self.path, self._rights())

    def _fact(self) -> FileState:
        return FileState(self.path, follow=self.state != "link")

    def _in_the_way(self, found: FileSeen, wanted: str) -> HostRefusedError:
        return HostRefusedError(
            f"{self.path} is a {found.kind}, not a {wanted}",
            hint=f"move it away by hand: mv {self.path} {self.path}.old",
        )
