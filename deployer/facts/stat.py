"""What `stat` says of a path, under Ansible's names. What the files modules plan with is `files`."""

from __future__ import annotations

import base64
import re
import shlex
import stat
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from deployer.frozen import dataclass

_FORMAT = "%f %u %g %s %d %i %h %b %o %X %Y %Z %t %T %U %G"
_KINDS: Mapping[str, Callable[[int], bool]] = {
    "isdir": stat.S_ISDIR, "ischr": stat.S_ISCHR, "isblk": stat.S_ISBLK, "isreg": stat.S_ISREG,
    "isfifo": stat.S_ISFIFO, "islnk": stat.S_ISLNK, "issock": stat.S_ISSOCK,
}  # fmt: skip
_BITS = {
    "isuid": stat.S_ISUID, "isgid": stat.S_ISGID, "rusr": stat.S_IRUSR, "wusr": stat.S_IWUSR, "xusr": stat.S_IXUSR,
    "rgrp": stat.S_IRGRP, "wgrp": stat.S_IWGRP, "xgrp": stat.S_IXGRP, "roth": stat.S_IROTH, "woth": stat.S_IWOTH,
    "xoth": stat.S_IXOTH,
}  # fmt: skip


@dataclass(frozen=True)
class PathStat:
    """Everything about one path, as a mapping; only `exists: false` if nothing is there."""

    constant: ClassVar[bool] = False

    path: str
    follow: bool = False  # of a link, say what it leads to
    algorithm: str = ""  # md5, sha1, sha256 …: of a file, its digest; empty: not asked for
    mime: bool = False  # ask `file` what the content is

    def script(self) -> str:
        """Seven lines: numbers, three times, rights of who asks, digest, kind of content; then a link's ends."""
        look, there = ("stat -L", "") if self.follow else ("stat", ' || [ -L "$p" ]')
        itself = "" if self.follow else '[ ! -L "$p" ] && '
        digest = f'{{ {itself}[ -f "$p" ] && {self.algorithm}sum <"$p"; }}' if self.algorithm else "false"
        lines = [
            f"p={shlex.quote(self.path)}",
            f'[ -e "$p" ]{there} || exit 1',
            f"{look} -c '{_FORMAT}' -- \"$p\" || exit 1",
            *(f'{look} -c {one} -- "$p"' for one in ("%x", "%y", "%z")),
            'for t in -r -w -x; do if [ $t "$p" ]; then printf y; else printf n; fi; done; echo',
            f"{digest} || echo",
            'file --brief --mime-type --mime-encoding -- "$p" || echo' if self.mime else "echo",
            'if [ -L "$p" ]; then readlink -- "$p" | base64 | tr -d "\\n"; echo; readlink -f -- "$p" | base64; fi',
        ]
        return "\n".join(lines)

    def parse(self, output: str, status: int) -> dict[str, Any]:
        lines = [*output.split("\n", 8), *[""] * 9]
        if not lines[0]:
            return {"exists": False}
        words = lines[0].split(" ", 15)
        bits, *numbers = [int(words[0], 16), *map(int, words[1:12])]
        names = ("uid", "gid", "size", "dev", "inode", "nlink", "blocks", "block_size", "atime", "mtime", "ctime")
        found: dict[str, Any] = dict(zip(names, numbers, strict=True))
        found |= {name: found[name] + _fraction(line) for name, line in zip(names[8:], lines[1:4], strict=True)}
        found |= {"exists": True, "path": self.path, "mode": f"{stat.S_IMODE(bits):04o}"}
        found |= {name: kind(bits) for name, kind in _KINDS.items()}
        found |= {name: bool(bits & bit) for name, bit in _BITS.items()}
        found |= {"device_type": (int(words[12], 16) << 8) + int(words[13], 16)}
        found |= {name: word for name, word in zip(("pw_name", "gr_name"), words[14:], strict=True) if _is_known(word)}
        found |= dict(zip(("readable", "writeable", "executable"), (one == "y" for one in lines[4]), strict=True))
        return found | self._content(lines[5], lines[6]) | (_link(lines[7], lines[8]) if found["islnk"] else {})

    def _content(self, digest: str, kind: str) -> dict[str, Any]:
        found = {"checksum": digest.partition(" ")[0]} if digest.strip() else {}
        if self.mime:
            mime, _, charset = kind.partition("; charset=")
            found |= {"mimetype": mime or "unknown", "charset": charset or "unknown"}
        return found


def _fraction(time: str) -> float:
    """Of a time as `%x` says it, what follows the seconds' point."""
    found = re.search(r":\d\d(\.\d+)", time)
    return float(found[1]) if found else 0.0


def _is_known(name: str) -> bool:
    return name not in ("UNKNOWN", "?", "")


def _link(target: str, end: str) -> dict[str, Any]:
    texts = (base64.b64decode(one).decode(errors="surrogateescape").removesuffix("\n") for one in (target, end))
    return dict(zip(("lnk_target", "lnk_source"), texts, strict=True))
