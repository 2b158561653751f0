"""Which releases of a project a host holds, which one it serves, and what gates said of them.

The folder is read as the sync, compose and release_link modules write it; whatever is unreadable counts as absent.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from deployer.frozen import dataclass
from deployer.model.release import Installed, Release
from deployer.model.release_json import from_json

PART = re.compile(r"\.tmp-[0-9A-Za-z.-]+")  # as `engine.sync` names them

# one readlink and one grep, however many releases there are; `*` leaves `.tmp-…` out
SCRIPT = """\
cd {root} 2>/dev/null || exit 0
now=$(readlink current 2>/dev/null)
now=${{now##*/}}
echo "current:$now"
cd releases 2>/dev/null || exit 0
for mark in */healthy */failed; do [ ! -e "$mark" ] || echo "$mark:"; done
for part in .tmp-*; do [ ! -d "$part" ] || echo "part:$part"; done
grep -s '' /dev/null */release.json */pins "./$now/hashes"
exit 0
"""


def unless_serving(root: str, digest: str) -> str:
    """Shell that ends with 3 where the release with this digest serves below a root folder; nothing without one."""
    if not digest:
        return ""
    told = shlex.quote(f'"digest":"{digest}"')
    return f"! grep -qsF {told} {shlex.quote(root)}/current/release.json || exit 3\n"


@dataclass(frozen=True)
class InstalledReleases:
    """The releases below a root folder (deploy_root/deploy_project)."""

    root: str
    constant: ClassVar[bool] = False

    def script(self) -> str:
        return SCRIPT.format(root=shlex.quote(self.root))

    def parse(self, output: str, status: int) -> Installed:
        files = _by_name(output)
        current = "".join(files.pop("current", ())) or None
        releases = dict(self._releases(files))
        pinned = {name: _pairs(files[f"{name}/pins"], "\t") for name in releases if f"{name}/pins" in files}
        return Installed(
            root=self.root,
            current=current,
            releases=releases,
            healthy=frozenset(name for name in releases if f"{name}/healthy" in files),
            failed=frozenset(name for name in releases if f"{name}/failed" in files),
            parts=tuple(part for part in files.get("part", ()) if PART.fullmatch(part)),
            pins=_pairs(files.get(f"{current}/pins", ()), "\t"),
            pinned=pinned,
            hashes=_pairs(files.get(f"./{current}/hashes", ()), " "),
        )

    def _releases(self, files: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Release]]:
        for path in sorted(files):
            name, _, file = path.partition("/")
            if file != "release.json":
                continue
            with suppress(ValueError):
                release = from_json("\n".join(files[path]))
                yield name, replace(release, id=name, root=self.root)  # where it lies counts, not what it was called


def _by_name(output: str) -> dict[str, list[str]]:
    """The lines `name:text` by name."""
    files: dict[str, list[str]] = {}
    for line in output.splitlines():
        name, _, text = line.partition(":")
        files.setdefault(name, []).append(text)
    return files


def _pairs(lines: Sequence[str], separator: str) -> dict[str, str]:
    parts = (line.partition(separator) for line in lines)
    return {name: value for name, found, value in parts if found}
