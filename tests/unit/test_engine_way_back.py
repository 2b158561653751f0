"""A run that fails: who goes back, in which order, and what is said of it; on this machine, three names."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from world import GATED_BACK as BACK
from world import SWITCH, World, held, states

from deployer.engine.run import execute
from deployer.errors import ExitCode
from deployer.model.event import Event, Note, RollbackStarted, TaskDone


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, serves={"a": "r1", "b": "r1", "c": "r1"})


def break_host(world: World, name: str, how: str = "broken") -> None:
    (world.dir(name) / how).touch()


def test_touched_hosts_go_back_newest_first_and_the_rest_is_left_alone(world: World) -> None:
    break_host(world, "b")
    report = world.run(SWITCH, back=BACK)
    assert world.log[3:] == ["a up", "b up", "b r1 up", "a r1 up"]
    assert states(report) == {"a": "rolled back", "b": "rolled back", "c": "untouched"}
    assert report.exit_code is ExitCode.ROLLED_BACK
    assert [one.after for one in report.outcomes] == ["r1", "r1", "r1"]
    (event,) = world.of(RollbackStarted)
    assert (event.targets, "gate" in event.because) == ({"b": "r1", "a": "r1"}, True)
    assert held(world) == []


def test_failure_before_any_touch_undoes_nothing(world: World) -> None:
    report = world.run(
        """
        - {hosts: all, tasks: [{name: sync, sh: "[ {{ inventory_hostname }} != b ]"}]}
    """
    )
    assert (report.exit_code, states(report)) == (ExitCode.ROLLED_BACK, dict.fromkeys("abc", "untouched"))
    assert world.of(RollbackStarted) == []
    assert held(world) == []


def test_host_that_cannot_go_back_is_named_and_stops_no_other(world: World) -> None:
    break_host(world, "c")
    break_host(world, "b", "stays-broken")
    report = world.run(SWITCH, back=BACK)
    assert world.log[6:] == ["c r1 up", "b r1 up", "a r1 up"]
    assert states(report) == {"a": "rolled back", "b": "broken", "c": "rolled back"}
    assert report.exit_code is ExitCode.MIXED
    (broken,) = (one for one in report.outcomes if one.host == "b")
    assert broken.after is None
    assert "healthy" in broken.because
    assert broken.hint is not None
    assert "deploy rollback test" in broken.hint
    assert "--limit b; until then its watchdog goes on trying" in broken.hint
    assert held(world) == []
    journals = {name: Path(world.root(name), ".deploy/journal.jsonl").read_text() for name in world.names}
    assert [name for name, text in journals.items() if "handed over to the watchdog" in text] == ["b"]
    assert [name for name, text in journals.items() if '"event":"rolled back"' in text] == ["a", "c"]


def test_host_that_fails_early_on_the_way_back_keeps_no_other_from_its_later_plays(world: World) -> None:
    break_host(world, "c")
    early = "- {hosts: all, tasks: [{name: early, sh: '[ {{ inventory_hostname }} != b ]'}]}\n"
    report = world.run(SWITCH.replace("serial: 1", "serial: 3"), back=early + textwrap.dedent(BACK).lstrip("\n"))
    assert sorted(line for line in world.log if "r1" in line) == ["a r1 up", "c r1 up"]
    assert states(report) == {"a": "rolled back", "b": "broken", "c": "rolled back"}
    assert report.exit_code is ExitCode.MIXED


def test_hosts_of_a_batch_go_back_side_by_side_whatever_the_playbook_says(world: World) -> None:
    break_host(world, "a", "stays-broken")
    report = world.run(SWITCH.replace("serial: 1", "serial: 3").replace("/broken", "/../nothing/x"), back=BACK)
    assert report.exit_code is ExitCode.OK
    break_host(world, "b")
    back = """
    - hosts: all
      any_errors_fatal: true
      serial: 1
      tasks:
        - {name: healthy, sh: "[ ! -e {{ dir }}/stays-broken ]"}
        - {name: done, sh: "echo {{ inventory_hostname }} is back >>{{ log }}"}
