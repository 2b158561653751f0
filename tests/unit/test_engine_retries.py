"""Tasks that are tried again, loops with words of their own, and tasks that are done in another mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from world import World, result, words

from deployer.model.event import ActionStarted, Retrying
from deployer.model.report import Report, Status


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, names=("a",), releases=False)


def run(world: World, *tasks: str, **options: Any) -> Report:
    return world.run("- hosts: all\n  tasks:\n" + "".join(f"    - {task}\n" for task in tasks), **options)


COUNT = "echo x >>{{ log }}; wc -l <{{ log }}"


def test_until_tries_again_until_it_is_true(world: World) -> None:
    report = run(world, f"{{name: one, sh: '{COUNT}', register: r, until: r.stdout | int == 3, delay: 0, retries: 5}}")
    assert result(report, "one").data["attempts"] == 3
    assert len(world.of(Retrying)) == 2


@pytest.mark.parametrize(("words_", "tries"), [("retries: 2", 3), ("until: false", 4), ("until: false, retries: 0", 1)])
def test_number_of_tries_is_one_more_than_retries(world: World, words_: str, tries: int) -> None:
    report = run(world, f"{{name: one, sh: '{COUNT}; exit 3', {words_}, delay: 0, ignore_errors: true}}")
    assert len(world.log) == tries
    assert result(report, "one").status is Status.IGNORED


def test_what_until_never_saw_has_failed(world: World) -> None:
    report = run(world, "{name: one, sh: 'true', until: false, retries: 1, delay: 0}")
    assert (result(report, "one").status, result(report, "one").message) == (Status.FAILED, "`until` was never true")
    assert result(report, "one").data["attempts"] == 1


def test_loop_has_words_of_its_own(world: World) -> None:
    control = "{loop_var: who, index_var: at, label: '<{{ who }}>', extended: true, break_when: who == 'y'}"
    report = run(
        world,
        "{name: one, sh: 'echo {{ who }}{{ at }}{{ ansible_loop.length }}; exit {{ at }}', loop: [x, y, z],"
        f" loop_control: {control}, register: r, ignore_errors: true}}",
    )
    results = result(report, "one").data["results"]
    assert [(one["stdout"], one["who"], one["at"]) for one in results] == [("x03", "x", 0), ("y13", "y", 1)]
    assert result(report, "one").message.startswith("<y>: ")


def test_task_may_be_only_checked(world: World) -> None:
    run(world, f"{{name: one, sh: '{COUNT}', check_mode: true}}", f"{{name: two, sh: '{COUNT}'}}")
    assert world.log == ["x"]
    assert [one.planned for one in world.of(ActionStarted)] == [True, False]


def test_task_may_be_done_in_check_mode_but_never_in_a_rehearsal(world: World) -> None:
    run(world, f"{{name: one, sh: '{COUNT}', check_mode: false}}", check=True)
    assert world.log == ["x"]
    world.releases = True
    run(world, f"{{name: one, sh: '{COUNT}', check_mode: false}}")
    assert world.log == ["x", "x"]


def test_task_is_ended_after_its_timeout(world: World) -> None:
    report = run(world, "{name: one, sh: 'sleep 20', timeout: 1}")
    assert words(report) == ["one: failed"]


def test_throttle_bounds_what_is_done_at_once(tmp_path: Path) -> None:
    world = World(folder=tmp_path, releases=False)
    run(world, "{sh: 'echo in >>{{ log }}; sleep 0.05; echo out >>{{ log }}', throttle: 1}")
    assert world.log == ["in", "out"] * 3
