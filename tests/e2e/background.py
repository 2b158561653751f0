"""The real command in the background, for stories in which something happens to it or to its hosts meanwhile."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from command_run import COMMAND, surroundings
from story import Project
from waiting import eventually

from deployer.errors import ExitCode

PATIENCE = 180.0  # seconds until a command has ended


@dataclass(frozen=True)
class Background:
    """One running `deploy`."""

    process: subprocess.Popen[bytes]
    log: Path

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def ended(self) -> int:
        """Its exit status, once it has one."""
        return self.process.wait(PATIENCE)

    def exits(self, code: ExitCode) -> Background:
        """Itself, once it has ended that way; else AssertionError with all that it said."""
        ended = self.process.wait(PATIENCE)
        assert ended == code, f"expected {int(code)} ({code.meaning}), it ended with {ended}\n{self.output}"
        return self


@contextmanager
def running(
    project: Project, *args: str, env: Mapping[str, str] | None = None, verb: str = "run"
) -> Iterator[Background]:
    """`deploy VERB lab ARGS`, started; it is killed if it still runs at the end."""
    project.write_inventory()
    log = project.room / "background.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(COMMAND), verb, "lab", *args], cwd=project.room, env={**surroundings(project.room), **(env or {})},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield Background(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def until_switched(project: Project, host: str, old: str) -> None:
    """Wait until a host's web container is a healthy one of another release than `old`."""

    def is_new() -> bool:
        web = [one for one in project.containers(host) if one.service == "web"]
        return bool(web) and not web[0].image.endswith(old.lower()) and web[0].health == "healthy"

    eventually(is_new, within=PATIENCE, what=f"{host} is on a new release")
