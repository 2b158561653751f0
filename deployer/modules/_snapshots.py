"""What `snapshot` and `restore` have in common: whose data is meant, on which container, and how sizes are said."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Literal

from deployer.facts.snapshots import SnapshotFile, StoredData, snapshot_folder
from deployer.frozen import dataclass
from deployer.model.release import Container, Release
from deployer.modules._refusals import ArgumentRefusedError, check_docker_name


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A service's database, or one of its volumes."""

    service: str
    kind: Literal["postgres", "volume"] = "postgres"
    volume: str | None = None  # as the compose file calls it
    mode: Literal["hot", "cold"] = "hot"  # cold: whatever uses the volume is paused while it is copied

    def __post_init__(self) -> None:
        if (self.kind == "volume") != (self.volume is not None):
            raise ArgumentRefusedError(
                f"kind: {self.kind} {'without a' if self.volume is None else 'with a'} volume",
                hint=f"write {{service: {self.service}, kind: volume, volume: NAME}}, or just {self.service}",
            )
        if self.volume is not None:
            check_docker_name("volume", self.volume)

    @property
    def name(self) -> str:
        """What its files are called by."""
        return self.volume or self.service

    def is_in(self, file: SnapshotFile) -> bool:
        """True if the file holds a state of this data."""
        return (file.of, file.kind) == (self.name, self.kind)

    def fact(self, release: Release, digest: str = "") -> StoredData:
        return StoredData(release.root, release.project, self.service, self.volume, digest)


def on_this_host(services: Iterable[str | Stored], release: Release) -> tuple[Stored, ...]:
    """Those of the services that the release runs on this host."""
    told = (Stored(service=one) if isinstance(one, str) else one for one in services)
    return tuple(one for one in told if one.service in release.services)


def container_of(one: Stored, containers: Iterable[Container]) -> Container | None:
    """The service's container, a running one if there is; None: it has none."""
    mine = [found for found in containers if found.service == one.service and not found.oneoff]
    return min(mine, key=lambda found: found.state != "running", default=None)


def path_of(file: SnapshotFile, root: str) -> str:
    return f"{snapshot_folder(root)}/{file.name}"


def inside(container: Container, text: str, *args: str) -> str:
    """Shell that runs shell in a container, with the standard input of whoever calls it."""
    argv = ("docker", "exec", "--interactive", container.name, "sh", "-c", text, "sh")
    return " ".join([shlex.join(argv), *args])
