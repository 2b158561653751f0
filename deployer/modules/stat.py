"""`stat`: what is at a path. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.facts.stat import PathStat
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._refusals import check_absolute
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("stat")
@dataclass(frozen=True, kw_only=True)
class Stat:
    """Find out what is at a path; `register` gives it as `stat`: `exists`, `isdir`, `isreg`, `islnk`, `mode` …

    The names are Ansible's: `path`, `size`, `uid`, `gid`, `pw_name`, `gr_name`, `atime`, `mtime`, `ctime`, `inode`,
    `nlink`, `readable`, `writeable`, `executable`, `checksum`, `mimetype`, `charset`, `lnk_target`, `lnk_source` and
    the permission bits (`rusr`, `wgrp`, `xoth` …).

    Examples:
        - name: Look for the site's certificate
          stat:
            path: /etc/ssl/site.pem
          register: certificate

        - name: Say that it is missing
          debug:
            msg: get a certificate first
          when: not certificate.stat.exists
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "dest": "path", "name": "path", "checksum": "checksum_algorithm", "checksum_algo": "checksum_algorithm",
        "mime": "get_mime", "mime_type": "get_mime", "mime-type": "get_mime",
    }  # fmt: skip

    path: str  # absolute path on the host
    follow: bool = False  # of a link, see what it leads to
    get_checksum: bool = True  # of a file, `checksum`
    checksum_algorithm: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = "sha1"  # of `checksum`
    get_mime: bool = True  # `mimetype` and `charset`, by the program `file`; without it they are `unknown`

    def __post_init__(self) -> None:
        check_absolute("path", self.path)

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What is there, as `stat`."""
        return {"stat": seen[self._fact()]}

    def _fact(self) -> PathStat:
        algorithm = self.checksum_algorithm if self.get_checksum else ""
        return PathStat(self.path, follow=self.follow, algorithm=algorithm, mime=self.get_mime)
