"""`data_guard`: a release that would silently leave data behind is refused before anything is brought or switched.

What counts as left behind is `rollout.data_guard`'s decision; folders of the release are checked with the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.facts.neighbours import OtherProjects
from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action
from deployer.model.release import Release
from deployer.modules._refusals import HostRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts
from deployer.rollout.data_guard import Kind, Loss, is_same_project, losses


@module("data_guard")
@dataclass(frozen=True, kw_only=True)
class DataGuard:
    """Fail if a release would leave data behind that the one before has written; changes nothing.

    Run it before `project_sync`: a release that is on the host has passed.

    Examples:
        - name: No data is left behind
          data_guard:
            release: "{{ release }}"
            allow: "{{ deploy_allow }}"
    """

    release: Release  # the release: `{{ release }}`
    allow: tuple[Kind, ...] = ()  # what may be left behind, by the words of the refusal

    def facts(self) -> tuple[Fact[Any], ...]:
        return (InstalledReleases(self.release.root), OtherProjects(self.release.root))

    def plan(self, seen: Facts) -> Iterator[Action]:
        refused = [loss for loss in self._losses(seen) if loss.kind not in self.allow]
        if refused:
            raise HostRefusedError(
                f"release {self.release.id} would leave data behind: {'; '.join(map(str, refused))}",
                hint=_hint(refused, self.allow),
            )
        return iter(())

    def _losses(self, seen: Facts) -> tuple[Loss, ...]:
        installed = seen[InstalledReleases(self.release.root)]
        if self.release.id in installed.releases:
            return ()
        if installed.serving:
            return losses(installed.serving, self.release)
        others = seen[OtherProjects(self.release.root)].values()
        same = max((one for one in others if is_same_project(one, self.release)), key=lambda one: one.id, default=None)
        return losses(same, self.release) if same else ()


def _hint(refused: list[Loss], allowed: tuple[Kind, ...]) -> str:
    """What to type if it is meant; what was allowed already stays allowed."""
    kinds = ",".join(dict.fromkeys((*allowed, *(loss.kind for loss in refused))))
    return f"put back what was changed, or bring the data over; if it is meant: -e deploy_allow={kinds}"
