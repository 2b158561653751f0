"""Ansible's commands, run as a person would run them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 300.0  # seconds


@dataclass(frozen=True)
class Ansible:
    """The commands of one installation; `home` is an empty folder in place of a user's."""

    commands: Path
    home: Path

    def run(self, name: str, *args: str, cwd: Path, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """`ansible-playbook`, `ansible-inventory` …, as text; never raises for a failure of the command."""
        return subprocess.run(
            [str(self.commands / name), *args],
            cwd=cwd, input=stdin, capture_output=True, text=True, timeout=TIMEOUT, check=False,
            env={**_plain(), "HOME": str(self.home), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(self.home), **env},
        )  # fmt: skip

    def json(self, name: str, *args: str, cwd: Path) -> Any:
        """What a command prints as JSON; AssertionError with its words if it fails."""
        done = self.run(name, *args, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def _plain() -> dict[str, str]:
    """This process's environment without what would change Ansible's mind."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
