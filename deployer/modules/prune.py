"""`prune`: old releases and their images go; whatever a way back could need stays."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, Script
from deployer.model.release import Release
from deployer.modules._images import pin
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts
from deployer.rollout.retention import removable


@module("prune")
@dataclass(frozen=True, kw_only=True)
class Prune:
    """Remove old releases with their images; never the current one, the previous one, or what another release uses.

    Examples:
        - name: Old releases go
          prune:
            release: "{{ release }}"
            keep: "{{ keep_releases }}"
    """

    release: Release  # the release that serves: `{{ release }}`
    keep: int = 5  # releases that stay

    def facts(self) -> tuple[Fact[Any], ...]:
        return (InstalledReleases(self.release.root),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        installed = seen[InstalledReleases(self.release.root)]
        for old in removable(installed, self.release.id, self.keep):
            if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.-]*", old):
                continue  # no name of ours; a folder that somebody else made is not ours to remove
            yield Script(
                label=f"remove release {old}", text=_removal(self.release, replace(installed.releases[old], id=old)),
                because=f"{self.keep} releases are kept",
            )  # fmt: skip


def _removal(release: Release, old: Release) -> str:
    """Shell that removes a release's folder, then those of its tags that no other release is pinned to.

    Its tags are the ones that were made for it and the older ones that it was pinned to. `docker image rm` without
    --force takes away a name only: what a container or another name uses stays.
    """
    releases = shlex.quote(f"{release.root}/releases")
    own = " ".join(shlex.quote(pin(replace(old, project=release.project), service)) for service in old.services)
    return (
        f"tags=$(cut -f 2 {releases}/{old.id}/pins 2>/dev/null | grep '^{release.project}-' || true)\n"
        f"rm -rf -- {releases}/{old.id}\n"
        f"for tag in $tags {own}; do\n"
        f'  if cut -f 2 {releases}/*/pins 2>/dev/null | grep -qxF -- "$tag"; then continue; fi\n'
        '  docker image rm "$tag" 2>/dev/null || true\n'
        "done"
    )
