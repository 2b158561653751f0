"""A run as a transaction: locks, the way back, exit codes; on this machine under three names."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import DroppingRemote, GoneRemote, ScriptedRemote
from world import GATED_BACK as BACK
from world import HOLDER, SWITCH, World, held, result, states, words

from deployer.engine.ports import Session
from deployer.engine.run import execute
from deployer.errors import AuthError, ConnectError, ExitCode
from deployer.model.event import Event, HostUnreachable, Note, RollbackStarted, RunFinished, TaskDone, TaskStarted
from deployer.protocols import Remote


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, serves={"a": "r1", "b": "r1", "c": "r1"})


# all is well ----------------------------------------------------------------------------------------------------


def test_all_is_well(world: World) -> None:
    report = world.run(SWITCH, back=BACK)
    assert world.log == ["a sync", "b sync", "c sync", "a up", "b up", "c up"] or sorted(world.log[:3]) == [
        "a sync", "b sync", "c sync",
    ]  # fmt: skip
    assert world.log[3:] == ["a up", "b up", "c up"]
    assert (report.exit_code, states(report)) == (ExitCode.OK, dict.fromkeys("abc", "deployed"))
    assert [(one.before, one.after) for one in report.outcomes] == [("r1", "new")] * 3
    assert held(world) == []
    assert isinstance(world.events[-1], RunFinished)
    assert world.of(RollbackStarted) == []


def test_lock_is_held_while_the_hosts_change(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks:
            - {name: one, sh: "cat {{ dir }}/srv/.deploy/lock.1/holder; stat -c %a {{ dir }}/srv/.deploy"}
    """)
    assert HOLDER.run in result(report, "one").output
    assert result(report, "one").output.endswith("700")


def test_nothing_to_do_takes_no_lock_and_writes_nothing(world: World) -> None:
    for name in world.names:
        (world.dir(name) / "x").write_text("hello")
        Path(world.root(name)).chmod(0o555)
    report = world.run("""
        - hosts: all
          tasks:
            - {name: one, write: {path: "{{ dir }}/x", text: hello}}
            - {name: two, sh: "true", when: false}
    """)
    assert (report.exit_code, states(report)) == (ExitCode.OK, dict.fromkeys("abc", "unchanged"))
    assert words(report, "b") == ["one: ok", "two: skipped"]
    assert not any(Path(world.root(name), ".deploy").exists() for name in world.names)


def test_unchanged_host_costs_one_look(world: World) -> None:
    (world.dir("a") / "x").write_text("hello")
    session = world.session("""
        - {hosts: a, tasks: [{name: one, write: {path: "{{ dir }}/x", text: hello}}]}
    """)
    scripts: list[str] = []

    class Counting(DroppingRemote):
        def run(self, script: str, **rest: Any) -> Any:
            scripts.append(script)
            return super().run(script, **rest)

    execute(replace(session, targets=(replace(session.targets[0], remote=Counting("a")),)))
    assert len(scripts) == 1


def test_run_that_is_about_no_release_takes_no_lock(tmp_path: Path) -> None:
    world = World(folder=tmp_path, releases=False)
    report = world.run("""
        - {hosts: all, tasks: [{sh: "true"}]}
    """)
    assert (report.exit_code, states(report)) == (ExitCode.OK, dict.fromkeys("abc", "changed"))
    assert not Path(world.root("a")).exists()


# interrupted ----------------------------------------------------------------------------------------------------


def stopping(world: World, session: Session, host: str, task: str) -> tuple[Session, threading.Event]:
    """The session, and a flag that is set once a host has done a task."""
    stop = threading.Event()

    def emit(event: Event) -> None:
        world.events.append(event)
        if isinstance(event, TaskDone) and (event.result.host, event.result.task) == (host, task):
            stop.set()

    return replace(session, emit=emit), stop


def test_interrupted_before_any_change(world: World) -> None:
    stop = threading.Event()
    stop.set()
    report = execute(world.session(SWITCH, back=BACK), stop)
    assert (report.exit_code, world.log, held(world)) == (ExitCode.INTERRUPTED, [], [])
    assert states(report) == dict.fromkeys("abc", "untouched")


