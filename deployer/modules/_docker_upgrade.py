"""Docker's packages brought to the newest version, while containers go on: only where somebody has asked for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from deployer.facts.docker import DISTRIBUTION_PACKAGES, VENDOR_PACKAGES, EngineSeen, LiveRestoreSeen
from deployer.facts.packages import PackagesSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules import _docker_service as service
from deployer.modules._docker_install import ENV, INSTALL_TIMEOUT, upgrade_script
from deployer.modules._packages import is_idle
from deployer.modules._refusals import HostRefusedError

PACKAGES = (*VENDOR_PACKAGES, *DISTRIBUTION_PACKAGES)
_LISTS_AGE = 3600  # seconds after which apt's lists are renewed before it is said what is the newest

# A signal is taken up a moment later, and nothing may be upgraded before.
_GOES_ON = """\
left=20
until [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]; do
  left=$((left - 1))
  if [ "$left" -le 0 ]; then echo 'the engine does not take live-restore over; nothing was upgraded' >&2; exit 1; fi
  sleep 0.5
done
"""


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """Packages that are not of the newest version, or of which nobody knows."""

    packages: tuple[str, ...]
    because: str
    refresh: bool = False  # the lists of packages are too old to tell

    def plan(self, manager: str, minima: Mapping[str, str], restart: Sequence[str]) -> Iterator[Action]:
        yield Script(
            label=f"upgrade {' '.join(self.packages)}", because=self.because, env=ENV, timeout=INSTALL_TIMEOUT,
            text=upgrade_script(manager, self.packages, minima, refresh=self.refresh, restart=shlex.join(restart)),
        )  # fmt: skip


def find_upgrade(engine: EngineSeen, packages: PackagesSeen, age: int | None) -> Upgrade | None:
    """What can be upgraded; None: all is of the newest version, or not there at all.

    Raises HostRefusedError where Docker came from no package.
    """
    names = tuple(name for name in engine.packages if name in PACKAGES)
    if engine.version is None:
        return None
    if not names:
        raise HostRefusedError(
            "the newest Docker is asked for, and the one here came from no package that this tool knows",
            hint="upgrade it the way it was installed, and say docker_state: present",
        )
    if packages.manager != "apt":
        return Upgrade(packages=names, because="the latest is asked for")
    if age is None or age > _LISTS_AGE:
        known = "there are no lists of packages" if age is None else f"the lists of packages are {age} s old"
        return Upgrade(packages=names, because=f"the latest is asked for, and {known}", refresh=True)
    has, could = packages.installed, packages.candidates
    newer = [name for name in names if name in has and could.get(name, has[name]) != has[name]]
    told = ", ".join(f"{name} {has[name]} -> {could[name]}" for name in newer)
    return Upgrade(packages=tuple(newer), because=f"the latest is asked for: {told}") if newer else None


def check_asked(lacking: Mapping[str, str], engine: EngineSeen, upgrade: Upgrade | None, *, asked: bool) -> None:
    """Raise HostRefusedError where an engine is too old and is not upgraded."""
    if "engine" not in lacking or engine.version is None or upgrade is not None:
        return
    if asked:
        raise HostRefusedError(
            f"{lacking['engine']}, and the host's sources of packages have nothing newer",
            hint="replace it with Docker's own packages by hand: docs/docker.md",
        )
    raise HostRefusedError(
        f"{lacking['engine']}, and an engine is upgraded only when that is asked for",
        hint="say docker_state: latest (state: latest); its containers go on meanwhile",
    )


def check_swarm(live: LiveRestoreSeen) -> None:
    """Raise HostRefusedError where containers would not go on: a node of a swarm can have no live-restore."""
    if live.swarm and live.containers:
        raise HostRefusedError(
            f"this is a node of a swarm, where {live.containers} containers would not go on while the engine restarts",
            hint="docker node update --availability drain NODE, then run this again",
        )


def is_idle_upgrade(done: Sequence[Outcome], packages: PackagesSeen) -> bool:
    """Whether an upgrade was all that was done, and the package manager had nothing to do."""
    acts = [one for one in done if one.action.changes]
    return len(acts) == 1 and acts[0].action.title.startswith("upgrade ") and is_idle(acts, packages)


def plan_live_restore(init: str, *, reload: bool) -> Iterator[Action]:
    """Let containers go on without their engine, and be sure of it."""
    if reload:
        yield service.renew(init, "reload", "containers go on from now on while their engine restarts: live-restore")
        yield Script(
            text=_GOES_ON, label="wait until live-restore is on", because="nothing is upgraded before", changes=False
        )
