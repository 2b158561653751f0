"""Room on a host's discs where releases and images lie, and the host's clock. What is enough is not decided here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import ClassVar

from deployer.facts._engine_api import ENGINE, IF_THERE, question
from deployer.facts.releases import unless_serving
from deployer.frozen import dataclass

_DF = re.compile(r" +(\d+) +-?\d+ +(-?\d+) +(?:-|\d+%) +(/.*)$")  # total, used, available, share, mount point

# containerd may keep the images instead of the engine
_SCRIPT = """\
tell() {{
  d=$2
  until [ -d "$d" ]; do d=${{d%/*}}; d=${{d:-/}}; done
  m=$(df -Pk -- "$d" | tail -n 1)
  printf '%s %s\\n%s\\n%s\\n' "$1" "$2" "$m" "$(df -Pi -- "$d" 2>/dev/null | tail -n 1)"
  if [ -w "$d" ]; then echo rw; return; fi
  awk -v m="/${{m#*% /}}" '$2 == m {{ o = $4 }} END {{ print (o ~ /^ro(,|$)/) ? "ro" : "denied" }}' /proc/mounts
}}
tell releases {root}
{there}said=$({asked}) || exit 0
d=${{said#*\\"DockerRootDir\\":\\"}}
[ "$d" != "$said" ] || exit 0
d=${{d%%\\"*}}
tell images "$d"
case $said in *io.containerd.snapshotter*) tell images /var/lib/containerd ;; esac
"""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What is left where a folder lies, or will lie."""

    mount: str  # the file system, by where it is mounted
    free: int  # bytes
    inodes: int | None = None  # that are left; None: there is no limit
    state: str = "rw"  # "ro": mounted read-only; "denied": whoever asked may not write there


@dataclass(frozen=True)
class Space:
    """The room of a project's root folder and of the folders where the engine keeps images, by folder.

    None where a release with this digest serves already: nothing is to be brought.
    """

    constant: ClassVar[bool] = False
    functions: ClassVar[str] = ENGINE

    root: str
    digest: str = ""

    def script(self) -> str:
        return unless_serving(self.root, self.digest) + _SCRIPT.format(
            root=shlex.quote(self.root), there=IF_THERE, asked=question("/info")
        )

    def parse(self, output: str, status: int) -> Mapping[str, Room] | None:
        lines = output.splitlines()
        if status != 0 or not lines:
            return None
        found = {}
        for at in range(0, len(lines) - 3, 4):
            room = _room(*lines[at + 1 : at + 4])
            if room:
                found[lines[at].partition(" ")[2]] = room
        return found


def _room(blocks: str, inodes: str, state: str) -> Room | None:
    size, count = _DF.search(blocks), _DF.search(inodes)
    if size is None:
        return None
    left = int(count[2]) if count and int(count[1]) else None
    return Room(mount=size[3], free=max(0, int(size[2])) * 1024, inodes=left, state=state.strip())


@dataclass(frozen=True)
class Clock:
    """Seconds since 1970 by the host's clock; None if it does not say, or a release with this digest serves."""

    constant: ClassVar[bool] = False

    root: str
    digest: str = ""

    def script(self) -> str:
        return f"{unless_serving(self.root, self.digest)}date +%s"

    def parse(self, output: str, status: int) -> int | None:
        return int(output) if status == 0 and output.strip().isdigit() else None