def test_interrupted_before_any_switch(world: World) -> None:
    report = execute(*stopping(world, world.session(SWITCH, back=BACK), "a", "sync"))
    assert sorted(world.log) == ["a sync", "b sync", "c sync"]
    assert (report.exit_code, states(report)) == (ExitCode.ROLLED_BACK, dict.fromkeys("abc", "untouched"))


def test_interrupted_after_a_switch_goes_back(world: World) -> None:
    report = execute(*stopping(world, world.session(SWITCH, back=BACK), "b", "up"))
    assert world.log[3:] == ["a up", "b up", "b r1 up", "a r1 up"]
    assert states(report) == {"a": "rolled back", "b": "rolled back", "c": "untouched"}
    assert report.exit_code is ExitCode.ROLLED_BACK
    assert held(world) == []


def test_interrupted_check(world: World) -> None:
    report = execute(*stopping(world, world.session(SWITCH, check=True), "a", "sync"))
    assert report.exit_code is ExitCode.INTERRUPTED


# lost and never reached -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ConnectError("no route", hint="is it up?"), AuthError("permission denied")])
def test_host_that_cannot_be_reached_stops_the_run_before_it_begins(world: World, error: Any) -> None:
    world.remotes = {"b": ScriptedRemote("b", [], connects=[error])}
    report = world.run(SWITCH)
    assert (report.exit_code, world.log, held(world)) == (ExitCode.UNREACHABLE, [], [])
    assert states(report) == {"a": "untouched", "b": "unreachable", "c": "untouched"}
    assert [(one.host, one.message) for one in world.of(HostUnreachable)] == [("b", error.message)]
    assert report.outcomes[1].hint == error.hint
    assert world.remotes["b"].closed  # type: ignore[attr-defined]


def test_connection_that_was_dropped_is_made_again_for_the_way_back(world: World) -> None:
    world.remotes = {"b": DroppingRemote("b", "/b/broken")}
    report = world.run(SWITCH, back=BACK)
    assert words(report, "b")[:3] == ["sync: changed", "up: changed", "gate: unreachable"]
    assert states(report) == {"a": "rolled back", "b": "rolled back", "c": "untouched"}
    assert report.exit_code is ExitCode.ROLLED_BACK
    assert held(world) == []


def test_host_that_stays_lost_is_broken_and_the_others_go_back(world: World) -> None:
    remote: Remote = GoneRemote("b", "/b/broken")
    world.remotes = {"b": remote}
    report = world.run(SWITCH, back=BACK)
    assert states(report) == {"a": "rolled back", "b": "broken", "c": "untouched"}
    assert report.exit_code is ExitCode.MIXED
    assert held(world) == ["b"]
    assert Path(world.root("b"), ".deploy/armed").exists()
    assert "goes back by itself within 300 s" in str(report.outcomes[1].hint)
    assert any(note.host == "b" and "its lock was not given back" in note.message for note in world.of(Note))
    Path(world.root("b"), ".deploy/armed").unlink()  # or its watchdog would wait for all of that time


def test_host_beyond_reach_holds_up_no_other_and_is_tried_once_more(world: World) -> None:
    """It can be reached again only when the others are back."""

    class Returning(GoneRemote):
        def connect(self, *, patience: float | None = None) -> None:
            if "a r1 up" in world.log:
                self.gone, self.word = False, "never said"
            super().connect()

    world.remotes = {"b": Returning("b", "/b/broken")}
    report = world.run(SWITCH, back=BACK)
    assert states(report) == {"a": "rolled back", "b": "rolled back", "c": "untouched"}
    assert report.exit_code is ExitCode.ROLLED_BACK
    assert [line for line in world.log if line.endswith(" r1 up")] == ["a r1 up", "b r1 up"]
    assert held(world) == []


def test_reports_are_closed_by_one_last_event(world: World) -> None:
    report = world.run(SWITCH)
    assert [event.report for event in world.of(RunFinished)] == [report]
    assert report.seconds > 0
    assert len(world.of(TaskStarted)) == 7
