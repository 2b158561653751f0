"""One run of a command as a process of its own: how long, how much CPU, how much memory with all its children."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError

LIMIT = 600.0  # seconds after which a run is taken for hung
LAST = 4_000  # characters of output that a failure shows


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to start, where, and with which variables beside this process's own."""

    argv: Sequence[str]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one run cost; `seconds` may go on after the command, until the hosts were where they should be."""

    seconds: float
    cpu: float = 0.0  # seconds of user and system time, children included
    peak: int | None = None  # bytes, the sum over all of its processes; None: not asked for
    output: str = field(default="", repr=False)


def measure(command: Command, *, watch: bool = False) -> Sample:
    """Run a command to its end; raises BenchError with the last of what it said if it fails. `watch` its memory."""
    log = command.folder / "last.log"
    start = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command.argv), cwd=command.folder, env={**os.environ, **command.env},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    killer = threading.Timer(LIMIT, process.kill)
    killer.start()
    with Watch(process.pid, active=watch) as seen:
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    killer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text(errors="replace")
    if process.returncode != 0:
        raise BenchError(f"{' '.join(command.argv)} ended with {process.returncode}\n{said[-LAST:]}")
    cpu = usage.ru_utime + usage.ru_stime  # not ru_maxrss, which begins with what this process has
    return Sample(seconds=seconds, cpu=cpu, peak=seen.peak if watch else None, output=said)


class Watch:
    """Sees the most memory that a process and its descendants had together: pages that they share count once."""

    def __init__(self, pid: int, *, active: bool) -> None:
        self.peak = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True) if active else None

    def __enter__(self) -> Watch:
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            start = time.perf_counter()
            self.peak = max(self.peak, sum(_share(pid) for pid in family(self._pid)))
            pause = min(0.5, max(0.02, 4 * (time.perf_counter() - start)))  # many processes are looked at less often


def family(pid: int) -> Iterator[int]:
    """A process and all that it started, as far as they are still its descendants."""
    yield pid
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                for child in children.read_text().split():
                    yield from family(int(child))


def _share(pid: int) -> int:
    """A process's proportional set size, in bytes."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
