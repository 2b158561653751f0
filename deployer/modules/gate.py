"""`gate`: a release has to prove itself before anything else happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.facts.containers import ProjectContainers
from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, HttpCheck, Watch
from deployer.model.release import Release
from deployer.modules._drift import is_as_wanted
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts
from deployer.rollout.health import is_well


@module("gate")
@dataclass(frozen=True, kw_only=True)
class Gate:
    """Watch a release's containers until they have been healthy for a while; fails if they are not.

    Examples:
        - name: The release proves itself
          gate:
            release: "{{ release }}"
            bake: 30
            http:
              url: http://127.0.0.1:8000/healthz
              contains: ok
    """

    release: Release  # the release: `{{ release }}`
    bake: float = 10.0  # seconds for which everything must stay healthy
    patience: float = 120.0  # seconds in which every service must have become healthy
    interval: float = 1.0  # seconds between two looks; a quarter of that until it is healthy
    http: HttpCheck | None = None  # `url`, `status`, `contains`, `asked_from` (host, control), and limits: see releases
    always: bool = False  # watch also where the release is the current one already

    def facts(self) -> tuple[Fact[Any], ...]:
        return (InstalledReleases(self.release.root), ProjectContainers(self.release.project))

    def plan(self, seen: Facts) -> Iterator[Action]:
        installed, containers = (seen[fact] for fact in self.facts())
        settled = is_as_wanted(self.release, installed, containers) and all(
            is_well(one) for one in containers if one.service in self.release.services and not one.oneoff
        )
        if settled and not self.always:
            return
        yield Watch(
            release=self.release, bake=self.bake, patience=self.patience, interval=self.interval, http=self.http,
            because=f"release {self.release.id} has to prove itself",
        )  # fmt: skip
