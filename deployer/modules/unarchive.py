"""`unarchive`: what an archive holds is in a folder of the host. Reading one here is the engine's business."""

from __future__ import annotations

import base64
import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from deployer.facts.files import FileState, PathExists
from deployer.facts.trees import ArchiveDiffers, PathsBelow, PathSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._archives import Entry, chosen, packed, read_archive
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError, check_absolute, check_account
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_REMOTE = """\
case {src} in *.zip) {unzip} ;; *) {tar} ;; esac"""


@module("unarchive")
@dataclass(frozen=True, kw_only=True)
class Unarchive:
    """Make sure that what an archive holds is in a folder of the host: tar (gz, bz2, xz) or zip. Nothing is removed.

    An archive of this machine is read here: it travels only if something differs, and the host needs only tar. One of
    the host (`remote_src`) takes GNU tar, or unzip; another tar unpacks it each time, unless `creates` is there.

    Examples:
        - name: The static site is unpacked
          unarchive:
            src: files/site.tgz
            dest: /srv
            owner: deploy
    """

    src: str  # archive here, relative to the playbook; with `remote_src` an absolute path on the host
    dest: str  # absolute path of a folder on the host; must be there
    remote_src: bool = False  # the archive is on the host already
    creates: str | None = None  # absolute path: with it there, nothing is done
    owner: str | None = None  # user name or number of all that is unpacked
    group: str | None = None  # group name or number of all that is unpacked
    include: tuple[str, ...] = ()  # only these paths of the archive; `*` and `?` match
    exclude: tuple[str, ...] = ()  # not these
    list_files: bool = False  # register the paths as `files`
    loaded: bytes | None = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        check_absolute("dest", self.dest)
        if self.creates is not None:
            check_absolute("creates", self.creates)
        for argument in ("owner", "group"):
            if getattr(self, argument) is not None:
                check_account(argument, getattr(self, argument))
        if "://" in self.src:
            raise ArgumentRefusedError("src is a URL", hint="fetch it first: get_url, then unarchive with remote_src")
        if self.remote_src:
            check_absolute("src", self.src)
            given = [name for name in ("include", "exclude", "list_files", "owner", "group") if getattr(self, name)]
            if given:
                raise ArgumentRefusedError(
                    f"{given[0]} is for archives of this machine", hint=f"leave {given[0]} out, or remote_src"
                )

    @property
    def reads(self) -> str | None:
        """The argument that names a file here; its bytes come as `loaded`."""
        return None if self.remote_src else "src"

    def facts(self) -> tuple[Fact[Any], ...]:
        own: tuple[Fact[Any], ...] = (PathExists(self.creates),) if self.creates is not None else ()
        if self.remote_src:
            return (*own, FileState(self.src), FileState(self.dest), ArchiveDiffers(self.src, self.dest))
        return (*own, self._below())

    def plan(self, seen: Facts) -> Iterator[Action]:
        if self.creates is not None and seen[PathExists(self.creates)]:
            return
        if self.remote_src:
            yield from self._plan_remote(seen)
            return
        found = seen[self._below()]
        if found is None:
            raise self._no_folder()
        wrong = [entry for entry, there in zip(self._entries, found, strict=True) if not self._is_so(entry, there)]
        if wrong:
            because = f"{wrong[0].path} {'differs' if len(wrong) == 1 else f'and {len(wrong) - 1} more differ'}"
            yield self._unpacking(because)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """From where to where; with `list_files`, what."""
        files = (
            [f"{one.path}/" if one.kind == "directory" else one.path for one in self._entries]
            if self.list_files
            else None
        )
        return {"src": self.src, "dest": self.dest, **({} if files is None else {"files": files})}

    @cached_property
    def _entries(self) -> tuple[Entry, ...]:
        if self.loaded is None:
            raise TypeError(f"the bytes of {self.src} were not loaded")
        return chosen(read_archive(self.src, self.loaded), self.include, self.exclude)

    def _below(self) -> PathsBelow:
        return PathsBelow(self.dest, tuple(entry.path for entry in self._entries))

    def _is_so(self, entry: Entry, there: PathSeen) -> bool:
        rights = entry.kind == "link" or entry.mode == there.mode
        owner = self.owner is None or self.owner in there.owner.split(" ")
        group = self.group is None or self.group in there.group.split(" ")
        return (entry.kind, entry.value) == (there.kind, there.value) and rights and owner and group

    def _unpacking(self, because: str) -> Action:
        content = base64.encodebytes(packed(self._entries)).decode()
        names = "".join(f"{entry.path}\n" for entry in self._entries)
        text = f"base64 -d <<'END_ARCHIVE' | tar -xzpf - -C {shlex.quote(self.dest)}\n{content}END_ARCHIVE\n"
        if self._ownership():
            chown = f'chown -h -- {shlex.quote(self._ownership())} "./$p"'
            text += f"cd -- {shlex.quote(self.dest)}\nwhile IFS= read -r p; do {chown}; done <<'END_NAMES'\n"
            text += f"{names}END_NAMES\n"
        label = f"unpack {posixpath.basename(self.src)} ({len(self._entries)} entries) in {self.dest}"
        return Script(text=text, label=label, because=because)

    def _plan_remote(self, seen: Facts) -> Iterator[Action]:
        if (found := seen[FileState(self.src)]) is None or found.kind != "file":
            raise HostRefusedError(f"{self.src} is not on the host", hint="without remote_src it is looked for here")
        if (folder := seen[FileState(self.dest)]) is None or folder.kind != "directory":
            raise self._no_folder()
        differs = seen[ArchiveDiffers(self.src, self.dest)]
        if differs is False:
            return
        src, dest = shlex.quote(self.src), shlex.quote(self.dest)
        text = _REMOTE.format(src=src, unzip=f"unzip -oq {src} -d {dest}", tar=f"tar -xpf {src} -C {dest}")
        because = "something in it differs" if differs else "this host's tar cannot compare"
        yield Script(text=text, label=f"unpack {self.src} in {self.dest}", because=because)

    def _ownership(self) -> str:
        return f"{self.owner or ''}:{self.group}" if self.group else self.owner or ""

    def _no_folder(self) -> HostRefusedError:
        return HostRefusedError(
            f"dest '{self.dest}' must be an existing dir",
            hint=f"make it first: file: {{path: {self.dest}, state: directory}}",
        )
