"""A run and the locks of its hosts: who has them, and what is looked at under them; on this machine, three names."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import DroppingRemote
from world import SWITCH, World, held, states, words

from deployer.engine import start
from deployer.errors import ExitCode
from deployer.model.event import Note


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, serves={"a": "r1", "b": "r1", "c": "r1"})


def taking(script: str) -> bool:
    return "mkdir" in script and "lock.$token" in script


def test_host_that_another_run_holds(world: World) -> None:
    world.lock("b")
    report = world.run(SWITCH)
    assert (report.exit_code, world.log, held(world)) == (ExitCode.LOCKED, [], ["b"])
    assert not Path(world.root("a"), ".deploy").exists()
    assert report.message == "b: locked by ben@ci (pid 7) since 2026-11-22T06:00:00Z (release r9)"
    assert report.hint is not None
    assert "deploy unlock" in report.hint
    assert states(report) == dict.fromkeys("abc", "untouched")


def test_host_that_another_run_takes_between_the_look_and_the_lock(world: World) -> None:
    taken = threading.Event()

    class Slow(DroppingRemote):
        def run(self, script: str, **rest: Any) -> Any:
            if taking(script) and not taken.is_set():
                world.lock("b")
                taken.set()
            return super().run(script, **rest)

    world.remotes = {"b": Slow("b")}
    report = world.run(SWITCH)
    assert (report.exit_code, world.log, held(world)) == (ExitCode.LOCKED, [], ["b"])
    assert "ben@ci" in report.message


class Late(DroppingRemote):
    """Something happens after the look, before this run takes the lock."""

    def __init__(self, name: str, happens: Callable[[], None]) -> None:
        super().__init__(name)
        self.happens = happens
        self.asked: list[str] = []

    def run(self, script: str, **rest: Any) -> Any:
        if taking(script):
            self.happens()
        self.asked += re.findall(r"cat \S+(/[xyz])\b", script)
        return super().run(script, **rest)


TASKS = """
    - {hosts: a, tasks: [
        {name: x, write: {path: "{{ dir }}/x", text: same}}, {name: y, write: {path: "{{ dir }}/y", text: same}},
        {name: z, write: {path: "{{ dir }}/z", text: same}}]}
"""


def with_late(world: World, happens: Callable[[], None]) -> Late:
    """Of three files two are as they should be."""
    for name in "xy":
        (world.dir("a") / name).write_text("same")
    late = Late("a", happens)
    world.remotes = {"a": late}
    return late


def another_run(world: World) -> None:
    """It has had the host for a moment, and has written what this one would write."""
    (world.lock("a") / "released").touch()
    (world.dir("a") / "z").write_text("same")


def test_host_that_another_run_had_before_the_lock_is_looked_at_again(world: World) -> None:
    late = with_late(world, lambda: another_run(world))
    assert words(world.run(TASKS)) == ["x: ok", "y: ok", "z: ok"]
    assert late.asked == ["/x", "/y", "/z"] * 2, "before the lock and under it"


def test_host_that_nobody_else_had_is_not_asked_again(world: World) -> None:
    late = with_late(world, lambda: None)
    assert words(world.run(TASKS)) == ["x: ok", "y: ok", "z: changed"]
    assert late.asked == ["/x", "/y", "/z"]


def test_host_that_went_back_by_itself_is_looked_at_again(world: World) -> None:
    def fire() -> None:
        (world.dir("a") / "z").write_text("same")
        Path(world.root("a"), "current").unlink()

    late = with_late(world, fire)
    assert words(world.run(TASKS)) == ["x: ok", "y: ok", "z: ok"]
    assert late.asked == ["/x", "/y", "/z"] * 2


def test_host_that_was_looked_at_long_ago_is_looked_at_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "FRESH", 0.0)
    late = with_late(world, lambda: None)
    assert words(world.run(TASKS)) == ["x: ok", "y: ok", "z: changed"]
    assert late.asked == ["/x", "/y", "/z"] * 2


def test_held_host_can_be_checked(world: World) -> None:
    world.lock("b")
    report = world.run(SWITCH, check=True)
    assert (report.exit_code, states(report)) == (ExitCode.OK, dict.fromkeys("abc", "pending"))


def test_lock_that_cannot_be_taken_changes_nothing(world: World) -> None:
    Path(world.root("b"), ".deploy").write_text("in the way")
    report = world.run(SWITCH)
    assert (report.exit_code, world.log, held(world)) == (ExitCode.ROLLED_BACK, [], [])
    assert report.message.startswith("b: the lock could not be taken")


def test_lock_that_another_run_has_taken_over_is_left_to_it(world: World) -> None:
    report = world.run("""
        - {hosts: a, tasks: [{sh: "cp -r {{ dir }}/srv/.deploy/lock.1 {{ dir }}/srv/.deploy/lock.2"}]}
    """)
    assert report.exit_code is ExitCode.OK
    assert held(world) == ["a"]
    notes = [note for note in world.of(Note) if "its lock was not given back" in note.message]
    assert [(note.host, note.warning) for note in notes] == [("a", True)]


def test_later_batch_is_looked_at_when_the_ones_before_have_changed(world: World) -> None:
    report = world.run("""
        - hosts: a,b
          serial: 1
          tasks:
            - {name: for b, sh: "printf hello >{{ dir }}/../b/x", when: "inventory_hostname == 'a'"}
            - {name: one, write: {path: "{{ dir }}/x", text: hello}}
    """)
    assert words(report, "a") == ["for b: changed", "one: changed"]
    assert words(report, "b") == ["for b: skipped", "one: ok"]
