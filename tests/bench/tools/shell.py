"""The script that most would write: ssh and rsync for each host, side by side. Nothing in it asks twice."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from bench.hosts import Access, Endpoint
from bench.measuring import Command
from bench.tools.tool import DOCKER, Job, Tool

INSTALL = (
    "command -v docker >/dev/null || { sudo apt-get update -qq && "
    f"sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends {' '.join(DOCKER)}; }}"
)
SCRIPT = """\
#!/bin/bash
set -eu
on_host() {{
  {body}
}}
pids=
for host in {hosts}; do on_host "$host" & pids="$pids $!"; done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
exit $failed
"""


class ShellTool(Tool):
    """Bash, the OpenSSH client, rsync -az."""

    name = "shell"
    title = "shell script"

    def versions(self) -> str:
        ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.split(",")[0]
        rsync = subprocess.run(["rsync", "--version"], capture_output=True, text=True, check=True).stdout.split()
        return f"{ssh.strip()}, rsync {rsync[2]}"

    def deploy(self, job: Job) -> Command:
        compose = f"sudo env BENCH_PORT={job.port} docker compose -p {job.name} up -d --build --wait --quiet-pull"
        remote = f"{{ {INSTALL}; }} && cd {job.name} && {compose}"
        return self._script(job.hosts, job.access, [self._rsync(job), self._ssh(job.access, remote)])

    def sync(self, job: Job) -> Command:
        return self._script(job.hosts, job.access, [self._rsync(job)])

    def tree(self, job: Job) -> str:
        return f"/home/deploy/{job.name}"

    def status(self, job: Job) -> Command:
        return self._script(job.hosts, job.access, [self._ssh(job.access, f"sudo docker compose -p {job.name} ps")])

    def install(self, hosts: Sequence[Endpoint], access: Access) -> Command:
        return self._script(hosts, access, [self._ssh(access, INSTALL)])

    def command(self, hosts: Sequence[Endpoint], access: Access, argv: Sequence[str]) -> Command:
        return self._script(hosts, access, [self._ssh(access, shlex.join(argv))])

    def _rsync(self, job: Job) -> str:
        return f'rsync -az --delete -e "ssh -F {job.access.config}" {job.folder}/ "$1:{job.name}/"'

    def _ssh(self, access: Access, remote: str) -> str:
        return f'ssh -F {access.config} "$1" {shlex.quote(remote)}'

    def _script(self, hosts: Sequence[Endpoint], access: Access, steps: Sequence[str]) -> Command:
        script = self.room / "deploy.sh"
        script.write_text(SCRIPT.format(body=" && ".join(steps), hosts=" ".join(host.name for host in hosts)))
        return Command(argv=["bash", str(script)], folder=self.room)
