"""A lane: one standing shop on the shared hosts, on which one case of chaos comes after the other."""

from __future__ import annotations

import itertools
import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from command_run import COMMAND, CommandRun, surroundings
from seen import Seen, look, shown, wait_for_rest
from stage import NAMES, WEB, Fleet
from story import Project, shop_on
from waiting import eventually

from deployer.errors import ExitCode

INJECT = Path(__file__).parent / "inject"
CONFIRM = 12  # seconds after which a switch that nobody confirms undoes itself
LEASE = 8  # seconds for which a lease is good
SLACK = 5.0  # seconds that a watchdog may be late
MENDING = 60.0  # seconds that the old release may need to be healthy again, on a loaded machine
LOCK_WAIT = ("--lock-wait", "40")


@dataclass
class Lane:
    """A project, and the page that each of its releases shows."""

    project: Project
    pages: dict[str, str] = field(default_factory=dict)
    counter: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def log(self) -> Path:
        return self.project.room / "exchanges.log"

    def new_page(self) -> str:
        """The project is changed: what it will show."""
        text = f"page {next(self.counter)} {secrets.token_hex(2)}"
        self.project.write("www/index.html", f"{text}\n")
        return text

    def deployed(self) -> str:
        """A plain deployment of a new page, which must succeed."""
        page = self.new_page()
        release = self.project.deployed()
        self.pages[release] = page
        return release

    def killed(self, at: int, when: str, *verb: str) -> tuple[str, float]:
        """Deploy, and be killed at an exchange; what it was about, and when that was (monotonic)."""
        run = self.injected({"CHAOS_KILL_AT": str(at), "CHAOS_WHEN": when}, *verb)
        assert run.code == -9, f"it was not killed at exchange {at}\n{run}"
        line = next(line for line in self.log.read_text().splitlines() if line.startswith(f"{at} "))
        return line.partition(" ")[2], time.monotonic()

    def exchanges(self) -> list[str]:
        """A deployment that is not killed: the line of each of its exchanges."""
        page = self.new_page()
        self.injected({}).exits(ExitCode.OK)
        self.pages[self.project.release()] = page
        return self.log.read_text().splitlines()

    def injected(self, env: Mapping[str, str], *verb: str) -> CommandRun:
        self.log.write_text("")
        import os

        path = f"{INJECT}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")
        return self.project.command(*(verb or ("lab",)), env={**env, "CHAOS_LOG": str(self.log), "PYTHONPATH": path})

    def background(self, *args: str) -> subprocess.Popen[str]:
        """`deploy ARGS`, started; its output is at the end of both pipes."""
        self.project.write_inventory()
        return subprocess.Popen(
            [str(COMMAND), *args], cwd=self.project.room, env=surroundings(self.project.room), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    # what must hold

    def at_rest(self) -> dict[str, Seen]:
        """Wait until the watchdogs have done what they have to."""
        return wait_for_rest(self.project, within=CONFIRM + SLACK + MENDING)[0]

    def sound(self, *, release: str | None = None, but: tuple[str, ...] = ()) -> dict[str, Seen]:
        """Every host is on one release and healthy, shows its page, has its data; nothing of a run is left."""
        seen = wait_for_rest(self.project, within=MENDING)[0]
        current = {one.current for name, one in seen.items() if name not in but}
        assert len(current) == 1, f"hosts differ:\n{shown(seen)}"
        found = current.pop()
        assert release in (None, found), f"not on {release}:\n{shown(seen)}"
        assert {seen[name].page for name in WEB if name not in but} == {self.pages[found]}, shown(seen)
        assert self.project.rows("SELECT word FROM keepsake") == ["precious"]
        eventually(lambda: not any(one.locked for one in look(self.project).values()), within=LEASE + 2, every=1)
        return seen

    def clean(self) -> None:
        """After a deployment that went well: no folder of a broken transfer, no open rollout."""
        for name, seen in look(self.project).items():
            assert not seen.tmp, (name, seen.tmp)
            assert not {"rollout", "phase", "undo", "armed", "fired", "confirmed"} & set(seen.files), (name, seen.files)


def open_lane(fleet: Fleet, room: Path) -> Lane:
    """A shop with a row in its database, deployed once, with short times."""
    project = shop_on(fleet, f"chaos-{secrets.token_hex(2)}", room)
    project.variables |= {"confirm_timeout": CONFIRM, "lock_ttl": LEASE}
    lane = Lane(project)
    lane.deployed()
    project.rows("CREATE TABLE keepsake (word text); INSERT INTO keepsake VALUES ('precious')")
    assert set(lane.project.current()) == set(NAMES)
    return lane
