"""Ansible at its best: pipelining, a fork for every host, no gathering of facts, rsync for the files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from bench.hosts import USER, Access, Endpoint
from bench.measuring import Command
from bench.tools.tool import DOCKER, Job, Tool


class AnsibleTool(Tool):
    """ansible-playbook with community.docker and ansible.posix."""

    name = "ansible"
    title = "Ansible"

    def __init__(self, room: Path, programs: Path) -> None:
        super().__init__(room)
        self._programs = programs

    def versions(self) -> str:
        core = subprocess.run([self._programs / "ansible", "--version"], capture_output=True, text=True, check=True)
        done = subprocess.run(
            [self._programs / "ansible-galaxy", "collection", "list", "community.docker", "--format", "json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = next(iter(json.loads(done.stdout).values()))["community.docker"]["version"]
        return f"{core.stdout.split(']')[0].replace(' [', '-').removeprefix('ansible-')}, community.docker {found}"

    def deploy(self, job: Job) -> Command:
        up = {
            "community.docker.docker_compose_v2": {
                "project_src": self.tree(job), "project_name": job.name, "build": "always", "wait": True,
            },
            "environment": {"BENCH_PORT": str(job.port)},
        }  # fmt: skip
        return self._playbook(job.hosts, job.access, [_docker(), _started(), self._synchronize(job), up])

    def sync(self, job: Job) -> Command:
        return self._playbook(job.hosts, job.access, [self._synchronize(job)])

    def status(self, job: Job) -> Command:
        return self._ad_hoc(job.hosts, job.access, f"docker compose -p {job.name} ps")

    def install(self, hosts: Sequence[Endpoint], access: Access) -> Command:
        return self._playbook(hosts, access, [_docker(update=True), _started()])

    def command(self, hosts: Sequence[Endpoint], access: Access, argv: Sequence[str]) -> Command:
        return self._playbook(hosts, access, [{"ansible.builtin.command": {"argv": list(argv)}}], become=False)

    def settle(self) -> None:
        for socket in self._sockets.glob("*"):
            with suppress(OSError):
                stop = ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "bench"]
                subprocess.run(stop, capture_output=True, check=False)

    @property
    def _sockets(self) -> Path:
        return self.room / "cp"

    def _synchronize(self, job: Job) -> dict[str, Any]:
        options = {"src": f"{job.folder}/", "dest": f"{self.tree(job)}/", "delete": True, "use_ssh_args": True}
        return {"ansible.posix.synchronize": options}

    def _playbook(
        self, hosts: Sequence[Endpoint], access: Access, tasks: Sequence[Mapping[str, Any]], *, become: bool = True
    ) -> Command:
        play = {"hosts": "all", "gather_facts": False, "become": become, "tasks": list(tasks)}
        (self.room / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        return self._start("ansible-playbook", hosts, access, "play.yml")

    def _ad_hoc(self, hosts: Sequence[Endpoint], access: Access, command: str) -> Command:
        return self._start("ansible", hosts, access, "all", "--become", "-m", "command", "-a", command)

    def _start(self, program: str, hosts: Sequence[Endpoint], access: Access, *args: str) -> Command:
        self._write_inventory(hosts, access)
        self._sockets.mkdir(exist_ok=True)
        argv = [str(self._programs / program), "-i", "hosts.yml", "-f", str(len(hosts)), *args]
        return Command(argv=argv, folder=self.room, env=self._environment(access))

    def _write_inventory(self, hosts: Sequence[Endpoint], access: Access) -> None:
        every = {
            "ansible_user": USER,
            "ansible_ssh_private_key_file": str(access.key),
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        names = {host.name: {"ansible_host": host.address, "ansible_port": host.port} for host in hosts}
        (self.room / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": every, "hosts": names}}))

    def _environment(self, access: Access) -> dict[str, str]:
        known = f"-o UserKnownHostsFile={access.known_hosts} -o GlobalKnownHostsFile=/dev/null"
        return {
            "HOME": str(self.room),
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._sockets),
            "ANSIBLE_SSH_ARGS": f"-F /dev/null -C -o ControlMaster=auto -o ControlPersist=60s {known}",
        }


def _docker(*, update: bool = False) -> dict[str, Any]:
    packages = {"name": list(DOCKER), "state": "present", "install_recommends": False, "update_cache": update}
    return {"ansible.builtin.apt": packages}


def _started() -> dict[str, Any]:
    return {"ansible.builtin.systemd_service": {"name": "docker", "state": "started", "enabled": True}}
