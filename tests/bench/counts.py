"""Counted, not timed: connections, channels, bytes and turns of the line per host.

A proxy in front of each sshd counts what goes over the wire, for every tool alike; the hosts' sshds say how many
sessions they were asked for. What deployer counts itself must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.cases import reach_version
from bench.errors import BenchError
from bench.ground import Ground
from bench.link import Counts, Links, links
from bench.measuring import Command, Sample, measure
from bench.project import set_version
from bench.state import await_version
from bench.tools.tool import Job, Tool

HOSTS = 3
GOODBYE = 512  # bytes that a host may still send to somebody who has left
_SESSIONS = "journalctl --no-pager --quiet --boot --output cat _COMM=sshd-session _COMM=sshd"
SESSIONS = f"journalctl --sync; {_SESSIONS} | grep -c 'Starting session' || true"

CommandOf = Callable[[Job], Command]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one host's link saw in one run: of several hosts the one with the most bytes."""

    connections: int
    sessions: int  # commands and subsystems that sshd started
    bytes_out: int
    bytes_in: int
    turns: int


def count_all(ground: Ground, tools: Sequence[str], say: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Case -> tool -> Cost; `rsync -az` alone is a tool too, where one file has changed."""
    found: dict[str, dict[str, Any]] = {"unchanged": {}, "changed": {}, "back": {}}
    with links(ground.hosts(HOSTS)) as line:
        for tool in map(ground.tool, tools):
            say(f"counting: {tool.title}")
            found["unchanged"][tool.name] = asdict(_unchanged(ground, line, tool))
            found["changed"][tool.name] = asdict(_changed(ground, line, tool))
            found["back"][tool.name] = asdict(_back(ground, line, tool))
        found["changed"]["rsync"] = asdict(_rsync(ground, line))
    return found


def _unchanged(ground: Ground, line: Links, tool: Tool) -> Cost:
    set_version(ground.folder("site"), "unchanged")
    reach_version(tool, ground.job(tool, "site", ground.hosts(HOSTS)), "unchanged")
    return _count(ground, line, tool, tool.deploy, ground.job(tool, "site", line.endpoints), "unchanged")


def _changed(ground: Ground, line: Links, tool: Tool) -> Cost:
    near, far = (ground.job(tool, "big", hosts) for hosts in (ground.hosts(HOSTS), line.endpoints))
    set_version(ground.folder("big"), "counted-0")
    reach_version(tool, _again(ground, near), "counted-0")
    set_version(ground.folder("big"), "counted-1")
    return _count(ground, line, tool, tool.deploy, _again(ground, far), "counted-1")


def _back(ground: Ground, line: Links, tool: Tool) -> Cost:
    """From counted-1 to counted-2, and back."""
    near, far = (ground.job(tool, "big", hosts) for hosts in (ground.hosts(HOSTS), line.endpoints))
    release = ground.everywhere(1, tool.released(near))[0]
    set_version(ground.folder("big"), "counted-2")
    reach_version(tool, _again(ground, near), "counted-2")
    set_version(ground.folder("big"), "counted-1")
    return _count(ground, line, tool, lambda job: tool.go_back(job, release), _again(ground, far), "counted-1")


def _rsync(ground: Ground, line: Links) -> Cost:
    """The shell script's rsync alone, of the same change."""
    tool = ground.tool("shell")
    set_version(ground.folder("big"), "counted-3")
    return _count(ground, line, tool, tool.sync, ground.job(tool, "big", line.endpoints), "counted-1")


def _again(ground: Ground, job: Job) -> Job:
    """The job, after others had the files that say how to log in."""
    return replace(job, access=ground.access(job.hosts))


def _count(ground: Ground, line: Links, tool: Tool, command: CommandOf, job: Job, version: str) -> Cost:
    for name in line.counts:
        line.counts[name].__dict__.update(Counts().__dict__)
    before = _sessions(ground)
    sample = measure(_counting(command(job)) if tool.name == "deployer" else command(job))
    await_version(job.hosts, job.port, version)
    counts = [replace(one) for one in line.counts.values()]
    tool.settle()
    sessions = max(after - early for after, early in zip(_sessions(ground), before, strict=True))
    if tool.name == "deployer":
        compare(sample, dict(zip(line.counts, counts, strict=True)))
    most = max(counts, key=lambda one: one.bytes_out + one.bytes_in)
    return Cost(
        connections=max(one.connections for one in counts), sessions=sessions,
        bytes_out=most.bytes_out, bytes_in=most.bytes_in, turns=max(one.turns for one in counts),
    )  # fmt: skip


def _sessions(ground: Ground) -> Sequence[int]:
    return [int(one) for one in ground.everywhere(HOSTS, SESSIONS)]


def _counting(command: Command) -> Command:
    return replace(command, argv=[*command.argv, "--output=json"])


def compare(sample: Sample, seen: dict[str, Counts]) -> None:
    """Raise BenchError if deployer's own counts are not those of the line, but for what came after it had hung up."""
    lines = [line for line in sample.output.splitlines() if line.startswith('{"event": "RunFinished"')]
    outcomes = json.loads(lines[-1])["report"]["outcomes"]
    for outcome in outcomes:
        told, line = outcome["traffic"], seen[outcome["host"]]
        same = all(told[name] == getattr(line, name) for name in ("connections", "bytes_out"))
        if not (same and 0 <= line.bytes_in - told["bytes_in"] <= GOODBYE):
            raise BenchError(f"{outcome['host']}: deployer counts {told}, the line {line}")
