"""On which machine, and of what versions, figures are: read, never typed."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.ground import Ground
from bench.results import CHANGED


def describe_machine() -> dict[str, str]:
    """Processor, cores, memory, kernel, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def describe_versions(ground: Ground) -> dict[str, str]:
    """Of every tool, and of what the hosts run."""
    docker = "docker version --format '{{.Server.Version}}'; docker compose version --short"
    ask = f"{docker}; . /etc/os-release; echo $PRETTY_NAME"
    engine, compose, system = ground.everywhere(1, ask)[0].splitlines()
    tools = {tool.title: tool.versions() for tool in ground.tools}
    return {**tools, "hosts": f"{system}, Docker Engine {engine}, Compose {compose}"}


def commit_here(folder: Path) -> str:
    """The commit of a checkout, and whether files differ from it."""
    head = _said("git", "-C", str(folder), "rev-parse", "--short=10", "HEAD")
    changed = _said("git", "-C", str(folder), "status", "--porcelain", "--", "deployer", "playbooks", "tests/bench")
    return f"{head}{CHANGED}" if changed else head


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
