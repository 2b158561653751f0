"""`restore`: kept data comes back, and what is there stays beside it. Making snapshots is `snapshot`'s part."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from deployer.facts.containers import ProjectContainers
from deployer.facts.snapshots import CREDENTIALS, SnapshotFile, Snapshots, find_volume
from deployer.frozen import dataclass
from deployer.model.action import Action, Script
from deployer.model.release import Container, Release
from deployer.modules._refusals import HostRefusedError
from deployer.modules._snapshots import Stored, container_of, inside, on_this_host, path_of
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts
from deployer.rollout.space import told_size


@module("restore")
@dataclass(frozen=True, kw_only=True)
class Restore:
    """Bring back data as a snapshot has it; the snapshot stays, and nothing that is there is removed.

    A database is restored under another name, and then the names are swapped: what was there is kept as a database
    called `…_before_…`. What was in a volume is kept in it, in a folder `.before-restore-…`.

    Examples:
        - name: The uploads are as they were
          restore:
            release: "{{ release }}"
            services:
              - {service: web, kind: volume, volume: uploads}
            snapshot: "{{ restore_snapshot }}"
    """

    release: Release  # the release that will work with the data: `{{ release }}`
    services: tuple[str | Stored, ...] = ()  # as `snapshot` has them
    snapshot: str = ""  # a release's id, or a file's name; by default the newest that was made while `release` served
    timeout: float = 3600.0  # seconds for each of them

    def facts(self) -> tuple[Fact[Any], ...]:
        mine = on_this_host(self.services, self.release)
        if not mine:
            return ()
        return (
            ProjectContainers(self.release.project), Snapshots(self.release.root),
            *(one.fact(self.release) for one in mine),
        )  # fmt: skip

    def plan(self, seen: Facts) -> Iterator[Action]:
        for one in on_this_host(self.services, self.release):
            files = [file for file in seen[Snapshots(self.release.root)].files if one.is_in(file)]
            file = self._choose(one, files)
            if file:
                yield self._plan(one, file, seen)

    def _choose(self, one: Stored, files: Sequence[SnapshotFile]) -> SnapshotFile | None:
        """The snapshot that is meant; None if one of something else is asked for by its name."""
        named = SnapshotFile.parse(self.snapshot)
        if named and not one.is_in(named):
            return None
        wanted = [file for file in files if self.snapshot in (file.name, file.release)]
        found = wanted if self.snapshot else [file for file in files if file.after == self.release.id]
        if found:
            return max(found, key=lambda file: file.release)
        which = f"is called {self.snapshot}" if self.snapshot else f"was made while {self.release.id} served"
        raise HostRefusedError(f"no snapshot of {one.name} {which}", hint=_ways_out(files))

    def _plan(self, one: Stored, file: SnapshotFile, seen: Facts) -> Script:
        container = container_of(one, seen[ProjectContainers(self.release.project)])
        if container is None or (one.kind == "postgres" and container.state != "running"):
            state = f"is {container.state}" if container else "has no container"
            raise HostRefusedError(f"{one.service} {state}", hint="bring it up first: deploy rollback ENV")
        data = seen[one.fact(self.release)]
        if data and data.free is not None and data.size > data.free:
            raise HostRefusedError(
                f"the restored {one.name} may need {told_size(data.size)}, and there are {told_size(data.free)} left",
                hint="what is there is kept beside it: make room for both",
            )
        work = _restoring(container) if one.volume is None else _unpacking(self.release, one, container)
        return Script(
            label=f"restore {one.name} from {path_of(file, self.release.root)}", timeout=self.timeout,
            because=f"it is wanted as it was before {file.release}",
            text=f"{_head(self.release, file)}{work}{_TAIL}",
        )  # fmt: skip


def _ways_out(files: Sequence[SnapshotFile]) -> str:
    if not files:
        return "there are none: they are made from the first deployment on that finds data"
    newest = max(files, key=lambda file: file.release)
    served = f"the newest was made while {newest.after} served: deploy rollback ENV --to {newest.after} --restore-data"
    listed = ", ".join(file.name for file in files)
    return f"{f'{served}; or ' if newest.after else ''}name one with deploy restore ENV --snapshot NAME: {listed}"


def _head(release: Release, file: SnapshotFile) -> str:
    """`kept` will say where that is which was there; it is noted before anything is changed."""
    history = shlex.quote(f"{release.root}/.deploy/history.log")
    line = shlex.quote(f"data restored from {file.name}: what was there is kept as")
    return (
        f"umask 077\nfile={shlex.quote(path_of(file, release.root))}\nhistory={history}\nline={line}\n"
        "stamp=$(date -u +%Y%m%d%H%M%S)\n"
    )


_TAIL = """\
mkdir -p "${history%/*}"
printf '%s %s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$line" "$kept" >>"$history"
echo "what was there is kept as $kept: remove it by hand when nobody needs it"
"""


def _restoring(container: Container) -> str:
    swapping = inside(container, CREDENTIALS + _SWAP, '"$stamp"')
    return f'kept=$({swapping} <"$file")\nkept="the database $kept"\n'


# Runs in the database's container, with the dump as its standard input; psql's own input are the here-documents.
# The new database is filled under a name that nobody knows, so that there is never a half of it under the real one.
# template1 is where one stands while databases change their names. Settings and rights belong to a database's row, not
# to its content, so no dump has them. Whoever connects between the two statements of a try makes it fail: hence many.
_SWAP = """\
set -eu
db=$PGDATABASE new=${PGDATABASE}_restoring_$1 old=${PGDATABASE}_before_$1
sql() { psql -qAtX -v ON_ERROR_STOP=1 -v db="$db" -v new="$new" -v old="$old" -d template1; }
trap 'dropdb --maintenance-db=template1 --if-exists "$new" 2>/dev/null' EXIT
trap 'exit 1' HUP INT PIPE TERM
sql <<'SQL'
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'new',
  pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)
  FROM pg_database WHERE datname = :'db' \\gexec
