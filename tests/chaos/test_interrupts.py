"""Ctrl-C, SIGTERM and a closed terminal at each stage of a rollout: the exit code says what the host itself says."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from background import PATIENCE
from command_run import COMMAND, surroundings
from host_state import ContainerSeen, ask
from lane import Lane, Moment
from put_back import is_locked
from stage import Fleet
from story import MIGRATE, shop_on
from table import ALL
from terminal import open_terminal, watched
from waiting import eventually

from deployer.errors import ExitCode

HOST = "web1"
NEVER, BACK, DONE = ExitCode.INTERRUPTED, ExitCode.ROLLED_BACK, ExitCode.OK
UNTOUCHED = ("when it looks", "when it takes the lock", "when the project is brought", "when images are built")
SIGNALS = itertools.cycle((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
COLOUR = re.compile(r"\x1b\[(?:\d+;)*[349]\d")
STEPS = "apply._steps run"
PROVEN = "guard.stage run|gate.watch probe"
STAGES = [  # the exchange before which it is interrupted, and the exit code
    (Moment("when it looks", "start.work run"), NEVER),
    (Moment("when it takes the lock", "lease.take_lease run"), NEVER),
    (Moment("when the project is brought", "sync.send stream"), BACK),
    (Moment("when images are built", STEPS, since="sync.send stream"), BACK),
    (Moment("when supporting services start", STEPS, since="guard.arm run"), BACK),
    (Moment("when supporting services are waited for", "gate.watch probe", since="guard.arm run"), BACK),
    (Moment("when the database is migrated", STEPS, since="gate.watch probe"), BACK),
    (Moment("when services are switched", STEPS, since="guard.stage run"), BACK),
    (Moment("when it proves itself", "gate.watch probe", since="guard.stage run"), BACK),
    (Moment("when the release becomes the current one", STEPS, since=PROVEN), BACK),
    (Moment("when old releases are removed", STEPS, since=f"{PROVEN}|{STEPS}"), BACK),
    (Moment("when it is committed", "guard.make_ready run"), BACK),
    (Moment("when the commit is confirmed", "guard.confirm run"), BACK),
    (Moment("when the rollout is closed", "guard.close run"), DONE),
    (Moment("when the lock is given back", "lease.drop_lease run"), DONE),
]
SOME = (1, 3, 4, 6, 10, 12)  # without CHAOS=all; while it connects and proves itself: tests/e2e/test_interruptions.py


@dataclass(frozen=True)
class Host:
    """What the host says of the project."""

    current: str
    web: ContainerSeen
    open: str  # files of a rollout that has not ended
    locked: bool

    @classmethod
    def of(cls, lane: Lane) -> Host:
        project = lane.project
        room = f"{project.root}/.deploy"
        left = ask(project.host(HOST), f"cd {room}; ls | grep -xE 'rollout|phase|undo|armed|fired|confirmed' || true")
        return cls(project.current_on(HOST), project.container(HOST, "web"), left, is_locked(project, HOST))


@pytest.fixture(scope="module")
def alone(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """The whole shop on one host."""
    project = shop_on(fleet.only(HOST), "interrupted", tmp_path_factory.mktemp("interrupted"))
    project.web = {"deploy_services": ["web", "db"], "deploy_migrate": MIGRATE}
    project.variables |= {"keep_releases": 2, "gate_bake": 0.2}
    lane = Lane(project, 0)
    lane.deployed()
    yield lane
    project.end()


@pytest.mark.parametrize(
    ("moment", "code"),
    STAGES if ALL else [STAGES[at] for at in SOME],
    ids=lambda one: str(one).replace(" ", "-") if isinstance(one, Moment) else "",
)
def test_interrupted(alone: Lane, moment: Moment, code: ExitCode) -> None:
    ask(alone.project.host(HOST), "docker stop --time 0 interrupted-db-1")  # so that there are services to start
    before, number = Host.of(alone), next(SIGNALS)
    with alone.new_release() as page, alone.at(HOST, moment) as held:
        held.deploy.signal(number)
        eventually(lambda: number.name in held.deploy.output, what="the signal is heard")
        held.go()
        held.deploy.exits(code)
        assert "Traceback" not in held.deploy.output
    stands(alone, before, code, page, untouched=moment.name in UNTOUCHED)


def test_a_second_signal_before_any_change_ends_it_at_once(alone: Lane) -> None:
    """Also while a host does not answer, which it does not wait for."""
    before = Host.of(alone)
    with alone.at(HOST, STAGES[0][0]) as held:
        held.deploy.signal(signal.SIGINT)
        eventually(lambda: "SIGINT" in held.deploy.output)
        held.deploy.signal(signal.SIGINT)
        held.deploy.exits(NEVER)
    assert "nothing was changed" in held.deploy.output
    stands(alone, before, NEVER, "", untouched=True)


def stands(lane: Lane, before: Host, code: ExitCode, page: str, *, untouched: bool = False) -> None:
    """The host itself agrees with the exit code, and nothing of the run is left on it."""
    after = Host.of(lane)
    assert (after.open, after.locked) == ("", False)
    assert after.web.is_well
    if code is DONE:
        assert after.current != before.current
        assert lane.project.page(HOST) == page
        return
    assert after.current == before.current
    assert after.web.image == before.web.image
    assert lane.project.page(HOST) != page
    if untouched:
        assert (after.web.id, after.web.started_at) == (before.web.id, before.web.started_at)


def test_the_terminal_is_closed_while_it_proves_itself(alone: Lane) -> None:
    """No one is there to read: the release goes back all the same."""
    before = Host.of(alone)
    with alone.new_release() as page:
        alone.project.write_inventory()
        with open_terminal(("lab", "-e", "gate_bake=30"), alone.project.room) as terminal:
            eventually(lambda: "gate: " in terminal.screen(), within=PATIENCE, what="the gate watches")
            terminal.close()
            assert terminal.process.wait(PATIENCE) == BACK
    stands(alone, before, BACK, page)


def test_nobody_reads_the_output(alone: Lane) -> None:
    """The pipe is closed after the first line: the rollout goes on to its end."""
    reading, writing = os.pipe()
    before = Host.of(alone)
    with alone.new_release() as page:
        alone.project.write_inventory()
        process = subprocess.Popen(
            [str(COMMAND), "lab", "--output=json"], cwd=alone.project.room, env=surroundings(alone.project.room),
            stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.close(writing)
        assert b"RunStarted" in os.read(reading, 65536)
        os.close(reading)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == DONE
    assert said.count("nobody reads the output any more") == 1
    assert "Traceback" not in said
    stands(alone, before, DONE, page)


def test_a_narrow_terminal_without_colours_and_signs(alone: Lane) -> None:
    alone.project.write_inventory()
    plain = {"NO_COLOR": "1", "LC_ALL": "C"}
    code, screen = watched(("lab", "--check"), alone.project.room, columns=40, env=plain)
    assert code == DONE, screen
    assert screen.isascii()
    assert COLOUR.search(screen) is None
    code, screen = watched(("status", "lab"), alone.project.room, columns=40, env=plain)
    assert code == DONE, screen
    assert [line for line in screen.splitlines() if len(line) > 40] == []
    assert "  services  " in screen


def test_a_dumb_terminal_gets_plain_lines(alone: Lane) -> None:
    code, screen = watched(("lab", "--check"), alone.project.room, env={"TERM": "dumb"})
    assert code == DONE, screen
    assert "\x1b" not in screen
    code, screen = watched(("nowhere",), alone.project.room, env={"TERM": "dumb"})
    assert code == ExitCode.CONFIG
    assert "\x1b" not in screen


def test_the_next_deployment_needs_no_mending(alone: Lane) -> None:
    alone.deployed()
