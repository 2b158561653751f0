"""`docker_engine`: Docker Engine, Compose v2 and buildx are there, run, and start at boot.

Who may talk to the engine is left as it is: no user is added to a group. Nothing is ever removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from deployer.facts.docker import DAEMON_JSON, DaemonJson, DockerEngine, LiveRestore
from deployer.facts.docker_repository import DockerRepository
from deployer.facts.dpkg import PackageWork
from deployer.facts.files import FileState
from deployer.facts.packages import AptCacheAge, Packages
from deployer.facts.system import Os
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules import _docker_service as service
from deployer.modules._docker_install import plan_install, plan_readiness
from deployer.modules._docker_settings import Settings, plan_settings, plan_start, settings_for
from deployer.modules._docker_source import Chosen, check_repository, choose, trust
from deployer.modules._docker_states import check_data, check_place, check_service, check_wish, shortfalls
from deployer.modules._docker_upgrade import (
    PACKAGES,
    Upgrade,
    check_asked,
    check_swarm,
    find_upgrade,
    is_idle_upgrade,
    plan_live_restore,
)
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a host needs, seen from afar."""

    missing: Mapping[str, str]  # parts that must be installed, each with the reason
    upgrade: Upgrade | None
    settings: Settings
    start: bool  # the engine does not run
    boot: bool  # it would not start at boot

    @property
    def packages(self) -> bool:
        """Whether packages are to be installed, upgraded, or finished."""
        return bool(self.missing or self.upgrade or self.start)

    @property
    def engine(self) -> bool:
        """Whether the engine will have been away for a moment, or may be another one."""
        return bool(self.packages or self.settings.changed)


