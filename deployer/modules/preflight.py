"""`preflight`: what would make a release fail on a host later is found before anything is brought or switched.

What is left behind of the data is `data_guard`'s question; whether images can be had, only pulling them tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from deployer.facts.releases import InstalledReleases
from deployer.facts.space import Clock, Room, Space
from deployer.facts.strangers import ContainersSeen, Listeners, RunningContainers, Subnets
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.model.release import Installed, Release
from deployer.model.tree import Tree
from deployer.modules._refusals import HostRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts
from deployer.rollout.data_guard import Kind
from deployer.rollout.ports import taken_ports
from deployer.rollout.space import MEGABYTE, lacks, needs
from deployer.rollout.subnets import clashes

PATHS = ("/", ".", "~", "$", ":")  # how a mount begins that is no named volume
AGO = 3600  # seconds that two clocks may differ before it is said


@module("preflight")
@dataclass(frozen=True, kw_only=True)
class Preflight:
    """Fail if a host cannot take a release: no room, a port or subnet that is taken, another environment's project.

    It changes nothing, and asks nothing but for the environment where the release serves already.

    Examples:
        - name: The host can take the release
          preflight:
            release: "{{ release }}"
            tree: "{{ release_tree }}"
            environment: "{{ deploy_environment }}"
            free_space: "{{ deploy_free_space }}"
            allow: "{{ deploy_allow }}"
    """

    release: Release  # the release: `{{ release }}`
    tree: Tree  # what it brings: `{{ release_tree }}`
    environment: str = ""  # that it is deployed for: `{{ deploy_environment }}`
    free_space: float = 256  # megabytes that must stay free where releases and where images lie
    allow: tuple[Kind, ...] = ()  # what is no reason to fail, by the words of the refusal

    def facts(self) -> tuple[Fact[Any], ...]:
        root, project, digest = self.release.root, self.release.project, self.release.digest
        ports = (Listeners(root, digest),) if self.release.ports else ()
        subnets = (Subnets(root, project, digest),) if self.release.subnets else ()
        containers = (RunningContainers(root, project, digest),) if self.release.ports or self._volumes() else ()
        return (InstalledReleases(root), Space(root, digest), Clock(root, digest), *containers, *ports, *subnets)

    def plan(self, seen: Facts) -> Iterator[Action]:
        installed = seen[InstalledReleases(self.release.root)]
        self._check_environment(installed)
        if installed.current == self.release.id:
            return iter(())
        rooms = seen[Space(self.release.root, self.release.digest)]
        if rooms:
            self._check_rooms(rooms, installed)
        refused = [(kind, text) for kind, text in self._clashes(seen) if kind not in self.allow]
        if refused:
            kinds = ",".join(dict.fromkeys((*self.allow, *(kind for kind, _ in refused))))
            raise HostRefusedError(
                "; ".join(text for _, text in refused), hint=f"{_HINTS[refused[0][0]]}: -e deploy_allow={kinds}"
            )
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """A clock that is far off is a warning: the release itself would not mind."""
        there = seen[Clock(self.release.root, self.release.digest)]
        off = there - _seconds(self.release.created) if there and self.release.created else 0
        if abs(off) < AGO:
            return {}
        word = "ahead of" if off > 0 else "behind"
        told = f"{abs(off) / 3600:.0f} h" if abs(off) < 48 * 3600 else f"{abs(off) / 86400:.0f} days"
        return {
            "warnings": [
                f"the host's clock is {told} {word} this machine's: certificates, logs and cron will be wrong; "
                "on the host: timedatectl set-ntp true"
            ]
        }

    def _check_environment(self, installed: Installed) -> None:
        there = installed.serving.environment if installed.serving else ""
        if there in ("", self.environment) or not self.environment or "other-environment" in self.allow:
            return
        allowed = ",".join((*self.allow, "other-environment"))
        raise HostRefusedError(
            f"{self.release.root} holds the project {self.release.project} of environment {there}, and this is "
            f"{self.environment}: they would share containers and volumes",
            hint=f"give this environment a project of its own in its inventory: deploy_project: {self.release.project}-"
            f"{self.environment}; if both are the same: -e deploy_allow={allowed}",
        )

    def _check_rooms(self, rooms: Mapping[str, Room], installed: Installed) -> None:
        for folder, room in rooms.items():
            if room.state != "rw":
                raise HostRefusedError(_unwritable(folder, room), hint=_WRITABLE.format(mount=room.mount))
        folders, images = needs(self.release, self.tree, installed)
        wanted = {folder: folders if folder == self.release.root else images for folder in rooms}
        free = {folder: (room.mount, room.free, room.inodes) for folder, room in rooms.items()}
        found = list(lacks(free, wanted, int(self.free_space * MEGABYTE)))
        if found:
            raise HostRefusedError(f"no room for release {self.release.id}: {'; '.join(found)}", hint=_ROOM)

    def _clashes(self, seen: Facts) -> Iterator[tuple[Kind, str]]:
        root, project, digest = self.release.root, self.release.project, self.release.digest
        ports, subnets = self.release.ports, self.release.subnets
        if ports or self._volumes():
            containers = seen[RunningContainers(root, project, digest)]
            listeners = seen[Listeners(root, digest)] if ports else ()
            given_away = (*(port for one in containers.strangers for port in one.ports), *listeners)
            yield from (("port-taken", text) for text in taken_ports(ports, given_away))
            yield from self._shared(containers)
        if subnets:
            there = seen[Subnets(root, project, digest)]
            wanted = {name: subnets[name] for name in subnets if name not in there.own}
            yield from (("subnet-clash", text) for text in clashes(wanted, there.by))

    def _shared(self, containers: ContainersSeen) -> Iterator[tuple[Kind, str]]:
        for one in containers.strangers:
            for volume in sorted(set(one.volumes) & self._volumes()):
                yield "volume-in-use", f"volume {volume} is in use by {one}, which may write to it"

    def _volumes(self) -> frozenset[str]:
        """The project's own named volumes; external ones are there to be shared."""
        sources = (
            text.rpartition(":")[0].partition("/")[0] for texts in self.release.mounts.values() for text in texts
        )
        return frozenset(one for one in sources if one and not one.startswith(PATHS)) - set(self.release.volumes)


_ROOM = "make room on the host: df -h; df -i; docker system df; or ask for less: -e deploy_free_space=MEGABYTES"
_WRITABLE = "on the host: dmesg | tail; mount -o remount,rw {mount}; then run again"
_HINTS: Mapping[Kind, str] = {
    "port-taken": "stop what has it, or publish another port; if it is going to be free in time",
    "volume-in-use": "stop that container, or let it mount the volume read-only; if both may write to it",
    "subnet-clash": "choose another subnet in the compose file, or remove what is in the way; if it does not matter",
}


def _unwritable(folder: str, room: Room) -> str:
    if room.state == "ro":
        return f"{folder} is on a read-only file system ({room.mount})"
    return f"{folder} cannot be written to by whoever deploys"


def _seconds(created: str) -> float:
    """An RFC 3339 time as seconds since 1970."""
    return datetime.fromisoformat(created).timestamp()
