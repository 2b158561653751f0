"""A large inventory costs less here than in Ansible: memory and processor time of both commands, side by side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ansible_runs import Ansible

HOSTS, GROUPS = 1000, 50
DEPLOY = Path(sys.executable).with_name("deploy")

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open("cost", "w").write(f"{used.ru_maxrss} {used.ru_utime + used.ru_stime}")
"""


@dataclass(frozen=True)
class Cost:
    """What a command took, and what it printed."""

    kilobytes: int
    seconds: float  # of processor time
    printed: str


def fleet(path: Path) -> Path:
    """An inventory of many hosts, each with variables of its own, in groups with theirs."""
    lines = ["all:", "  vars: {environment_name: prod, resolvers: [10.0.0.1, 10.0.0.2]}", "  children:"]
    for group in range(GROUPS):
        lines += [f"    group{group:03}:", f"      vars: {{role: r{group}, number: {group}}}", "      hosts:"]
        lines += [
            f"        host{host:05}.example.org: {{ansible_host: 10.0.{host // 256}.{host % 256}, rack: r{host % 40}}}"
            for host in range(group, HOSTS, GROUPS)
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def cost(command: list[str], cwd: Path, env: dict[str, str]) -> Cost:
    """Measured by a small process in between: a child starts with the memory of the one that it was forked from."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], cwd=cwd, env=env, capture_output=True, text=True, check=True
    )
    kilobytes, seconds = (cwd / "cost").read_text().split()
    return Cost(int(kilobytes), float(seconds), done.stdout)


def test_many_hosts_cost_less_than_in_ansible(ansible: Ansible, tmp_path: Path) -> None:
    path = str(fleet(tmp_path / "hosts.yml"))
    env = {**os.environ, "HOME": str(ansible.home), "ANSIBLE_HOME": str(ansible.home)}
    theirs = cost([str(ansible.commands / "ansible-inventory"), "-i", path, "--list"], tmp_path, env)
    mine = cost([str(DEPLOY), "inventory", "-i", path, "--list"], tmp_path, env)
    assert json.loads(mine.printed) == json.loads(theirs.printed)
    assert mine.kilobytes < theirs.kilobytes
    assert mine.seconds < theirs.seconds / 2