SQL
pg_restore --exit-on-error --dbname="$new" >&2
psql -qX -d "$new" -c ANALYZE >&2
tries=10
until sql >&2 <<'SQL'
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :'db' \\g /dev/null
BEGIN;
INSERT INTO pg_db_role_setting SELECT n.oid, s.setrole, s.setconfig FROM pg_db_role_setting s
  JOIN pg_database o ON o.oid = s.setdatabase AND o.datname = :'db' JOIN pg_database n ON n.datname = :'new';
UPDATE pg_database n SET datacl = o.datacl, datconnlimit = o.datconnlimit
  FROM pg_database o WHERE n.datname = :'new' AND o.datname = :'db';
ALTER DATABASE :"db" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"db";
COMMIT;
SQL
do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || exit 1
done
echo "$old"
"""


def _unpacking(release: Release, one: Stored, container: Container) -> str:
    argv = ("docker", "run", "--rm", "--interactive", "--pull", "never", "--network", "none", "--user", "0:0",
            "--entrypoint", "sh")  # fmt: skip
    what = shlex.join((container.image, "-c", _EXCHANGE, "sh"))
    return (
        f"{find_volume(release.project, one.name)}"
        'docker volume inspect -- "$volume" >/dev/null\n'
        f"{_STOPPING}"
        f'{shlex.join(argv)} --volume "$volume:/to" {what} "$stamp" <"$file"\n'
        f'kept="the folder .before-restore-$stamp in the volume $volume"\n'
    )


_STOPPING = """\
users=$(docker ps --quiet --filter "volume=$volume")
trap '[ -z "$users" ] || docker start $users >/dev/null' EXIT
trap 'exit 1' HUP INT PIPE TERM
[ -z "$users" ] || docker stop $users >/dev/null
"""
_EXCHANGE = """\
set -eu
umask 077
cd /to
new=.restoring-$1 old=.before-restore-$1
all() {
  for entry in * .[!.]* ..?*; do
    case $entry in .restoring-*|.before-restore-*) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then mv -- "$entry" "$1"; fi
  done
}
mkdir "$new"
tar -C "$new" -xzf -
mkdir "$old"
all "$old/"
cd "$new"
all ../
cd ..
rmdir "$new"
"""
