"""Which files of a release's folder are not as they were brought: somebody has edited or removed them on the host."""

from __future__ import annotations

import shlex
from typing import ClassVar

from deployer.frozen import dataclass

MOST = 50  # files that are named

# The manifest is touched when a sync has verified it, so `-newer` finds what was written to since, by the host's own
# clock, at the price of one stat a file; only such files are read. An edit that keeps a file's old time passes. The
# pins are the last that is written of what comes later. New files are no edit: a mounted folder may get some.
# 67: behind a digest of 64 digits and two spaces.
_SCRIPT = """\
cd {folder} && [ -f manifest ] || exit 1
find project .env -type f -newer manifest 2>/dev/null | while IFS= read -r path; do
  line=$(path=$path awk 'substr($0, 67) == ENVIRON["path"]' manifest)
  [ -z "$line" ] || printf '%s\\n' "$line" | sha256sum -c >/dev/null 2>&1 || printf 'changed %s\\n' "$path"
done | head -n {most}
find compose.release.yaml -newer pins 2>/dev/null | sed 's/^/changed /'
{{ cut -c 67- manifest; echo; find project .env release.json -type f 2>/dev/null; }} | awk '
  /^$/ && !all {{ all = 1; next }} !all {{ wanted[$0] = 1; next }} {{ delete wanted[$0] }}
  END {{ for (path in wanted) print "removed " path }}' | sort | head -n {most}
"""


@dataclass(frozen=True)
class EditedFiles:
    """What was changed or removed in a release's folder since it came: "compose.yaml", "www/index.html (removed)".

    Paths are relative to the project; None where there is no release that can be compared.
    """

    constant: ClassVar[bool] = False

    folder: str  # of the release, or the link `current`

    def script(self) -> str:
        return _SCRIPT.format(folder=shlex.quote(self.folder), most=MOST)

    def parse(self, output: str, status: int) -> tuple[str, ...] | None:
        if status != 0:
            return None
        pairs = (line.partition(" ") for line in output.splitlines())
        named = (
            f"{path.removeprefix('project/')}{' (removed)' if word == 'removed' else ''}"
            for word, found, path in pairs
            if found
        )
        return tuple(sorted(named))
