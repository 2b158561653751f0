"""`copy`: a file on the host has this content, or a folder holds these files.

Reading the file here is the engine's business; bringing a whole project is another module's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import field
from typing import Any, ClassVar

from deployer.facts.files import FileState
from deployer.frozen import dataclass
from deployer.model.action import Action
from deployer.model.loaded import Loaded
from deployer.modules._placing import Directory, Placed, Rights, destination
from deployer.modules._refusals import (
    ArgumentRefusedError,
    check_absolute,
    check_one_of,
    parse_mode,
    parse_validate,
)
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("copy")
@dataclass(frozen=True, kw_only=True)
class Copy:
    """Make sure that a file on the host has this content, mode and owner; or all files of a folder, and its folders.

    Folders on the way are made, and replacing is atomic. What the arguments do not say about mode
    and owner stays as it is. What else is in a folder is left alone.

    Examples:
        - name: A greeting for those who log in
          copy:
            src: files/motd
            dest: /etc/motd
            mode: "0644"

        - name: Settings out of variables
          copy:
            dest: /etc/shop.json
            content: "{{ {'port': 8000, 'debug': false} | to_nice_json }}"
            mode: "0640"
    """

    reads: ClassVar[str] = "src"  # the argument that names a file here; its bytes come as `loaded`
    reads_folders: ClassVar[bool] = True  # or a folder, whose files come as `tree`
    one_of: ClassVar[tuple[str, str]] = ("src", "content")  # one of them must be given, and not both

    dest: str  # absolute path on the host; in one that ends with `/`, or is a folder, the file keeps its name
    src: str | None = None  # file or folder here, relative to the playbook; `folder/` means what is in it
    content: str | None = None  # the content itself, instead of `src`
    mode: str | int | None = None  # "0644", or `preserve`: that of the file here; a new file gets 0644
    directory_mode: str | int | None = None  # "0755", of folders that are made for a folder
    owner: str | None = None  # user name or number
    group: str | None = None  # group name or number
    backup: bool = False  # keep what was there beside it, as `<name>.before-<digest>`
    force: bool = True  # false: write it only where there is none
    decrypt: bool = True  # false: a `src` that is encrypted with ansible-vault stays so
    validate: str | None = None  # program that must accept the new file first, `%s` being its path: `visudo -cf %s`
    loaded: bytes | None = field(default=None, metadata={"internal": True})
    loaded_mode: int | None = field(default=None, metadata={"internal": True})
    tree: tuple[Loaded, ...] | None = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        check_absolute("dest", self.dest)
        check_one_of(self, *self.one_of)
        parse_mode(None if self.mode == "preserve" else self.mode)
        parse_mode(self.directory_mode)
        parse_validate(self.validate)
        if self.mode == "preserve" and self.src is None:
            raise ArgumentRefusedError("mode: preserve needs src", hint='say a mode: mode: "0644"')
        if self.dest.endswith("/") and self.src is None:
            raise ArgumentRefusedError(f"dest: {self.dest} names no file", hint=f"add its name: {self.dest}app.conf")

    def facts(self) -> tuple[Fact[Any], ...]:
        files = [fact for placed in self._candidates() for fact in placed.facts()]
        return tuple(dict.fromkeys([*files, *(fact for folder in self._folders() for fact in folder.facts())]))

    def plan(self, seen: Facts) -> Iterator[Action]:
        if self.tree is None:
            yield from self._one(seen).plan(seen)
            return
        for folder in self._folders():
            yield from folder.plan(seen, always=folder.path != self._root())
        for placed in self._candidates():
            yield from placed.plan(seen)

    def _one(self, seen: Facts) -> Placed:
        """The file that is meant: in `dest` if that is a folder."""
        *within, placed = self._candidates()
        found = seen[FileState(placed.path, hashed=True)]
        return within[0] if within and found is not None and found.kind == "directory" else placed

    def _candidates(self) -> list[Placed]:
        """All files of a folder; else the file that may be meant in the folder `dest`, and the one that it names."""
        if self.tree is not None:
            files = [one for one in self.tree if one.content is not None]
            return [self._placed(f"{self._root()}/{one.path}", one.content or b"", one.mode) for one in files]
        content = self.loaded if self.content is None else self.content.encode(errors="surrogateescape")
        if content is None:
            raise TypeError(f"the bytes of {self.src} were not loaded")
        paths = [destination(self.dest, self.src)]
        if self.src is not None and not self.dest.endswith("/"):
            paths.insert(0, destination(f"{self.dest}/", self.src))
        return [self._placed(path, content, self.loaded_mode) for path in paths]

    def _folders(self) -> list[Directory]:
        """The folders of a folder, those above first."""
        if self.tree is None:
            return []
        rights = Rights(parse_mode(self.directory_mode), self.owner, self.group)
        below = [f"{self._root()}/{one.path}" for one in self.tree if one.content is None]
        return [Directory(path, rights) for path in (self._root(), *below)]

    def _root(self) -> str:
        """Where a folder's files go: below its own name, unless only what is in it is meant."""
        dest, src = self.dest.rstrip("/") or "/", self.src or ""
        return dest if src.endswith("/") else posixpath.join(dest, posixpath.basename(src))

    def _placed(self, path: str, content: bytes, mode: int | None) -> Placed:
        own = mode if self.mode == "preserve" else parse_mode(self.mode)
        rights = Rights(own, self.owner, self.group)
        return Placed(path, content, rights, self.backup, self.force, parse_validate(self.validate))
