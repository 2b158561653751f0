"""Bring a file's content and rights to what is wanted: what `copy`, `template` and `file` have in common.

Where the content comes from is theirs; nothing here removes a file.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from deployer.facts.files import FileBytes, FileSeen, FileState, FileText, MissingAbove, RealPath
from deployer.frozen import dataclass
from deployer.model.action import Action, Put, run
from deployer.modules._refusals import HostRefusedError
from deployer.protocols import Fact, Facts

DEFAULT_MODE = 0o644
_RIGHTS_CHANGED = "ownership, perms or SE linux context changed"


@dataclass(frozen=True)
class Rights:
    """Permission bits and owner as asked for; None leaves what is there."""

    mode: int | None = None
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Placed:
    """A file whose content is known."""

    path: str
    content: bytes
    rights: Rights = Rights()
    backup: bool = False
    force: bool = True
    validate: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def facts(self) -> tuple[Fact[Any], ...]:
        return (FileState(self.path, hashed=True), FileText(self.path, unless=self.digest))

    def plan(self, seen: Facts) -> Iterator[Action]:
        """Write the file if it differs; where only its rights do, change those alone."""
        found = seen[FileState(self.path, hashed=True)]
        if found is None or found.kind == "link":
            yield self.put(None, None, f"{self.path} {'leads nowhere' if found else 'not found'}")
            return
        if found.kind != "file":
            raise HostRefusedError(f"{self.path} is a {found.kind}, not a file", hint=_way_out(found.kind, self.path))
        if found.sha256 == self.digest:
            yield from plan_rights(self.path, self.rights, found)
        elif self.force:
            yield from self._replace(found, seen[FileText(self.path, unless=self.digest)])

    def _replace(self, found: FileSeen, text: bytes | None) -> Iterator[Action]:
        if self.backup:
            kept = f"{self.path}.before-{found.sha256[:8]}"
            yield run("cp", "-p", "--", self.path, kept, because="a backup is asked for, and the content changes")
        if text is None:
            text = f"({found.size} bytes, too many to show)\n".encode()
        yield self.put(found, text, "the content differs")

    def put(self, found: FileSeen | None, before: bytes | None, because: str) -> Put:
        kept = DEFAULT_MODE if found is None else found.mode
        mode = kept if self.rights.mode is None else self.rights.mode
        owner = ownership(self.rights, found)
        return Put(
            path=self.path, content=self.content, mode=mode, owner=owner, before=before, because=because,
            validate=self.validate,
        )  # fmt: skip


@dataclass(frozen=True)
class Edited:
    """A text file that is changed where it stands, behind all links that lead to it."""

    path: str
    rights: Rights = Rights()
    backup: bool = False
    create: bool = False
    validate: tuple[str, ...] = ()

    def facts(self) -> tuple[Fact[Any], ...]:
        return (FileState(self.path), FileBytes(self.path), RealPath(self.path))

    def text(self, seen: Facts) -> bytes | None:
        """The content; None: there is none. Raises HostRefusedError for what is no text, or cannot be read."""
        found, content = seen[FileState(self.path)], seen[FileBytes(self.path)]
        if found is None or found.kind == "link":
            return None
        if found.kind != "file":
            raise HostRefusedError(f"{self.path} is a {found.kind}, not a file", hint="name the file in it")
        if content is None:
            raise HostRefusedError(
                f"{self.path} cannot be read, or is over 8 MB", hint="become root, or edit it with a command"
            )
        return content

    def plan(self, seen: Facts, new: bytes) -> Iterator[Action]:
        """Write the new content if it differs; where only the rights do, change those alone."""
        found, old = seen[FileState(self.path)], self.text(seen)
        if old is None:
            if not self.create:
                raise HostRefusedError(f"{self.path} does not exist", hint="create: true makes it")
            found = None
        if old == new:
            yield from plan_rights(self.path, self.rights, found)
            return
        path = seen[RealPath(self.path)]
        if self.backup and old is not None:
            yield run("cp", "-p", "--", path, self.kept(old), because="a backup is asked for, and the content changes")
        placed = Placed(path, new, self.rights, validate=self.validate)
        yield placed.put(found, old, f"{self.path} not found" if old is None else "the content differs")

    def message(self, seen: Facts, edit: str) -> str:
        """What was done to the text and to the rights, in Ansible's words."""
        found = seen[FileState(self.path)]
        if not list(plan_rights(self.path, self.rights, found)):
            return edit
        return f"{edit} and {_RIGHTS_CHANGED}" if edit else _RIGHTS_CHANGED

    def kept(self, old: bytes) -> str:
        """Where a backup of this content lies."""
        return f"{self.path}.before-{hashlib.sha256(old).hexdigest()[:8]}"


@dataclass(frozen=True)
class Directory:
    """A folder; those above it that are missing are made with the same rights, as Ansible does."""

    path: str
    rights: Rights = Rights()

    def facts(self) -> tuple[Fact[Any], ...]:
        return (FileState(self.path), *((MissingAbove(self.path),) if self.rights != Rights() else ()))

    def plan(self, seen: Facts, *, always: bool = True) -> Iterator[Action]:
        """Make what is missing; where the folder is there, its rights are only brought right if `always`."""
        found = seen[FileState(self.path)]
        if found is not None and found.kind != "directory":
            hint = f"move it away by hand: mv {self.path} {self.path}.old"
            raise HostRefusedError(f"{self.path} is a {found.kind}, not a directory", hint=hint)
        if found is not None:
            yield from plan_rights(self.path, self.rights, found) if always else ()
            return
        yield run("mkdir", "-p", "--", self.path, because=f"{self.path} not found")
        if self.rights != Rights():
            for path in (*reversed(seen[MissingAbove(self.path)]), self.path):
                yield from plan_rights(path, self.rights, None)


def plan_rights(path: str, wanted: Rights, found: FileSeen | None) -> Iterator[Action]:
    """chmod and chown where the path's rights are others; `found` is None for what was made just now."""
    mode = None if found is None else found.mode
    if wanted.mode is not None and wanted.mode != mode:
        because = "a mode is asked for" if mode is None else f"the mode is {mode:04o}"
        yield run("chmod", f"{wanted.mode:04o}", "--", path, because=because)
    if wanted.owner is not None and (found is None or wanted.owner not in (found.owner, str(found.uid))):
        because = "an owner is asked for" if found is None else f"the owner is {found.owner}"
        yield run("chown", wanted.owner, "--", path, because=because)
    if wanted.group is not None and (found is None or wanted.group not in (found.group, str(found.gid))):
        because = "a group is asked for" if found is None else f"the group is {found.group}"
        yield run("chgrp", wanted.group, "--", path, because=because)


def ownership(wanted: Rights, found: FileSeen | None) -> str | None:
    """What `Put` wants for the owner: a renamed file is a new one, so the owner that it had must be said again."""
    owner = wanted.owner or (str(found.uid) if found else "")
    group = wanted.group or (str(found.gid) if found else "")
    return f"{owner}:{group}" if group else owner or None


def _way_out(kind: str, path: str) -> str:
    if kind == "directory":
        return f"end dest with `/` to put the file into it: {path}/"
    return f"move it away by hand: mv {path} {path}.old"


def destination(dest: str, src: str | None) -> str:
    """The file that is meant: in the folder `dest`, under the source's name, if `dest` ends with `/`."""
    return posixpath.join(dest, posixpath.basename(src or "")) if dest.endswith("/") else dest
