"""A lane: one standing shop on shared hosts, on which one case of chaos comes after the other."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from background import PATIENCE, Background, running
from command_run import CommandRun
from polls import Polls
from seen import Seen, look, peek, shown, wait_for_rest
from stage import Fleet
from story import Project, shop_on
from table import ALL, TABLE
from waiting import eventually

from deployer.errors import ExitCode

INJECT = Path(__file__).parent / "inject"
CONFIRM = 12 if ALL else 30  # seconds after which a switch that nobody confirms undoes itself
LEASE = 8 if ALL else 20  # seconds for which a lease is good; longer where other tests take the machine's time
SLACK = 5.0  # seconds that a watchdog may be late
MENDING = 60.0  # seconds that the old release may need to be healthy again, on a loaded machine
LOCK_WAIT = ("--lock-wait", "60")
PORTS = itertools.count(18100)


@dataclass(frozen=True)
class Moment:
    """A point in a rollout: an exchange with a host, told by who asks for it and how."""

    name: str
    at: str
    since: str = ""  # the first such exchange after this one; after several, with `|` between them
    hold: bool = True  # the deployer waits there until it is let go

    def __str__(self) -> str:
        return self.name


BEFORE = Moment("before its switch", "guard.arm run")
DURING = Moment("during its switch", "apply._steps run", since="guard.arm run", hold=False)
AFTER = Moment("while it proves itself", "gate.watch probe", since="guard.arm run")
CONFIRMING = Moment("when it is confirmed", "guard.make_ready run")


@dataclass
class Held:
    """A deployment that has come to a moment; `go` lets it pass."""

    deploy: Background
    sign: Path

    def go(self) -> None:
        Path(f"{self.sign}.go").touch()


@dataclass
class Lane:
    """A project, and the page that each of its releases shows."""

    project: Project
    port: int
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
        self.project.deploy(*LOCK_WAIT).exits(ExitCode.OK)
        release = self.project.release()
        self.pages[release] = page
        return release

    @contextmanager
    def new_release(self) -> Iterator[str]:
        """The page of whatever release is made inside."""
        known = {release for name in self.project.fleet.names for release in self.project.releases(name)}
        page = self.new_page()
        yield page
        for name in self.project.fleet.names:
            for release in set(self.project.releases(name)) - known:
                self.pages.setdefault(release, page)

    def killed(self, at: int, when: str) -> tuple[str, str, float]:
        """Deploy, and be killed at an exchange: the release before, what it was about, and when that was (monotonic).

        Not every deployment has as many: one that has ended before is followed by another, killed at its last one.
        """
        while True:
            old = self.project.release()
            with self.new_release():
                run = self.injected({"CHAOS_KILL_AT": str(at), "CHAOS_WHEN": when})
            lines = self.log.read_text().splitlines()
            if run.code != ExitCode.OK or len(lines) >= at:
                break
            at = len(lines)
        assert run.code == -9, f"it was not killed at exchange {at}\n{run}"
        line = next(line for line in lines if line.startswith(f"{at} "))
        return old, line.partition(" ")[2], time.monotonic()

    def exchanges(self) -> list[str]:
        """A deployment that is not killed: the line of each of its exchanges."""
        with self.new_release():
            self.injected({}).exits(ExitCode.OK)
        return self.log.read_text().splitlines()

    def injected(self, env: Mapping[str, str], *verb: str) -> CommandRun:
        return self.project.command(*(verb or ("lab",)), env={**self._injection(), **env})

    def _injection(self) -> dict[str, str]:
        self.log.write_text("")
        path = f"{INJECT}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")
        return {"CHAOS_LOG": str(self.log), "PYTHONPATH": path}

    @contextmanager
    def at(self, host: str, moment: Moment, *args: str) -> Iterator[Held]:
        """`deploy lab ARGS`, in the background, as soon as it has come to a moment."""
        sign = self.project.room / f"sign-{next(self.counter)}"
        told = {"SIGN": str(sign), "SIGN_AT": f"{host} {moment.at}", "HOLD": "1" if moment.hold else ""}
        told |= {"FROM": "|".join(f"{host} {one}" for one in moment.since.split("|"))} if moment.since else {}
        env = {**self._injection(), **{f"CHAOS_{name}": value for name, value in told.items()}}
        with running(self.project, *LOCK_WAIT, *args, env=env) as deploy:
            eventually(lambda: sign.exists() or deploy.process.poll() is not None, within=PATIENCE)
            assert sign.exists(), f"it never came {moment}\n{deploy.output}"
            yield Held(deploy, sign)

    def polling(self) -> Polls:
        """Asks both pages all the while it is entered, as users do."""
        fleet = self.project.fleet
        return Polls([f"http://{fleet.hosts[name].address}:{self.port}/" for name in fleet.web])

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
        web = [name for name in self.project.fleet.web if name not in but]
        assert {seen[name].page for name in web} == {self.pages[found]}, shown(seen)
        assert self.project.rows("SELECT word FROM keepsake") == ["precious"]
        eventually(lambda: not any(one.locked for one in peek(self.project).values()), within=LEASE + 2, every=1)
        return seen

    def ended_well(self, code: int, output: str, old: str, *, lost: str) -> str:
        """What a run says of the hosts is so: all on the new release, or all on the old one; in a word."""
        self.at_rest()
        if code == ExitCode.OK:
            seen = self.sound()
            assert {one.current for one in seen.values()} != {old}, shown(seen)
            return "new release"
        assert code in (ExitCode.ROLLED_BACK, ExitCode.MIXED), output
        assert code == ExitCode.ROLLED_BACK or f"{lost} is broken" in output, output
        self.sound(release=old)
        return f"old release (exit {code})"

    def clean(self) -> None:
        """After a deployment that went well: no folder of a broken transfer, no open rollout."""
        for name, seen in look(self.project).items():
            assert not seen.tmp, (name, seen.tmp)
            assert not {"rollout", "phase", "undo", "armed", "fired", "confirmed"} & set(seen.files), (name, seen.files)


def open_lane(fleet: Fleet, room: Path) -> Lane:
    """A shop with a row in its database, deployed once, with short times."""
    project = shop_on(fleet, f"chaos-{secrets.token_hex(2)}", room)
    project.variables |= {"confirm_timeout": CONFIRM, "lock_ttl": LEASE}
    lane = Lane(project, next(PORTS))
    ports = f'    ports: ["{lane.port}:8080"]\n    volumes:\n      - uploads'
    project.edit("compose.yaml", "    volumes:\n      - uploads", ports)
    lane.deployed()
    project.rows("CREATE TABLE keepsake (word text); INSERT INTO keepsake VALUES ('precious')")
    assert set(lane.project.current()) == set(fleet.names)
    return lane


def note(story: str, number: int, what: str, end: str, *, since: float, polls: Polls) -> None:
    """A line of the table."""
    TABLE.add(story, number, what, end, f"{time.monotonic() - since:.0f} s", str(polls))
