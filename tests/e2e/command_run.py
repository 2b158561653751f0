"""One run of the real `deploy`: as a process of its own, without a terminal, away from a person's own settings."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deployer.errors import ExitCode

COMMAND = Path(sys.executable).parent / "deploy"
TIMEOUT = 300.0  # seconds for one command


@dataclass(frozen=True, kw_only=True)
class CommandRun:
    """One run of the real command."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    seconds: float

    def exits(self, code: ExitCode) -> CommandRun:
        """Itself, if that is how it ended; else AssertionError with all that it said."""
        assert self.code == code, f"expected {int(code)} ({code.meaning})\n{self}"
        return self

    @cached_property
    def events(self) -> tuple[dict[str, Any], ...]:
        """With --output=json: every event, in order."""
        return tuple(json.loads(line) for line in self.stdout.splitlines())

    def of(self, kind: str) -> tuple[dict[str, Any], ...]:
        """With --output=json: the events of one kind."""
        return tuple(event for event in self.events if event["event"] == kind)

    @property
    def actions(self) -> tuple[dict[str, Any], ...]:
        """With --output=json: the actions that were performed, or announced by --check."""
        return self.of("ActionStarted")

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = self.of("RunFinished")[-1]["report"]
        return report

    @property
    def traffic(self) -> dict[str, dict[str, int]]:
        """With --output=json: host -> what its connections have cost."""
        return {outcome["host"]: outcome["traffic"] for outcome in self.report["outcomes"]}

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def __str__(self) -> str:
        head = f"$ {shlex.join(self.argv)}   # ended with {self.code} after {self.seconds:.1f} s"
        return f"{head}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def run_command(
    args: tuple[str, ...], room: Path, *, env: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> CommandRun:
    """Run the real `deploy`, without a terminal, in a folder, with an empty home."""
    start = time.monotonic()
    done = subprocess.run(
        [str(COMMAND), *args], cwd=room, env={**surroundings(room), **(env or {})}, timeout=timeout,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return CommandRun(
        argv=("deploy", *args), code=done.returncode, stdout=done.stdout, stderr=done.stderr,
        seconds=time.monotonic() - start,
    )  # fmt: skip


def surroundings(room: Path) -> dict[str, str]:
    """The environment of every command: this one, with a home that is empty at first, and no agent."""
    home = room / "home"
    home.mkdir(exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if name not in ("SSH_AUTH_SOCK", "ANSIBLE_CONFIG")}
    return {**clean, "HOME": str(home)}
