"""This project's own command. What the others have not is off: no canary, no bake time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.hosts import USER, Access, Endpoint
from bench.measuring import Command
from bench.tools.tool import Job, Tool

SYNC = """\
- hosts: all
  become: true
  tasks:
    - project_sync:
        source: "{{ deploy_source }}"
        release: "{{ release }}"
        tree: "{{ release_tree }}"
        env: "{{ release_env }}"
"""
INSTALL = """\
- hosts: all
  become: true
  tasks:
    - docker_engine:
"""


class DeployerTool(Tool):
    """`deploy`, as it was built from this checkout."""

    name = "deployer"
    title = "deployer"

    def __init__(self, room: Path, programs: Path, docker_daemon: Mapping[str, Any]) -> None:
        super().__init__(room)
        self.program = programs / "deploy"
        self._daemon = docker_daemon

    def versions(self) -> str:
        from deployer import __version__

        return f"deployer {__version__}"

    def deploy(self, job: Job, *options: str) -> Command:
        return self._on(job, "run", "bench", *options)

    def sync(self, job: Job) -> Command:
        return self._playbook(job, SYNC)

    def tree(self, job: Job) -> str:
        return f'"$(ls -d /srv/{job.name}/releases/[0-9]* | tail -n 1)/project"'

    def clear(self, job: Job) -> str:
        return f"rm -rf /srv/{job.name}"

    def go_back(self, job: Job, release: str) -> Command:
        return self._on(job, "rollback", "bench", "--to", release)

    def released(self, job: Job) -> str:
        return f"basename $(readlink /srv/{job.name}/current)"

    def status(self, job: Job) -> Command:
        return self._on(job, "status", "bench")

    def provision(self, job: Job) -> Command:
        """Docker with the lab's registry in its settings, for all tools alike."""
        return self._on(job, "provision", "bench")

    def install(self, hosts: Sequence[Endpoint], access: Access) -> Command:
        self._write_inventory(hosts, access, {})
        return self.play(INSTALL, len(hosts))

    def command(self, hosts: Sequence[Endpoint], access: Access, argv: Sequence[str]) -> Command:
        self._write_inventory(hosts, access, {})
        play = [{"hosts": "all", "tasks": [{"command": {"argv": list(argv)}}]}]
        return self.play(yaml.safe_dump(play), len(hosts))

    def play(self, playbook: str, forks: int) -> Command:
        """A playbook on the hosts of the inventory that was written last."""
        (self.room / "play.yml").write_text(playbook)
        return self._start(forks, "run", "bench", "--playbook", "play.yml")

    def _playbook(self, job: Job, playbook: str) -> Command:
        (self.room / "play.yml").write_text(playbook)
        return self._on(job, "run", "bench", "--playbook", "play.yml")

    def _on(self, job: Job, *args: str) -> Command:
        project = {
            "deploy_source": str(job.folder),
            "deploy_project": job.name,
            "deploy_env": {"BENCH_PORT": str(job.port)},
            "deploy_allow": ["project-renamed"],  # the other tools' projects look like it
            "docker_daemon": dict(self._daemon),
            "gate_bake": 0,
            "rollout_serial": "100%",
            "keep_releases": 2,
        }
        self._write_inventory(job.hosts, job.access, project)
        return self._start(len(job.hosts), *args)

    def _write_inventory(self, hosts: Sequence[Endpoint], access: Access, variables: Mapping[str, Any]) -> None:
        every = {
            "ansible_user": USER,
            "ansible_ssh_private_key_file": str(access.key),
            "deploy_known_hosts": str(access.known_hosts),
            **variables,
        }
        names = {host.name: {"ansible_host": host.address, "ansible_port": host.port} for host in hosts}
        (self.room / "inventories").mkdir(exist_ok=True)
        inventory = {"all": {"vars": every, "hosts": names}}
        (self.room / "inventories" / "bench.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))

    def _start(self, forks: int, verb: str, *args: str) -> Command:
        argv = [str(self.program), verb, *args, "--forks", str(forks)]
        return Command(argv=argv, folder=self.room, env={"HOME": str(self.room)})
