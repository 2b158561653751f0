"""`fetch`: a file of the host, brought here. It changes nothing on the host."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar

from deployer.facts.files import FileDigest, FileState
from deployer.frozen import dataclass
from deployer.model.action import Action, Fetch, Outcome
from deployer.modules._refusals import HostRefusedError, check_absolute
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("fetch")
@dataclass(frozen=True, kw_only=True)
class FetchFile:
    """Bring a file of the host to this machine, into a folder for each host: `DEST/HOST/PATH`.

    A file that is here already, with the same content, is left alone.

    Examples:
        - name: Keep the host's own table of names here
          fetch:
            src: /etc/hosts
            dest: fetched
    """

    given: ClassVar[Mapping[str, str]] = {"host": "inventory_hostname"}
    keeps: ClassVar[bool] = True  # it writes `here()` on this machine; the digest of what is there comes as `kept`

    src: str  # absolute path of a file on the host
    dest: str  # folder here, relative to the playbook; with `flat`, the file itself, or a folder if it ends with `/`
    flat: bool = False  # no folders for host and path
    fail_on_missing: bool = True  # fail if there is no such file
    validate_checksum: bool = True  # either way what arrives is compared with what was seen
    host: str = field(default="", metadata={"internal": True})
    place: str = field(default="", metadata={"internal": True})  # the absolute path of `here()`
    kept: str | None = field(default=None, metadata={"internal": True})  # the SHA-1 digest of what is there

    def __post_init__(self) -> None:
        check_absolute("src", self.src)

    def here(self) -> str:
        """Where the file goes on this machine, from the playbook's folder."""
        if self.flat:
            return self.dest + posixpath.basename(self.src) if self.dest.endswith("/") else self.dest
        return f"{self.dest}/{self.host}/{self.src.lstrip('/')}"

    def facts(self) -> tuple[Fact[Any], ...]:
        return (FileState(self.src), FileDigest(self.src))

    def plan(self, seen: Facts) -> Iterator[Action]:
        digest = seen[FileDigest(self.src)]
        if digest is None:
            if self.fail_on_missing:
                raise HostRefusedError(self._missing(seen), hint="fail_on_missing: false goes on without it")
            return
        if digest != self.kept:
            because = f"{self.place} not found" if self.kept is None else "its content is another"
            yield Fetch(path=self.src, dest=self.place, sha1=digest, because=because)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """Where the file is here, and its digest."""
        digest = seen[FileDigest(self.src)]
        if digest is None:
            return {"msg": f"{self._missing(seen)}, not transferring, ignored"}
        same = {} if done else {"file": self.src}
        return {"dest": self.place, "checksum": digest, "remote_checksum": digest, **same}

    def _missing(self, seen: Facts) -> str:
        found = seen[FileState(self.src)]
        if found is None or found.kind == "link":
            return f"the remote file does not exist: {self.src}"
        return f"{self.src} is a {found.kind}, or may not be read"
