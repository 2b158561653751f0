"""What lies below a folder, path by path; and whether an archive on the host differs from what is there."""

from __future__ import annotations

import hashlib
import shlex
from typing import ClassVar

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class PathSeen:
    """One path below a folder."""

    kind: str = ""  # file, directory, link; empty: nothing is there
    mode: int = 0
    owner: str = ""  # "root 0"
    group: str = ""
    value: str = ""  # a file's SHA-256, a link's target


@dataclass(frozen=True)
class PathsBelow:
    """These paths below a folder, in order; None if there is no such folder. No path may hold a line end."""

    constant: ClassVar[bool] = False

    folder: str
    paths: tuple[str, ...]

    def script(self) -> str:
        text = "".join(f"{path}\n" for path in self.paths)
        mark = f"END_{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:20]}"
        return (
            f"cd -- {shlex.quote(self.folder)} || exit 1\n"
            "while IFS= read -r p; do\n  p=./$p\n"
            '  if [ -L "$p" ]; then echo "link 777 $(stat -c "%U %u %G %g" "$p") $(readlink "$p")"\n'
            '  elif [ -d "$p" ]; then echo "directory $(stat -c "%a %U %u %G %g" "$p") -"\n'
            '  elif [ -f "$p" ]; then echo "file $(stat -c "%a %U %u %G %g" "$p") $(sha256sum <"$p")"\n'
            f"  else echo; fi\ndone <<'{mark}'\n{text}{mark}"
        )

    def parse(self, output: str, status: int) -> tuple[PathSeen, ...] | None:
        if status != 0:
            return None
        lines = output.removesuffix("\n").split("\n") if self.paths else []
        return tuple(_path(line) for line in lines)


def _path(line: str) -> PathSeen:
    if not line:
        return PathSeen()
    kind, mode, user, uid, group, gid, value = line.split(" ", 6)
    value = value.split(" ", 1)[0] if kind == "file" else "" if kind == "directory" else value
    return PathSeen(kind=kind, mode=int(mode, 8), owner=f"{user} {uid}", group=f"{group} {gid}", value=value)


@dataclass(frozen=True)
class ArchiveDiffers:
    """Whether an archive of the host has something that is not below a folder; None if that cannot be told."""

    constant: ClassVar[bool] = False

    archive: str
    folder: str

    def script(self) -> str:
        """0: all is there; 1: something differs; 2: nobody knows."""
        return (
            f"a={shlex.quote(self.archive)} d={shlex.quote(self.folder)}\n"
            '[ -f "$a" ] && [ -d "$d" ] || exit 2\n'
            "case $a in\n*.zip)\n  command -v unzip >/dev/null || exit 2\n"
            '  unzip -Z1 "$a" | while IFS= read -r p; do\n'
            '    case $p in */) [ -d "$d/$p" ] || exit 1 ;;\n'
            "    *) q=$(printf %s \"$p\" | sed 's/[][*?\\\\]/\\\\&/g')\n"
            '      if [ -L "$d/$p" ]; then [ "$(unzip -p "$a" "$q")" = "$(readlink "$d/$p")" ]\n'
            '      else unzip -p "$a" "$q" | cmp -s - "$d/$p"; fi || exit 1 ;; esac\n'
            "  done ;;\n*)\n  tar --version | grep -q GNU || exit 2\n"
            '  tar --diff --file "$a" -C "$d" 2>&1 | grep -Ev "(Uid|Gid|Mod time) differs$" | grep -q . && exit 1\n'
            "  exit 0 ;;\nesac"
        )

    def parse(self, output: str, status: int) -> bool | None:
        return {0: False, 1: True}.get(status)