"""
    report = world.run(SWITCH.replace("serial: 1", "serial: 3"), back=back)
    assert states(report) == {"a": "broken", "b": "rolled back", "c": "rolled back"}
    assert sorted(world.log[-2:]) == ["b is back", "c is back"]


def test_first_release_that_fails_is_stopped(tmp_path: Path) -> None:
    world = World(folder=tmp_path, names=("a", "b"), serves={"a": "r1"})
    break_host(world, "b")
    report = world.run(SWITCH, back=BACK)
    assert world.log[2:] == ["a up", "b up", "b new stopped", "a r1 up"]
    assert states(report) == {"a": "rolled back", "b": "stopped"}
    assert report.exit_code is ExitCode.ROLLED_BACK


def test_failure_after_the_switch_goes_back_batch_by_batch_too(world: World) -> None:
    late = """
    - {name: Tidy, hosts: all, tasks: [{name: tidy, sh: "[ {{ inventory_hostname }} != b ]"}]}
"""
    report = world.run(SWITCH + late, back=BACK)
    assert world.log[6:] == ["c r1 up", "b r1 up", "a r1 up"]
    assert states(report) == dict.fromkeys("abc", "rolled back")


def test_host_touched_before_its_batch_goes_back_last(world: World) -> None:
    early = """
    - {name: Support, hosts: all, tasks: [{name: db, sh: {cmd: "true", serves: true}}]}
"""
    break_host(world, "b")
    world.run(early + SWITCH, back=BACK)
    assert world.log[5:] == ["b r1 up", "a r1 up", "c r1 up"]


def test_way_back_ignores_the_tags_of_the_run(world: World) -> None:
    break_host(world, "a")
    report = world.run(SWITCH, back=BACK, skip_tags=frozenset({"untagged-not", "untagged"}))
    assert report.results == ()
    tagged = SWITCH.replace("name: Switch", "name: Switch\n      tags: mine")
    report = world.run(tagged, back=BACK, tags=frozenset({"mine"}), skip_tags=frozenset({"untagged"}))
    assert states(report) == {"a": "rolled back", "b": "untouched", "c": "untouched"}
    assert world.log == ["a up", "a r1 up"]


def test_failed_step_counts_as_touched_from_its_first_moment(world: World) -> None:
    report = world.run(
        """
        - {hosts: a, tasks: [{name: up, sh: {cmd: "exit 1", serves: true}}]}
    """,
        back=BACK,
    )
    assert states(report)["a"] == "rolled back"


def test_no_way_back_is_said(world: World) -> None:
    break_host(world, "a")
    report = world.run(SWITCH, back=None)
    assert states(report) == {"a": "broken", "b": "untouched", "c": "untouched"}
    assert report.exit_code is ExitCode.MIXED
    assert "no way back" in world.of(Note)[0].message


def test_wrong_words_found_late_put_the_hosts_back(world: World) -> None:
    late = """
    - {name: Late, hosts: all, serial: "{{ size }}", tasks: [{name: never, sh: "true"}]}
"""
    world.variables = {"size": "many"}
    report = world.run(SWITCH + late, back=BACK)
    assert world.log[6:] == ["c r1 up", "b r1 up", "a r1 up"]
    assert states(report) == dict.fromkeys("abc", "rolled back")
    assert report.exit_code is ExitCode.ROLLED_BACK
    assert "`serial` must be a number" in report.message


def test_wrong_words_found_before_any_change_are_a_wrong_configuration(world: World) -> None:
    world.variables = {"size": "many"}
    report = world.run("""
        - {name: Late, hosts: all, serial: "{{ size }}", tasks: [{name: never, sh: "true"}]}
    """)
    assert (report.exit_code, world.log, held(world)) == (ExitCode.CONFIG, [], [])


def test_bug_in_the_middle_puts_the_hosts_back_and_is_told(world: World) -> None:
    session = world.session(SWITCH, back=BACK)

    def emit(event: Event) -> None:
        world.events.append(event)
        if isinstance(event, TaskDone) and (event.result.host, event.result.task) == ("b", "up"):
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        execute(replace(session, emit=emit))
    assert world.log[3:] == ["a up", "b up", "b r1 up", "a r1 up"]
    assert held(world) == []
