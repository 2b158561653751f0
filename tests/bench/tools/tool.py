"""What every tool is asked to do. A tool answers with a command; whoever measures runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.hosts import Access, Endpoint
from bench.measuring import Command

DOCKER = ("docker.io", "docker-cli", "docker-compose", "docker-buildx")  # Debian's, as every tool installs them


@dataclass(frozen=True, kw_only=True)
class Job:
    """A project on hosts: side by side with other tools' on the same hosts, so name and port are the tool's own."""

    name: str  # of the compose project
    folder: Path  # here
    port: int  # that the hosts serve it on
    hosts: tuple[Endpoint, ...]
    access: Access


class Tool(ABC):
    """One way to deploy. Each method writes what the tool reads (playbooks, inventories) before it answers."""

    name: str
    title: str

    def __init__(self, room: Path) -> None:
        self.room = room
        room.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def versions(self) -> str:
        """The tool and its version, as it says itself."""

    @abstractmethod
    def deploy(self, job: Job) -> Command:
        """Docker is there, the project synced, its compose project built, up and healthy."""

    @abstractmethod
    def sync(self, job: Job) -> Command:
        """The project's files alone."""

    def tree(self, job: Job) -> str:
        """Where they are on a host, as shell words."""
        return f"/srv/{job.name}"

    def clear(self, job: Job) -> str:
        """Shell that takes all of a job's files from a host again."""
        return f"rm -rf {self.tree(job)}"

    def go_back(self, job: Job, release: str) -> Command:
        """The version before serves. `release` is what `released` said then; the folder here has that version again."""
        del release
        return self.deploy(job)

    def released(self, job: Job) -> str:
        """Shell that prints what a host calls the version that it is on; for tools that know releases."""
        del job
        return "true"

    @abstractmethod
    def status(self, job: Job) -> Command:
        """What every host's project is like."""

    @abstractmethod
    def install(self, hosts: Sequence[Endpoint], access: Access) -> Command:
        """Docker, on hosts that may have none."""

    @abstractmethod
    def command(self, hosts: Sequence[Endpoint], access: Access, argv: Sequence[str]) -> Command:
        """One command on each host."""

    def settle(self) -> None:  # noqa: B027
        """End what a run has left behind here, so that the next one begins as cold."""
