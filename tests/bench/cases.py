"""The cases: how each is prepared, what one run is, and what the hosts must say after it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from bench.bare import BareHosts
from bench.errors import NotReachedError
from bench.ground import Ground
from bench.hosts import Endpoint
from bench.link import links
from bench.measuring import Command, Sample, measure
from bench.project import LARGE_FILE, set_version, stir
from bench.state import await_version, check_trees, digest, until_served
from bench.tools.tool import Job, Tool


class Case(ABC):
    """One row of the table."""

    def __init__(self, key: str, title: str) -> None:
        self.key = key
        self.title = title

    @abstractmethod
    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        """Bring every tool to where its first run begins; what shall end with the case goes onto the stack."""

    @abstractmethod
    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        """One run. Raises BenchError if the tool fails, NotReachedError if the hosts are not where they should be."""


class Unchanged(Case):
    """A project that is deployed already is deployed again."""

    def __init__(self, key: str, title: str, *, hosts: int = 3, round_trip: float = 0.0) -> None:
        super().__init__(key, title)
        self._count = hosts
        self._round_trip = round_trip
        self._hosts: tuple[Endpoint, ...] = ()

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        near = ground.hosts(self._count)
        set_version(ground.folder("site"), "unchanged")
        for tool in ground.tools:
            reach_version(tool, ground.job(tool, "site", near), "unchanged")
        self._hosts = near
        if self._round_trip:
            self._hosts = stack.enter_context(links(near, self._round_trip)).endpoints

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        job = ground.job(tool, "site", self._hosts)
        sample = measure(tool.deploy(job))
        await_version(job.hosts, job.port, "unchanged", patience=0)
        return sample


class Changed(Case):
    """One Python file of the big project is another one; the clock stops when all hosts serve it."""

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        set_version(ground.folder("big"), "first")
        for tool in ground.tools:
            reach_version(tool, ground.job(tool, "big", ground.hosts(3)), "first")

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        version = f"changed-{tool.name}-{number}"
        set_version(ground.folder("big"), version)
        return brought(tool.deploy, ground.job(tool, "big", ground.hosts(3)), version)


class GoBack(Case):
    """The version before: for tools that know releases the one on the hosts, else the old files, deployed again."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__(key, title)
        self._releases: dict[tuple[str, str], str] = {}  # (tool, version) -> what the hosts call it

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        for version in ("old", "new"):
            set_version(ground.folder("big"), version)
            for tool in ground.tools:
                job = ground.job(tool, "big", ground.hosts(3))
                reach_version(tool, job, version)
                self._releases[tool.name, version] = ground.everywhere(1, tool.released(job))[0]

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        version = "old" if number % 2 == 0 else "new"
        set_version(ground.folder("big"), version)
        release = self._releases[tool.name, version]
        return brought(lambda job: tool.go_back(job, release), ground.job(tool, "big", ground.hosts(3)), version)


class FirstSync(Case):
    """The big project's files, to hosts that have none of them."""

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        ground.hosts(3)
        self._digest = digest(ground.folder("first"))

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        job = ground.job(tool, "first", ground.hosts(3))
        ground.everywhere(3, tool.clear(job))
        sample = measure(tool.sync(job))
        check_trees(ground.machines(3), tool.tree(job), self._digest)
        ground.everywhere(3, tool.clear(job))
        return sample


class LargeFile(Case):
    """1 MB in the middle of a file of 200 MB is other bytes."""

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        for tool in ground.tools:
            job = ground.job(tool, "large", ground.hosts(3))
            measure(tool.sync(job))
            tool.settle()
            stack.callback(ground.everywhere, 3, tool.clear(job))

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        job = ground.job(tool, "large", ground.hosts(3))
        stir(job.folder / LARGE_FILE, seed=number * 10 + job.port % 10)
        sample = measure(tool.sync(job))
        check_trees(ground.machines(3), tool.tree(job), digest(job.folder))
        return sample


class Status(Case):
    """What every host's project is like; it stands from the case before."""

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        Unchanged("", "", hosts=32).prepare(ground, stack)

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        job = ground.job(tool, "site", ground.hosts(32))
        sample = measure(tool.status(job))
        told = sample.output.count("healthy")
        if told < len(job.hosts):
            raise NotReachedError("status", f"{len(job.hosts)} hosts said to be healthy", f"{told}")
        return sample


class Install(Case):
    """Docker, on three hosts that have none; new hosts for every run."""

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        self._bare = BareHosts(ground.room / "bare", 3 * len(ground.tools))
        stack.callback(self._bare.close)

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        machines, endpoints, access = self._bare.take(3)
        sample = measure(tool.install(endpoints, access))
        for machine in machines:
            status, said = machine.exec("docker info >/dev/null && docker compose version && docker buildx version")
            if status:
                raise NotReachedError(machine.name, "Docker runs, with compose and buildx", said)
        return sample


class OneCommand(Case):
    """A command that leaves one more file behind each time that it runs; memory is watched."""

    def __init__(self, key: str, title: str, *, endpoints: int) -> None:
        super().__init__(key, title)
        self._count = endpoints

    def prepare(self, ground: Ground, stack: ExitStack) -> None:
        ground.endpoints(self._count)

    def run(self, ground: Ground, tool: Tool, number: int) -> Sample:
        endpoints = ground.endpoints(self._count)
        token = f"bench-{tool.name}-{self._count}-{number}"
        argv = ["mktemp", f"/var/tmp/{token}.XXXXXX"]
        sample = measure(tool.command(endpoints, ground.access(endpoints), argv), watch=True)
        machines = min(self._count, 32)
        found = sum(int(one) for one in ground.everywhere(machines, f"ls /var/tmp | grep -c '^{token}' || true"))
        if found != self._count:
            raise NotReachedError("all", f"{self._count} commands run", f"{found}")
        return sample


def reach_version(tool: Tool, job: Job, version: str) -> None:
    """Deploy without a clock, unless all hosts serve that version already."""
    try:
        await_version(job.hosts, job.port, version, patience=0)
    except NotReachedError:
        measure(tool.deploy(job))
        tool.settle()
        await_version(job.hosts, job.port, version)


def brought(command: Callable[[Job], Command], job: Job, version: str) -> Sample:
    """Run what brings a version; the time until all hosts serve it, be the command at its end or not."""
    prepared = command(job)
    with until_served(job.hosts, job.port, version) as served:
        start = time.perf_counter()
        sample = measure(prepared)
        return replace(sample, seconds=served() - start)
