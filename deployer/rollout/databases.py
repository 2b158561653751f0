"""Database images: which engine and version a name stands for, and where in the container its data lives.

What follows from a change of them is `data_guard`'s decision.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import join, normpath

from deployer.frozen import dataclass

ENGINES: Mapping[str, str] = {  # last part of an image's name -> engine
    "postgres": "postgres", "postgresql": "postgres", "postgis": "postgres", "pgvector": "postgres",
    "timescaledb": "postgres", "mysql": "mysql", "mariadb": "mariadb", "mongo": "mongo",
}  # fmt: skip
DIRECTORIES: Mapping[str, str] = {"mysql": "/var/lib/mysql", "mariadb": "/var/lib/mysql", "mongo": "/data/db"}
POSTGRES = "/var/lib/postgresql"
MOVED = 18  # the Postgres whose image keeps its data in POSTGRES/18/docker, and declares POSTGRES as a volume
VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")
INSIDE = re.compile(r"(?:^|-)pg(\d+)")  # the Postgres of an image that counts its own versions: 0.8.0-pg17


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database as its image makes it."""

    image: str
    engine: str  # postgres, mysql, mariadb, mongo
    version: tuple[int, ...] = ()  # empty: the tag does not say
    directory: str | None = None  # where its data lives; None: not known
    volume: str | None = None  # what the image declares as a volume: anonymous if nothing is mounted there

    def reads_data_of(self, other: Database) -> bool | None:
        """Whether it starts on the other's files, and the other on its own; None: the images do not say."""
        if self.image == other.image:
            return True
        if self.engine != other.engine:
            return False
        if not self.version or not other.version:
            return None
        counts = min(len(self.version), len(other.version), self._series)
        return self.version[:counts] == other.version[:counts]

    @property
    def _series(self) -> int:
        """How many numbers of the version name a format of files."""
        return 1 if self.engine == "postgres" and self.version[0] >= 10 else 2


def database_of(image: str, data_directory: str | None = None) -> Database | None:
    """The database that an image is, with its data where the environment puts it; None if it is no known one."""
    repository, tag = _parts(image)
    engine = ENGINES.get(repository.rpartition("/")[2])
    if engine is None:
        return None
    version = _version(tag)
    directory, volume = (None, None) if "bitnami" in repository else _places(engine, version)
    if data_directory and engine == "postgres":
        directory = normpath(data_directory)
    return Database(image=image, engine=engine, version=version, directory=directory, volume=volume)


def covers(target: str, path: str) -> bool:
    """Whether something that is mounted at `target` holds `path`."""
    return path == target or path.startswith(target.rstrip("/") + "/")


def _parts(image: str) -> tuple[str, str]:
    """Repository and tag, without the digest."""
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    return folder + slash + repository, tag


def _version(tag: str) -> tuple[int, ...]:
    found = INSIDE.search(tag) or VERSION.match(tag)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _places(engine: str, version: tuple[int, ...]) -> tuple[str | None, str | None]:
    """The data directory of the official image, and the volume that it declares for it."""
    if engine != "postgres":
        return DIRECTORIES[engine], DIRECTORIES[engine]
    if not version:
        return None, None
    if version[0] < MOVED:
        return join(POSTGRES, "data"), join(POSTGRES, "data")
    return join(POSTGRES, str(version[0]), "docker"), POSTGRES
