"""Kept data on a host: which snapshots there are, what the data would need, which releases have migrated a database.

The names of the files are made and read here; making, restoring and removing them is the modules' business.
"""

from __future__ import annotations

import re
import shlex
from typing import ClassVar, Literal

from deployer.facts.releases import unless_serving
from deployer.frozen import dataclass

Kind = Literal["postgres", "volume"]

NOBODY = "none"  # in a file's name: no release served when it was made
_ENDINGS: dict[Kind, str] = {"postgres": "dump", "volume": "tar.gz"}
_NAME = re.compile(r"(?P<release>[0-9A-Za-z-]+)\.after-(?P<after>[0-9A-Za-z-]+)\.(?P<of>.+)\.(?P<end>dump|tar\.gz)")
_DF = re.compile(r" \d+ +\d+ +(\d+) +\d+%")

# In the database's container: PGUSER, PGDATABASE and PGPASSWORD as the official image's entrypoint makes them.
CREDENTIALS = """\
given() { eval "v=\\${$1:-} f=\\${$1_FILE:-}"; [ -n "$v" ] || [ -z "$f" ] || v=$(cat "$f"); printf %s "$v"; }
PGUSER=$(given POSTGRES_USER); PGUSER=${PGUSER:-postgres}
PGDATABASE=$(given POSTGRES_DB); PGDATABASE=${PGDATABASE:-$PGUSER}
PGPASSWORD=$(given POSTGRES_PASSWORD)
export PGUSER PGDATABASE PGPASSWORD
"""
_MEASURE = """\
psql -qAtX <<'SQL' || exit 1
SELECT pg_database_size(current_database());
SELECT (SELECT count(*) FROM pg_largeobject_metadata) + count(*) FROM pg_class c JOIN pg_namespace n
  ON n.oid = c.relnamespace WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%';
SQL
df -Pk -- "${PGDATA:-/var/lib/postgresql}"
"""
_FILES = """\
folder={folder}
near=$folder
until [ -d "$near" ]; do near=${{near%/*}}; done
df -Pk -- "${{near:-/}}" | tail -n 1
cd -- "$folder" || exit 0
for file in *.dump *.tar.gz; do
  if [ -f "$file" ]; then printf '%s %s\\n' "$(wc -c <"$file")" "$file"; fi
done
"""


@dataclass(frozen=True, kw_only=True)
class SnapshotFile:
    """One kept state of one service's database, or of one volume."""

    release: str  # id of the release before whose migration it was made
    after: str | None  # id of the release that served then
    of: str  # the service, or the volume as the compose file calls it
    kind: Kind = "postgres"
    size: int = 0  # bytes

    @property
    def name(self) -> str:
        return f"{self.release}.after-{self.after or NOBODY}.{self.of}.{_ENDINGS[self.kind]}"

    @classmethod
    def parse(cls, name: str, size: int = 0) -> SnapshotFile | None:
        """None if the name is none of ours."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        after = None if found["after"] == NOBODY else found["after"]
        kind: Kind = "postgres" if found["end"] == "dump" else "volume"
        return cls(release=found["release"], after=after, of=found["of"], kind=kind, size=size)


@dataclass(frozen=True, kw_only=True)
class SnapshotsSeen:
    """The folder with the snapshots."""

    files: tuple[SnapshotFile, ...] = ()
    free: int = 0  # bytes that its file system has left


def snapshot_folder(root: str) -> str:
    """Where a project's snapshots lie."""
    return f"{root}/shared/snapshots"


@dataclass(frozen=True)
class Snapshots:
    """The snapshots below a project's root folder, and the room for more of them."""

    constant: ClassVar[bool] = False

    root: str

    def script(self) -> str:
        return _FILES.format(folder=shlex.quote(snapshot_folder(self.root)))

    def parse(self, output: str, status: int) -> SnapshotsSeen:
        first, *lines = output.strip().splitlines() or [""]
        pairs = (line.partition(" ") for line in lines)
        found = (SnapshotFile.parse(name, int(size)) for size, _, name in pairs)
        files = tuple(sorted((one for one in found if one), key=lambda one: one.name))
        return SnapshotsSeen(files=files, free=_free(first) or 0)


@dataclass(frozen=True, kw_only=True)
class DataSeen:
    """What a service has stored."""

    size: int  # bytes
    empty: bool = False  # a database without a single table
    free: int | None = None  # bytes that are left where the data lies


@dataclass(frozen=True)
class StoredData:
    """How much a service's database, or a volume, holds; None if that cannot be said (nothing runs, it took too long).

    Where the release with this digest serves already it is not measured: that costs time, and nobody will ask.
    """

    constant: ClassVar[bool] = False

    root: str
    project: str
    service: str
    volume: str | None = None  # as the compose file calls it; None: the service's database
    digest: str = ""

    def script(self) -> str:
        wanted = self._volume(self.volume) if self.volume else self._database()
        return unless_serving(self.root, self.digest) + wanted

    def _database(self) -> str:
        labels = _labels(project=self.project, service=self.service)
        return (
            f"container=$(docker ps --quiet {labels} | head -n 1)\n"
            '[ -n "$container" ] || exit 1\n'
            f'docker exec "$container" sh -c {shlex.quote(CREDENTIALS + _MEASURE)}'
        )

    def _volume(self, volume: str) -> str:
        return (
            f"{find_volume(self.project, volume)}"
            "folder=$(docker volume inspect --format '{{.Mountpoint}}' -- \"$volume\") || exit 1\n"
            'kilobytes=$(timeout 20 du -sk -- "$folder" | cut -f 1)\n'
            'echo "$((kilobytes * 1024))"\necho 1\ndf -Pk -- "$folder"'
        )

    def parse(self, output: str, status: int) -> DataSeen | None:
        lines = output.split("\n")
        if status != 0 or len(lines) < 3 or not lines[0].isdigit():
            return None
        return DataSeen(size=int(lines[0]), empty=lines[1] == "0", free=_free(output))


@dataclass(frozen=True)
class MigratedReleases:
    """The ids of the releases that have migrated a database from this host, and are still on it."""

    constant: ClassVar[bool] = False

    root: str

    def script(self) -> str:
        return f"cd {shlex.quote(self.root)}/releases && ls -d -- */migrated"

    def parse(self, output: str, status: int) -> frozenset[str]:
        return frozenset(line.removesuffix("/migrated") for line in output.split() if line.endswith("/migrated"))


def find_volume(project: str, volume: str) -> str:
    """Shell that sets `volume` to a volume's real name; one that compose did not make is called by that itself."""
    labels = _labels(project=project, volume=volume)
    return (
        f'volume=$(docker volume ls --quiet {labels} | head -n 1)\n[ -n "$volume" ] || volume={shlex.quote(volume)}\n'
    )


def _labels(**labels: str) -> str:
    """The filters of `docker … ls` for compose's own labels."""
    given = (shlex.quote(f"label=com.docker.compose.{name}={value}") for name, value in labels.items())
    return " ".join(f"--filter {label}" for label in given)


def _free(text: str) -> int | None:
    """The bytes that `df -Pk` calls available."""
    found = _DF.search(text)
    return int(found[1]) * 1024 if found else None
