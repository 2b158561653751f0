"""Smaller promises, of deployer alone: how it starts, reads large inventories, and how often it waits for the line."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable

from bench.ground import Ground
from bench.link import links
from bench.measuring import Command, measure
from bench.project import write_project
from bench.tools.tool import Job

SMALL_FILES = 1_000
MORE = 20  # command tasks
ROUND_TRIP = 0.05  # seconds


def measure_extras(ground: Ground, runs: int, say: Callable[[str], None]) -> dict[str, float]:
    """Name -> seconds or round trips."""
    say("start-up, inventories, round trips")
    return {
        "start": _start(ground, runs),
        "inventory 1000": _inventory(ground, 1_000, runs),
        "inventory 10000": _inventory(ground, 10_000, runs),
        "one more command": _one_more_command(ground),
        "small files": _small_files(ground, runs),
    }


def _start(ground: Ground, runs: int) -> float:
    """What `deploy --version` takes longer than Python does to do nothing."""
    version, nothing = [str(ground.deployer.program), "--version"], [sys.executable, "-c", "pass"]
    return _median(ground, version, 3 * runs) - _median(ground, nothing, 3 * runs)


def _inventory(ground: Ground, hosts: int, runs: int) -> float:
    path = ground.room / f"inventory-{hosts}.yml"
    lines = (f"web{number:05}: {{ansible_host: 10.0.{number // 250}.{number % 250}}}" for number in range(hosts))
    names = "".join(f"        {line}\n" for line in lines)
    path.write_text(f"all:\n  vars:\n    ansible_user: deploy\n  children:\n    web:\n      hosts:\n{names}")
    return _median(ground, [str(ground.deployer.program), "inventory", "-i", str(path), "--graph"], runs)


def _median(ground: Ground, argv: list[str], runs: int) -> float:
    return statistics.median(measure(Command(argv=argv, folder=ground.room)).seconds for _ in range(runs))


def _one_more_command(ground: Ground) -> float:
    """How many turns of the line each of many more command tasks costs."""
    deployer = ground.deployer
    with links(ground.hosts(1)) as line:
        turns = []
        for tasks in (1, 1 + MORE):
            deployer.command(line.endpoints, ground.access(line.endpoints), ["true"])  # writes the inventory
            before = next(iter(line.counts.values())).turns
            measure(deployer.play("- hosts: all\n  tasks:\n" + "    - command: uptime\n" * tasks, 1))
            turns.append(next(iter(line.counts.values())).turns - before)
    return (turns[1] - turns[0]) / MORE


def _small_files(ground: Ground, runs: int) -> float:
    """Round trips of a first sync of 1,000 files, beside those of a run that has nothing to sync."""
    folder = ground.room / "projects" / "small"
    if not folder.exists():
        write_project(folder, modules=SMALL_FILES, module_size=500)
    waits = {}
    for round_trip in (0.0, ROUND_TRIP):
        with links(ground.hosts(1), round_trip) as line:
            near = ground.job(ground.deployer, "site", line.endpoints)
            job = Job(name="small", folder=folder, port=8500, hosts=line.endpoints, access=near.access)
            waits[round_trip] = statistics.median(_first_and_again(ground, job) for _ in range(runs))
    return (waits[ROUND_TRIP] - waits[0.0]) / ROUND_TRIP


def _first_and_again(ground: Ground, job: Job) -> float:
    deployer = ground.deployer
    ground.everywhere(1, deployer.clear(job))
    first = measure(deployer.sync(job)).seconds
    return first - measure(deployer.sync(job)).seconds
