"""What all cases share: the hosts, the projects, the tools, and the jobs that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stage import Fleet, make_fleet

from bench.errors import BenchError
from bench.hosts import Access, Endpoint
from bench.measuring import measure
from bench.project import write_big, write_large, write_project
from bench.tools.ansible import AnsibleTool
from bench.tools.deployer import DeployerTool
from bench.tools.pyinfra import PyinfraTool
from bench.tools.shell import ShellTool
from bench.tools.tool import Job, Tool
from deployer.lab.fleet import HostSpec
from deployer.lab.host import LabHost

FOR_PEERS = ("python3", "python3-apt", "rsync")  # what Ansible and rsync need on a host
MORE_PORTS = 6  # of each host's sshd, beside 22: so 32 hosts are 200 endpoints and more
SSHD = "LogLevel VERBOSE\n" + "".join(f"Port {2201 + number}\n" for number in range(MORE_PORTS))
BASE_PORTS = {"site": 8100, "big": 8200, "large": 8300, "first": 8400}


def name_of(number: int) -> str:
    return f"host{number:02}"


class Ground:
    """Grows as cases ask for more; `close` takes everything away."""

    def __init__(self, room: Path, environments: Path, own_programs: Path, *, large_megabytes: int = 200) -> None:
        self.room = room
        self._large_megabytes = large_megabytes
        self._fleet: Fleet | None = None
        self._keys: dict[str, list[str]] = {}
        self._environments = environments
        self._own_programs = own_programs
        self.tools: tuple[Tool, ...] = ()

    # hosts

    def hosts(self, count: int) -> tuple[Endpoint, ...]:
        """The first hosts of the fleet, which is made as large as that."""
        self._grow(count)
        return tuple(Endpoint(name=host.name, address=host.address) for host in self.machines(count))

    def endpoints(self, count: int) -> tuple[Endpoint, ...]:
        """As many sshds as that, several of them on one host."""
        per_host = MORE_PORTS + 1
        hosts = self.hosts(min(count, 32))
        every = [
            Endpoint(name=f"{host.name}-{port}", address=host.address, port=port)
            for port in (22, *range(2201, 2200 + per_host))
            for host in hosts
        ]
        return tuple(every[:count])

    def machines(self, count: int) -> list[LabHost]:
        assert self._fleet
        return [self._fleet.hosts[name_of(number)] for number in range(1, count + 1)]

    def access(self, endpoints: Sequence[Endpoint]) -> Access:
        """How to log in to these; the files that say so are written anew."""
        assert self._fleet
        room = self.room / "access"
        room.mkdir(exist_ok=True)
        access = Access(self._fleet.key, room)
        access.write(endpoints, self._keys)
        return access

    def _grow(self, count: int) -> None:
        names = [name_of(number) for number in range(1, count + 1)]
        there = self._fleet.names if self._fleet else ()
        new = [name for name in names if name not in there]
        if not new:
            return
        if self._fleet is None:
            self._fleet = make_fleet("bench", self.room / "fleet", docker=True, names=names, packages=FOR_PEERS)
        else:
            self._fleet.lab.up([HostSpec(name=name, docker=True, packages=FOR_PEERS) for name in new])
            self._fleet = Fleet(self._fleet.lab, tuple(names))
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(self._set_up, (self._fleet.hosts[name] for name in new)))
        self.tools = self.tools or self._make_tools(self._fleet)
        self._provision(tuple(Endpoint(name=name, address=self._fleet.hosts[name].address) for name in new))

    def _set_up(self, host: LabHost) -> None:
        host.exec(f"printf %s '{SSHD}' >/etc/ssh/sshd_config.d/20-bench.conf && systemctl restart ssh")
        host.wait_ready()
        self._keys[host.address] = sorted({line.split(" ", 1)[1] for line in host.host_keys()})

    def _make_tools(self, fleet: Fleet) -> tuple[Tool, ...]:
        daemon = fleet.variables()["docker_daemon"]
        assert isinstance(daemon, dict)
        return (
            DeployerTool(self.room / "deployer", self._own_programs, daemon),
            ShellTool(self.room / "shell"),
            PyinfraTool(self.room / "pyinfra", self._environments / "pyinfra" / "bin"),
            AnsibleTool(self.room / "ansible", self._environments / "ansible" / "bin"),
        )

    def _provision(self, hosts: Sequence[Endpoint]) -> None:
        """Let all hosts pull from the lab's registry."""
        measure(self.deployer.provision(self.job(self.deployer, "site", hosts)))

    # tools and their jobs

    @property
    def deployer(self) -> DeployerTool:
        tool = self.tool("deployer")
        assert isinstance(tool, DeployerTool)
        return tool

    def tool(self, name: str) -> Tool:
        return next(tool for tool in self.tools if tool.name == name)

    def folder(self, project: str) -> Path:
        """A project's folder here; it is written when it is first asked for."""
        folder = self.room / "projects" / project
        if not folder.exists():
            if project == "site":
                write_project(folder)
            elif project == "large":
                write_large(folder, self._large_megabytes)
            else:
                write_big(folder)
        return folder

    def job(self, tool: Tool, project: str, hosts: Sequence[Endpoint]) -> Job:
        number = [one.name for one in self.tools].index(tool.name)
        return Job(
            name=f"{project}-{tool.name}",
            folder=self.folder(project),
            port=BASE_PORTS[project] + number,
            hosts=tuple(hosts),
            access=self.access(hosts),
        )

    def everywhere(self, count: int, script: str) -> list[str]:
        """Run shell on the first hosts, as root and without SSH; their outputs. Raises BenchError if one fails."""

        def ask(host: LabHost) -> str:
            status, output = host.exec(script)
            if status:
                raise BenchError(f"{host.name}: {script} ended with {status}: {output}")
            return output.strip()

        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(ask, self.machines(count)))

    def close(self) -> None:
        for tool in self.tools:
            tool.settle()
        if self._fleet:
            self._fleet.lab.down()