@module("docker_engine")
@dataclass(frozen=True, kw_only=True)
class DockerEngineInstalled:
    """Make sure that Docker Engine, Compose v2 and buildx are installed, run, and start at boot.

    What is there and new enough is left alone. What is missing comes from Docker's own repository, whose key is
    checked by its fingerprint before anything is trusted, or from the distribution's packages: [docker.md](docker.md).
    An engine is upgraded only with `state: latest`, and with live-restore, so that its containers go on.

    On a host where the engine does not run yet, container logs are rotated at 3 × 10 MB
    unless its daemon.json says anything about logs; a running engine is never restarted for that.

    Examples:
        - name: Docker Engine runs, and asks our mirror first
          docker_engine:
            daemon:
              registry-mirrors: ["https://mirror.example"]
              log-opts: {max-file: 3}

        - name: Docker's own packages, by way of our mirror
          docker_engine:
            repository: https://mirror.example/linux/debian
    """

    source: Literal["auto", "docker", "distro", "existing"] = "auto"  # where what is missing comes from: docker.md
    state: Literal["present", "latest"] = "present"  # latest: upgrade Docker's packages, and no others
    repository: str | None = (
        None  # a mirror of Docker's repository for this system: https://mirror.example/linux/debian
    )
    fingerprint: str | None = None  # of the key that its packages are signed with; default: Docker's own
    minimum: str = "20.10"  # oldest Docker Engine that is good enough; in quotes, YAML would make a number of it
    compose_minimum: str = "2.17"  # oldest Compose that is left alone; in quotes
    daemon: Mapping[str, Any] = field(default_factory=dict)  # merged over the host's daemon.json, whose keys stay
    packages: tuple[str, ...] = ()  # installed if any part is missing, from the sources that the host has

    def __post_init__(self) -> None:
        for key, value in (("minimum", self.minimum), ("compose_minimum", self.compose_minimum)):
            if not re.fullmatch(r"\d+(\.\d+)*", value):
                raise ArgumentRefusedError(f"{key}: {value!r} is no version", hint=f'write it as {key}: "24.0"')
        for name in self.packages:
            if not re.fullmatch(r"[a-z0-9][a-z0-9+.:-]*(=[A-Za-z0-9.+:~-]+)?", name):
                raise ArgumentRefusedError(f"packages: {name!r} is no package", hint="write names as apt knows them")
        check_repository(self.repository, self.fingerprint)
        if self.source == "existing" and self.state == "latest":
            raise ArgumentRefusedError("source: existing takes Docker as it is", hint="leave out state: latest")

    def facts(self) -> tuple[Fact[Any], ...]:
        newest: tuple[Fact[Any], ...] = (Packages(PACKAGES), AptCacheAge(), LiveRestore())
        return (
            Os(), DockerEngine(), DaemonJson(), FileState(DAEMON_JSON),
            *(newest if self.state == "latest" else ()),
        )  # fmt: skip

    def further_facts(self, seen: Facts) -> tuple[Fact[Any], ...]:
        """What is at work on the host's packages, and whether Docker's repository answers, where parts are missing."""
        try:
            need = self._need(seen)
        except HostRefusedError:
            return ()  # `plan` says why
        asks = need.missing and self._asks_repository()
        return (
            *((PackageWork(),) if need.packages else ()),
            *((DockerRepository(self.repository),) if asks else ()),
        )

    def plan(self, seen: Facts) -> Iterator[Action]:
        os, need = seen[Os()], self._need(seen)
        if not (need.engine or need.boot):
            return
        if need.settings.changed or need.start:
            check_service(os, seen[DockerEngine()])
            check_data(seen[DockerEngine()], need.settings.changed)
        chosen = self._choose(seen, need.missing) if need.missing else None
        if chosen and chosen.add:
            yield from trust(chosen.add, os, self.fingerprint)
        if need.packages:
            yield from plan_readiness(seen[PackageWork()])
        yield from plan_settings(
            need.settings, seen[DockerEngine()], text=seen[DaemonJson()], found=seen[FileState(DAEMON_JSON)]
        )
        if chosen:
            yield from plan_install(os, chosen, tuple(need.missing.values()), self._minima)
        yield from self._plan_rest(seen, need)

    def _plan_rest(self, seen: Facts, need: Need) -> Iterator[Action]:
        """Upgrade, start, and wait."""
        os, engine, told = seen[Os()], seen[DockerEngine()], False
        if need.upgrade:
            if engine.running and need.settings.live_restore:
                told = "live-restore" in need.settings.changed or not seen[LiveRestore()].enabled
                yield from plan_live_restore(os.init, reload=told)
            yield from need.upgrade.plan(os.packages, self._minima, service.restart(os.init))
        yield from plan_start(os.init, engine, need.settings, told=told)
        if need.engine:
            yield service.wait()

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """Nothing changed, if only an upgrade was tried, and there was none."""
        if self.state == "latest" and is_idle_upgrade(done, seen[Packages(PACKAGES)]):
            return {"changed": False}
        return {}

    def _need(self, seen: Facts) -> Need:
        """What is to be done; raises HostRefusedError where that is a person's decision."""
        os, engine = seen[Os()], seen[DockerEngine()]
        check_place(engine, self.source)
        lacking = shortfalls(engine, self.minimum, self.compose_minimum)
        check_wish(os, engine, self.source, lacking)
        upgrade, live = None, None
        if self.state == "latest" and engine.version is not None:
            upgrade, live = find_upgrade(engine, seen[Packages(PACKAGES)], seen[AptCacheAge()]), seen[LiveRestore()]
        if upgrade and live:
            check_swarm(live)
        check_asked(lacking, engine, upgrade, asked=self.state == "latest")
        return Need(
            missing={part: why for part, why in lacking.items() if part != "engine" or engine.version is None},
            upgrade=upgrade,
            settings=settings_for(
                seen[DaemonJson()], engine, self.daemon,
                live_restore=bool(upgrade and live and engine.running and not live.swarm),
            ),
            start=not engine.running,
            boot=engine.unit == "disabled",
        )  # fmt: skip

    def _choose(self, seen: Facts, missing: Mapping[str, str]) -> Chosen:
        repository = seen[DockerRepository(self.repository)] if self._asks_repository() else None
        if self.packages and self.source != "docker":
            return Chosen(packages=self.packages)
        chosen = choose(self.source, seen[Os()], seen[DockerEngine()], repository, missing)
        return replace(chosen, packages=self.packages) if self.packages else chosen

    def _asks_repository(self) -> bool:
        """Whether Docker's repository may be of use."""
        return self.source == "docker" or (self.source == "auto" and not self.packages)

    @property
    def _minima(self) -> Mapping[str, str]:
        return {"engine": self.minimum, "compose": self.compose_minimum}
