"""Two releases of a project to the data that the later one would leave behind without a word.

Nothing is asked here: what the hosts hold is `facts`' business, and who may allow a loss is the module's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from deployer.frozen import dataclass
from deployer.model.release import Release
from deployer.rollout.databases import Database, covers, database_of

Kind = Literal[
    "project-renamed",
    "volume-renamed",
    "volume-dropped",
    "mount-moved",
    "anonymous-volume",
    "database-major",
    "data-directory-moved",
    "bind-hidden",
    "other-environment",  # these are said by the preflight, and by the way back
    "port-taken",
    "subnet-clash",
    "volume-in-use",
    "release-edited",
    "no-way-back",
]
CONTAINER = ""  # the place of what no volume holds
PATHS = ("/", ".", "~", "$")  # how a folder of the host begins
SYSTEM = ("/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/tmp", "/usr", "/var/run")  # noqa: S108 no data


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Data that nobody would find any more; the kind is what allows it."""

    kind: Kind
    service: str  # or the project
    because: str

    def __str__(self) -> str:
        return f"{self.service}: {self.because}"


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Where one service of a release keeps data."""

    service: str
    mounts: Mapping[str, str]  # target -> source; `:/target` is an anonymous volume
    database: Database | None = None

    @property
    def whole(self) -> Mapping[str, str]:
        """The mounts with the volume that a database's image declares by itself."""
        declared = self.database.volume if self.database else None
        return {declared: f":{declared}", **self.mounts} if declared else self.mounts

    def place(self) -> tuple[str, str] | None:
        """Source and path in it of the database's data; None if it cannot be told."""
        directory = self.database.directory if self.database else None
        if directory is None:
            return None
        target = max((one for one in self.whole if covers(one, directory)), key=len, default=None)
        if target is None:
            return CONTAINER, directory
        return self.whole[target], directory.removeprefix(target).strip("/")

    def holds_database(self, target: str) -> bool:
        return bool(self.database and self.database.directory and covers(target, self.database.directory))


def losses(before: Release, coming: Release) -> tuple[Loss, ...]:
    """What `coming` would leave behind of what `before` has written on a host; nothing is an answer too.

    A release that does not tell its mounts (older tools wrote it) is compared with nothing.
    """
    if before.project != coming.project:
        return tuple(_renamed(before, coming))
    mounted = frozenset(source for service in coming.mounts for source in _mounts(coming, service).values())
    staying = [one for one in before.services if one in coming.services]
    return tuple(
        loss
        for service in staying
        if service in before.mounts and service in coming.mounts
        for loss in _of_service(_storage(before, service), _storage(coming, service), mounted)
    )


def is_same_project(one: Release, other: Release) -> bool:
    """Whether another project is this one under another name: all of its services, images and volumes are here."""
    if one.project == other.project or not one.mounts or not set(one.services) <= set(other.services):
        return False
    images = all(other.images.get(service) == image for service, image in one.images.items())
    return images and all(
        set(_keys(one, service)) <= set(_keys(other, service)) for service in one.services if service in one.mounts
    )


# one service ----------------------------------------------------------------------------------------------------


def _of_service(old: Storage, new: Storage, mounted: Collection[str]) -> Iterator[Loss]:
    found = [loss for target in old.mounts for loss in _of_mount(target, old, new, mounted)]
    yield from found
    yield from _of_database(old, new, quiet=bool(found))


def _of_mount(target: str, old: Storage, new: Storage, mounted: Collection[str]) -> Iterator[Loss]:
    source, now = old.mounts[target], new.whole.get(target)
    if now == source or not _holds_data(source):
        return
    there = f"{_named(now)} is mounted there" if now else "nothing is mounted there"
    moved = [place for place, one in new.mounts.items() if one == source and old.mounts.get(place) != source]
    if source.startswith(":"):
        because = f"{target} was an anonymous volume, which only the old container knows; now {there}"
        yield Loss(kind="anonymous-volume", service=old.service, because=because)
    elif moved:
        because = f"{_named(source)} was mounted at {target}, now it is at {moved[0]}, and {there}"
        yield Loss(kind="mount-moved", service=old.service, because=because)
    elif now:
        because = f"{_named(source)} was mounted at {target}, now {there}"
        yield Loss(kind="volume-renamed", service=old.service, because=because)
    elif old.holds_database(target) or not (source in mounted or source.startswith(PATHS)):
        because = f"{_named(source)} was mounted at {target}, and is not any more"
        yield Loss(kind="volume-dropped", service=old.service, because=because)


