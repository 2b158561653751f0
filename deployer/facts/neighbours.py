"""Which other projects a host serves, as far as their releases tell; asked only where this one serves nothing yet.

What a project's own folder holds is `releases`' question.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from posixpath import basename, dirname
from typing import ClassVar

from deployer.frozen import dataclass
from deployer.model.release import Release
from deployer.model.release_json import from_json

MOST = 100  # projects that are read

SCRIPT = """\
[ ! -e {root}/current ] || exit 0
cd {parent} 2>/dev/null || exit 0
grep -s '' /dev/null ./*/current/release.json | head -n {most}
"""


@dataclass(frozen=True)
class OtherProjects:
    """The current releases of the projects beside a root folder (deploy_root/deploy_project) without one, by folder."""

    root: str
    constant: ClassVar[bool] = False

    def script(self) -> str:
        parent = dirname(self.root) or "/"
        return SCRIPT.format(root=shlex.quote(self.root), parent=shlex.quote(parent), most=MOST)

    def parse(self, output: str, status: int) -> Mapping[str, Release]:
        return dict(self._releases(output))

    def _releases(self, output: str) -> Iterator[tuple[str, Release]]:
        for line in output.splitlines():
            path, _, text = line.removeprefix("./").partition("/current/release.json:")
            if path == basename(self.root):
                continue
            with suppress(ValueError):
                yield path, replace(from_json(text), root=f"{dirname(self.root)}/{path}")
