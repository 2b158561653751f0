"""pyinfra with its own operations; rsync for the files, and a command for compose, which it has no operation for."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.hosts import USER, Access, Endpoint
from bench.measuring import Command
from bench.tools.tool import DOCKER, Job, Tool

IMPORTS = "from pyinfra.operations import apt, files, server, systemd\n"
STARTED = 'systemd.service(service="docker", running=True, enabled=True, _sudo=True)\n'


class PyinfraTool(Tool):
    """The pyinfra command with a deploy file and an inventory file."""

    name = "pyinfra"
    title = "pyinfra"

    def __init__(self, room: Path, programs: Path) -> None:
        super().__init__(room)
        self._program = programs / "pyinfra"

    def versions(self) -> str:
        said = subprocess.run([self._program, "--version"], capture_output=True, text=True, check=True)
        return said.stdout.strip().replace("pyinfra: v", "pyinfra ")

    def deploy(self, job: Job) -> Command:
        compose = f"BENCH_PORT={job.port} docker compose -p {job.name} up -d --build --wait"
        up = f"server.shell(commands=[{f'cd {self.tree(job)} && {compose}'!r}], _sudo=True)\n"
        return self._deploy_file(job.hosts, job.access, _docker() + STARTED + self._rsync(job) + up)

    def sync(self, job: Job) -> Command:
        return self._deploy_file(job.hosts, job.access, self._rsync(job))

    def status(self, job: Job) -> Command:
        return self._start(job.hosts, job.access, "exec", "--sudo", "--", f"docker compose -p {job.name} ps")

    def install(self, hosts: Sequence[Endpoint], access: Access) -> Command:
        return self._deploy_file(hosts, access, _docker(update=True) + STARTED)

    def command(self, hosts: Sequence[Endpoint], access: Access, argv: Sequence[str]) -> Command:
        return self._start(hosts, access, "exec", "--", *argv)

    def _rsync(self, job: Job) -> str:
        return (
            f'files.rsync(src={f"{job.folder}/"!r}, dest="{self.tree(job)}/", flags=["-az", "--delete"], _sudo=True)\n'
        )

    def _deploy_file(self, hosts: Sequence[Endpoint], access: Access, text: str) -> Command:
        (self.room / "deploy.py").write_text(IMPORTS + text)
        return self._start(hosts, access, "deploy.py")

    def _start(self, hosts: Sequence[Endpoint], access: Access, *args: str) -> Command:
        common = {
            "ssh_user": USER,
            "ssh_key": str(access.key),
            "ssh_config_file": str(access.config),
            "ssh_known_hosts_file": str(access.known_hosts),
            "ssh_strict_host_key_checking": "yes",
        }
        every = [(host.name, {**common, "ssh_hostname": host.address, "ssh_port": host.port}) for host in hosts]
        (self.room / "inventory.py").write_text(f"hosts = {every!r}\n")
        argv = [str(self._program), "--yes", "inventory.py", *args]
        return Command(argv=argv, folder=self.room, env={"HOME": str(self.room)})


def _docker(*, update: bool = False) -> str:
    options = f"no_recommends=True, update={update}, _sudo=True"
    return f"apt.packages(packages={list(DOCKER)!r}, {options})\n"