def _of_database(old: Storage, new: Storage, *, quiet: bool) -> Iterator[Loss]:
    """What the mounts alone do not show; `quiet`: they have shown that the data is not where it was."""
    was, now = old.database, new.database
    if was is None or now is None:
        return
    keeps = _keeps(old, new)
    if was.directory == now.directory:
        yield from () if quiet else _of_place(old, new)
    elif old.place() != new.place() and was.directory and now.directory and (keeps or not quiet):
        because = f"{was.image} keeps its data in {was.directory}, {now.image} in {now.directory}"
        yield Loss(kind="data-directory-moved", service=old.service, because=because)
    reads = now.reads_data_of(was)
    if keeps and reads is False:
        because = f"{now.image} does not read what {was.image} has written: dump it there, restore it here"
        yield Loss(kind="database-major", service=old.service, because=because)
    elif keeps and reads is None and "$" not in now.image + was.image:
        because = f"whether {now.image} reads what {was.image} has written, their names do not tell"
        yield Loss(kind="database-major", service=old.service, because=because)


def _of_place(old: Storage, new: Storage) -> Iterator[Loss]:
    """The database looks in the same directory, where something else is mounted now."""
    was, now = old.place(), new.place()
    if was is None or now is None or was == now or was[0] == CONTAINER:
        return
    because = f"the database's data was in {_named(was[0])}, now it would be in {_named(now[0])}"
    kind: Kind = "anonymous-volume" if was[0].startswith(":") else "volume-renamed"
    yield Loss(kind=kind, service=old.service, because=because)


def _keeps(old: Storage, new: Storage) -> bool:
    """Whether the new container mounts what the old one's data is in."""
    place = old.place()
    if place is None:  # where it is cannot be told: any volume that stays may be it
        return bool(set(old.mounts.values()) & set(new.mounts.values()))
    return place[0] in new.whole.values()


# words and pieces -----------------------------------------------------------------------------------------------


def _renamed(before: Release, coming: Release) -> Iterator[Loss]:
    kept = {source for service in coming.mounts for source in _mounts(coming, service).values()}
    left = {source for service in before.mounts for source in _mounts(before, service).values()} - kept
    volumes = sorted(one for one in left if one.startswith(f"{before.project}_"))
    if volumes:
        because = f"it was called {before.project}, and would begin without {', '.join(volumes)}"
        yield Loss(kind="project-renamed", service=f"project {coming.project}", because=because)


def _storage(release: Release, service: str) -> Storage:
    image = release.images.get(service, "")
    return Storage(
        service=service,
        mounts=_mounts(release, service),
        database=database_of(image, release.data_directories.get(service)),
    )


def _mounts(release: Release, service: str) -> dict[str, str]:
    parts = (text.rpartition(":") for text in release.mounts[service])
    return {target: source or f":{target}" for source, _, target in parts}


def _keys(release: Release, service: str) -> Iterator[str]:
    """A service's mounts without the project's name."""
    return (text.removeprefix(f"{release.project}_") for text in release.mounts.get(service, ()))


def _holds_data(source: str) -> bool:
    """Not a folder of the release itself, and none of the host's system."""
    return not source.startswith(".") and not any(covers(folder, source) for folder in SYSTEM)


def _named(source: str) -> str:
    if source == CONTAINER:
        return "the container itself"
    if source.startswith(":"):
        return "an anonymous volume"
    return f"{'folder' if source.startswith(PATHS) else 'volume'} {source}"
