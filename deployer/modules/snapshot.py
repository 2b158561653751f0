"""`snapshot`: data as it is before a release migrates it, kept on the host that has it.

Going back to it is `restore`'s part, and a person's decision.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from deployer.facts.containers import ProjectContainers
from deployer.facts.releases import InstalledReleases
from deployer.facts.snapshots import CREDENTIALS, SnapshotFile, Snapshots, SnapshotsSeen, find_volume, snapshot_folder
from deployer.frozen import dataclass
from deployer.model.action import Action, Script
from deployer.model.release import Container, Installed, Release
from deployer.modules._refusals import HostRefusedError
from deployer.modules._snapshots import Stored, container_of, inside, on_this_host, path_of
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts
from deployer.rollout.retention import removable_snapshots
from deployer.rollout.space import told_size


@module("snapshot")
@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Keep the data of services in `shared/snapshots/` before a new release changes it.

    A Postgres database is dumped by its own `pg_dump` and the dump is read back; a volume is packed by its service's
    own image. A host that does not run a service keeps nothing of it, and neither does one without room for it.

    Examples:
        - name: What the release may do to the data can be undone
          snapshot:
            release: "{{ release }}"
            services: [db]
            keep: "{{ keep_snapshots }}"
    """

    release: Release  # the release that may change the data: `{{ release }}`
    services: tuple[
        str | Stored, ...
    ] = ()  # of Postgres; or `{service, kind: volume, volume: NAME, mode: hot or cold}`
    keep: int = 5  # snapshots of each service; those of releases that are on the host stay beside them
    timeout: float = 3600.0  # seconds for each of them

    def facts(self) -> tuple[Fact[Any], ...]:
        mine = on_this_host(self.services, self.release)
        if not mine:
            return ()
        return (
            InstalledReleases(self.release.root), ProjectContainers(self.release.project),
            Snapshots(self.release.root), *(one.fact(self.release, self.release.digest) for one in mine),
        )  # fmt: skip

    def plan(self, seen: Facts) -> Iterator[Action]:
        for one in on_this_host(self.services, self.release):
            installed = seen[InstalledReleases(self.release.root)]
            container = container_of(one, seen[ProjectContainers(self.release.project)])
            if container and installed.current != self.release.id:
                yield from self._plan(one, container, installed, seen)

    def _plan(self, one: Stored, container: Container, installed: Installed, seen: Facts) -> Iterator[Action]:
        there = seen[Snapshots(self.release.root)]
        mine = [file for file in there.files if one.is_in(file)]
        data = seen[one.fact(self.release, self.release.digest)]
        if (data and data.empty) or any(file.release == self.release.id for file in mine):
            return
        if data:
            self._check_room(one, data.size, there)
        file = SnapshotFile(release=self.release.id, after=installed.current, of=one.name, kind=one.kind)
        yield Script(
            label=f"keep {_what(one)} as {path_of(file, self.release.root)}", timeout=self.timeout,
            because=f"release {self.release.id} is new, and may change it",
            text=_keeping(self.release, one, container, file),
        )  # fmt: skip
        yield from self._plan_retention(one, mine, installed)

    def _check_room(self, one: Stored, size: int, there: SnapshotsSeen) -> None:
        if size <= there.free:
            return
        raise HostRefusedError(
            f"a snapshot of {_what(one)} may need {told_size(size)}, and {snapshot_folder(self.release.root)} "
            f"has {told_size(there.free)} left",
            hint=f"make room there, or deploy without it: take {one.service} out of deploy_snapshot",
        )

    def _plan_retention(self, one: Stored, mine: Sequence[SnapshotFile], installed: Installed) -> Iterator[Action]:
        gone = removable_snapshots((file.release for file in mine), installed, self.release.id, self.keep)
        paths = [path_of(file, self.release.root) for file in mine if file.release in gone]
        if paths:
            names = ", ".join(gone)
            yield Script(
                label=f"remove the snapshots of {one.name} from before {names}", text=f"rm -f -- {shlex.join(paths)}",
                because=f"{self.keep} are kept, and those of releases that are on the host",
            )  # fmt: skip


def _what(one: Stored) -> str:
    return f"the volume {one.volume}" if one.volume else f"the database of {one.service}"


def _keeping(release: Release, one: Stored, container: Container, file: SnapshotFile) -> str:
    """Shell that writes a snapshot under a passing name, reads it back, and gives it its name."""
    folder, name = shlex.quote(snapshot_folder(release.root)), shlex.quote(file.name)
    work = _dumping(container) if one.volume is None else _packing(release, one, container)
    return (
        f"umask 077\nmkdir -p {folder}\nchmod 700 {folder}\ncd {folder}\n"
        f"new=.tmp-{name}\nresume=:\n"
        "trap 'eval \"$resume\"; rm -f -- \"$new\"' EXIT\ntrap 'exit 1' HUP INT PIPE TERM\n"
        "rm -f -- .tmp-*\n"
        f"{work}"
        'sync "$new" 2>/dev/null || sync\n'
        f'mv -T -- "$new" {name}\n'
        f'echo "$(wc -c <{name}) bytes"'
    )


def _dumping(container: Container) -> str:
    """The list of what is in a dump stands at its beginning: only reading all of it shows that none is missing."""
    dump = inside(container, f"{CREDENTIALS}exec pg_dump --format=custom")
    return (
        f'{dump} </dev/null >"$new"\n'
        f'listed=$({inside(container, "exec pg_restore --list")} <"$new")\n'
        "printf '%s\\n' \"$listed\" | grep -q '^[0-9]' || { echo 'the dump holds nothing'; exit 1; }\n"
        f'{inside(container, "exec pg_restore --file=/dev/null")} <"$new"\n'
    )


# What a restore has kept in a volume is not packed again. Not every tar can be told to leave something out.
_TAR = """\
set -eu
cd /from
set -- .before-restore-*
if [ -e "$1" ]; then
  set --
  for entry in * .[!.]* ..?*; do
    case $entry in .before-restore-*) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then set -- "$@" "./$entry"; fi
  done
  [ $# -gt 0 ] || { mkdir /nothing; cd /nothing; set -- .; }
else
  set -- .
fi
tar -czf - "$@\""""
# GNU tar ends with 1 where a file was written to while it was read: in a hot copy that is to be expected
_HOT_TAR = f"{_TAR} || {{ [ $? = 1 ] && tar --version 2>/dev/null | grep -q GNU; }}"


def _packing(release: Release, one: Stored, container: Container) -> str:
    cold = one.mode == "cold"
    argv = ("docker", "run", "--rm", "--pull", "never", "--network", "none", "--user", "0:0", "--entrypoint", "sh")
    what = shlex.join((container.image, "-c", _TAR if cold else _HOT_TAR))
    return (
        f"{find_volume(release.project, one.name)}"
        'docker volume inspect -- "$volume" >/dev/null\n'
        f"{_PAUSING if cold else ''}"
        f'{shlex.join(argv)} --volume "$volume:/from:ro" {what} >"$new"\n'
        'tar -tzf "$new" >/dev/null\n'
    )


_PAUSING = """\
users=$(docker ps --quiet --filter "volume=$volume" --filter status=running)
resume='[ -z "$users" ] || docker unpause $users >/dev/null || true'
[ -z "$users" ] || docker pause $users >/dev/null
"""
