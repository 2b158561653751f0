"""Tasks on a host: templates, conditions, loops, registered results, and who has the last word on a failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from world import World, result, states, words

from deployer.engine.run import execute
from deployer.errors import ExitCode
from deployer.model.event import ActionStarted, Event, Output, TaskStarted
from deployer.model.report import Status


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, names=("a",), releases=False)


def tasks(text: str, handlers: str = "", head: str = "") -> str:
    """A play for all hosts with these tasks, one `- …` a line or indented as in a list."""
    lines = ["- hosts: all", *([f"  {head}"] if head else []), "  tasks:"]
    lines += [f"    {line}" for line in text.strip("\n").splitlines()]
    if handlers:
        lines += ["  handlers:", *(f"    {line}" for line in handlers.strip("\n").splitlines())]
    return "\n".join(lines) + "\n"


def test_changed_then_ok(world: World) -> None:
    play = tasks("- {name: one, write: {path: '{{ dir }}/x', text: hello}}")
    assert words(world.run(play)) == ["one: changed"]
    assert (world.dir("a") / "x").read_text() == "hello"
    assert words(world.run(play)) == ["one: ok"]


def test_registered_result_is_what_ansible_calls_it(world: World) -> None:
    report = world.run(
        tasks("""
- {name: one, sh: "echo first; echo second", register: said}
- {name: two, sh: "echo '{{ said.stdout_lines | last }} {{ said.rc }} {{ said.changed }} {{ said is failed }}'"}
""")
    )
    assert result(report, "two").output == "second 0 True False"


def test_registered_result_of_a_skipped_task(world: World) -> None:
    report = world.run(
        tasks("""
- {name: one, sh: "true", when: false, register: said}
- {name: two, sh: "echo ran", when: said is skipped}
- {name: three, sh: "echo ran", when: said is changed}
""")
    )
    assert words(report) == ["one: skipped", "two: changed", "three: skipped"]


def test_what_a_host_says_is_no_template(world: World) -> None:
    report = world.run(
        tasks("""
- {name: one, sh: "printf '%s' '{' '{ dir }' '}'", register: said}
- {name: two, sh: "printf %s '{{ said.stdout }}'", changed_when: "'{' in said.stdout"}
""")
    )
    assert result(report, "two").output == "{{ dir }}"


@pytest.mark.parametrize(
    ("when", "runs"),
    [("true", True), ("false", False), ("number == 3", True), ("[number > 2, number < 3]", False), ("[]", True)],
)
def test_when(world: World, when: str, runs: bool) -> None:
    world.variables = {"number": 3}
    report = world.run(tasks(f"- {{name: one, sh: 'true', when: {when}}}"))
    assert result(report, "one").status is (Status.CHANGED if runs else Status.SKIPPED)


def test_task_variables_win_over_the_plays_and_the_inventorys(world: World) -> None:
    world.variables = {"one": "inventory", "two": "inventory", "three": "inventory"}
    play = tasks(
        "- {name: say, sh: 'echo {{ one }} {{ two }} {{ three }}', vars: {three: task}}",
        head="vars: {two: play, three: play}",
    )
    assert result(world.run(play), "say").output == "inventory play task"


def test_environment_of_play_and_task(world: World) -> None:
    play = tasks(
        "- {name: say, sh: 'echo $ONE $TWO $THREE', environment: {TWO: '{{ 1 + 1 }}', THREE: \"it's\"}}",
        head="environment: {ONE: play, TWO: play}",
    )
    assert result(world.run(play), "say").output == "play 2 it's"


# loops ----------------------------------------------------------------------------------------------------------


def test_loop(world: World) -> None:
    report = world.run(
        tasks("""
- name: one
  sh: "echo {{ item }}"
  loop: [1, 2, 3]
  when: item != 2
  register: said
- name: two
  sh: "echo {{ said.results | map(attribute='skipped') | list }} {{ said.results[2].stdout }}"
""")
    )
    assert words(report) == ["one: changed", "two: changed"]
    assert len(result(report, "one").actions) == 2
    assert result(report, "two").output == "[False, True, False] 3"


def test_loop_over_a_template(world: World) -> None:
    world.variables = {"names": ["x", "y"]}
    play = tasks("- {name: one, write: {path: '{{ dir }}/{{ item }}', text: '{{ item }}'}, loop: '{{ names }}'}")
    world.run(play)
    assert (world.dir("a") / "y").read_text() == "y"
    assert words(world.run(play)) == ["one: ok"]


def test_failing_item_does_not_stop_the_others(world: World) -> None:
    report = world.run(tasks("- {name: one, sh: 'echo {{ item }} >>{{ log }}; exit {{ item }}', loop: [0, 3, 0]}"))
    assert world.log == ["0", "3", "0"]
    assert result(report, "one").status is Status.FAILED
    assert "exited with status 3" in result(report, "one").message


@pytest.mark.parametrize("loop", ["[]", "'{{ [] }}'"])
def test_empty_loop_is_skipped(world: World, loop: str) -> None:
    report = world.run(tasks(f"- {{name: one, sh: 'true', loop: {loop}, register: said}}"))
    assert result(report, "one").status is Status.SKIPPED
    assert result(report, "one").data["results"] == []


def test_all_items_skipped_is_skipped(world: World) -> None:
    report = world.run(tasks("- {name: one, sh: 'true', loop: [1, 2], when: item > 2}"))
    assert words(report) == ["one: skipped"]


@pytest.mark.parametrize("loop", ["'{{ 5 }}'", "'{{ name }}'", "'{{ {1: 2} }}'"])
def test_what_is_no_list_is_no_loop(world: World, loop: str) -> None:
    world.variables = {"name": "web"}
    report = world.run(tasks(f"- {{name: one, sh: 'true', loop: {loop}}}"))
    assert result(report, "one").status is Status.FAILED
    assert "`loop` must be a list" in result(report, "one").message


# failures -------------------------------------------------------------------------------------------------------


def test_failure_ends_the_host_and_says_why(world: World) -> None:
    report = world.run(tasks("- {name: one, sh: 'echo reason; exit 3'}\n- {name: two, sh: 'true'}"))
    assert words(report) == ["one: failed"]
    assert result(report, "one").message == "sh echo reason; exit 3: exited with status 3"
    assert result(report, "one").output == "reason"
    assert result(report, "one").place.endswith("deploy.yml:3:7")
    assert report.outcomes[0].because == f"one: {result(report, 'one').message}"


def test_ignored_failure_goes_on(world: World) -> None:
    report = world.run(
        tasks("""
- {name: one, sh: "exit 3", ignore_errors: true, register: said}
- {name: two, sh: "echo {{ said.rc }}", when: said is failed}
""")
    )
    assert words(report) == ["one: ignored", "two: changed"]
    assert result(report, "two").output == "3"
    assert report.exit_code is ExitCode.OK


def test_ignoring_may_depend(world: World) -> None:
    world.variables = {"lenient": False}
    report = world.run(tasks("- {name: one, sh: 'exit 3', ignore_errors: '{{ lenient }}'}"))
    assert words(report) == ["one: failed"]


def test_undefined_variable_fails_the_task_with_its_place(world: World) -> None:
    report = world.run(tasks("- {name: one, sh: 'echo {{ nmae }}'}"))
    assert result(report, "one").status is Status.FAILED
    assert "nmae" in result(report, "one").message


def test_module_that_cannot_plan(world: World) -> None:
    report = world.run(tasks("- {name: one, refuse: {}}"))
    assert (result(report, "one").status, result(report, "one").message) == (Status.FAILED, "a folder is in the way")


@pytest.mark.parametrize(
    ("words_", "status"),
    [
        ("changed_when: false", Status.OK),
        ("changed_when: \"'y' in said.stdout\"", Status.CHANGED),
        ("changed_when: \"'z' in said.stdout\"", Status.OK),
        ("failed_when: false", Status.CHANGED),
        ("failed_when: said.rc == 0", Status.FAILED),
        ("failed_when: [said.rc == 0, said.rc == 1]", Status.CHANGED),
        ("failed_when: \"'y' in said.stdout\"\n  changed_when: false", Status.FAILED),
        ("changed_when: false\n  failed_when: false", Status.OK),
    ],
)
def test_changed_when_and_failed_when(world: World, words_: str, status: Status) -> None:
    report = world.run(tasks(f"- name: one\n  sh: echo y\n  register: said\n  {words_}"))
    assert result(report, "one").status is status
    assert result(report, "one").data["failed"] is (status is Status.FAILED)


def test_failed_when_forgives_a_status(world: World) -> None:
    report = world.run(
        tasks("""
- {name: one, sh: "exit 3", register: said, failed_when: "said.rc not in [0, 3]", changed_when: said.rc == 3}
- {name: two, sh: "echo {{ said.failed }}"}
""")
    )
    assert words(report) == ["one: changed", "two: changed"]
    assert result(report, "two").output == "False"
    assert result(report, "one").message == ""


def test_lost_connection_is_unreachable_even_if_errors_are_ignored(world: World) -> None:
    session = world.session(tasks("- {name: one, sh: 'true', ignore_errors: true}"))

    def emit(event: Event) -> None:
        if isinstance(event, TaskStarted):
            session.targets[0].remote.close()

    report = execute(replace(session, emit=emit))
    assert words(report) == ["one: unreachable"]
    assert report.exit_code is ExitCode.ROLLED_BACK


# what modules return --------------------------------------------------------------------------------------------


def test_module_returns_what_it_saw_and_what_came_of_it(world: World) -> None:
    (world.dir("a") / "x").write_text("old")
    report = world.run(
        tasks("""
- {name: one, ask: {cmd: "echo new >$PWD/x; echo done", path: "{{ dir }}/x"}, register: said}
- {name: two, sh: "echo '{{ said.said[0][1] }} {{ said.before }} {{ said.changed }}'"}
""").replace("$PWD", str(world.dir("a")))
    )
    assert words(report) == ["one: ok", "two: changed"]
    assert result(report, "two").output == "done old False"


def test_what_a_module_reads_is_not_shown(world: World) -> None:
    report = world.run(tasks("- {name: one, ask: {cmd: echo secret}}"))
    assert world.of(Output) == []
    assert (result(report, "one").output, result(report, "one").data["stdout"]) == ("", "")


def test_action_that_changes_nothing_is_performed_and_not_counted(world: World) -> None:
    report = world.run(tasks("- {name: one, ask: {cmd: 'echo asked >>{{ log }}'}}"))
    assert world.log == ["asked"]
    assert states(report) == {"a": "unchanged"}


def test_check_mode_plans_what_would_be_asked(world: World) -> None:
    report = world.run(tasks("- {name: one, ask: {cmd: 'echo asked >>{{ log }}'}, register: said}"), check=True)
    assert world.log == []
    assert result(report, "one").data["said"] == [(None, "")]
    assert words(report) == ["one: ok"]


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ("{changed: true}", Status.CHANGED),
        ("{skipped: true}", Status.SKIPPED),
        ("{failed: true, msg: no luck}", Status.FAILED),
        ("{failed: true, changed: true, msg: no luck}", Status.FAILED),
    ],
)
def test_module_has_a_say_in_how_the_task_ended(world: World, values: str, status: Status) -> None:
    report = world.run(tasks(f"- {{name: one, ask: {{cmd: 'true', values: {values}}}}}"))
    assert result(report, "one").status is status
    assert result(report, "one").message == ("no luck" if status is Status.FAILED else "")


def test_failed_action_is_among_the_outcomes(world: World) -> None:
    report = world.run(
        tasks("""
- {name: one, ask: {cmd: "echo why; exit 3"}, register: said, ignore_errors: true}
- {name: two, sh: "echo {{ said.said[0] }}"}
""")
    )
    assert words(report) == ["one: ignored", "two: changed"]
    assert result(report, "two").output == "[3, why]"


def test_facts_that_a_module_sets_are_variables_from_then_on(world: World) -> None:
    world.variables = {"colour": "red"}
    report = world.run(
        tasks("""
- {name: one, ask: {cmd: "true", values: {ansible_facts: {colour: blue, braces: "{% raw %}{{ x }}{% endraw %}"}}}}
- {name: two, sh: "echo '{{ colour }} {{ braces }}'", vars: {colour: task}}
""")
        + tasks("- {name: three, sh: 'echo {{ colour }}'}", head="vars: {colour: play}")
    )
    assert result(report, "two").output == "blue {{ x }}"
    assert result(report, "three").output == "blue"


def test_facts_grow_from_item_to_item(world: World) -> None:
    report = world.run(
        tasks("""
- name: one
  ask: {cmd: "true", values: {ansible_facts: {names: "{{ names | default([]) + [item] }}"}}}
  loop: [x, y]
- {name: two, sh: "echo {{ names | join('-') }}"}
""")
    )
    assert result(report, "two").output == "x-y"


def test_facts_of_a_host_that_runs_for_all_are_those_of_all(tmp_path: Path) -> None:
    world = World(folder=tmp_path, names=("a", "b"), releases=False)
    report = world.run(
        tasks("""
- {name: one, ask: {cmd: "true", values: {ansible_facts: {colour: blue}}}, run_once: true, no_log: true}
- {name: two, sh: "echo {{ colour }}"}
""")
    )
    assert [result(report, "two", host).output for host in "ab"] == ["blue", "blue"]


# secrets and words ----------------------------------------------------------------------------------------------


def test_output_comes_as_it_is_written(world: World) -> None:
    world.run(tasks("- {name: one, sh: 'echo first; echo; echo second'}"))
    assert [event.line for event in world.of(Output)] == ["first", "second"]


@pytest.mark.parametrize("no_log", ["true", "'{{ hide }}'"])
@pytest.mark.parametrize("status", [0, 3])
def test_no_log_keeps_what_is_said_to_itself(world: World, no_log: str, status: int) -> None:
    world.variables = {"hide": True, "password": "s3cret"}
    report = world.run(
        tasks(f"""
- name: one
  sh: "echo {{{{ password }}}}; exit {status}"
  no_log: {no_log}
  register: said
  failed_when: false
- {{name: two, sh: "true", when: said.stdout == password}}
- {{name: three, sh: "echo {{{{ password }}}} >&2; exit {status}", no_log: {no_log}}}
""")
    )
    assert result(report, "two").status is Status.CHANGED
    shown = [str(event) for event in world.events] + [str(result(report, name)) for name in ("one", "three")]
    assert [text for text in shown if "s3cret" in text] == []


def test_plan_is_announced_with_its_reason(world: World) -> None:
    world.run(tasks("- {name: one, write: {path: '{{ dir }}/x', text: hello}}"))
    (event,) = world.of(ActionStarted)
    assert (event.title, event.because, event.planned) == (
        f"write {world.dir('a')}/x (5 bytes, mode 0644)",
        "it differs",
        False,
    )


def test_diff_where_it_is_asked_for(world: World) -> None:
    play = tasks("- {name: one, write: {path: '{{ dir }}/x', text: hello}}")
    world.run(play, diff=lambda action: f"diff of {action.path}")
    assert [event.diff for event in world.of(ActionStarted)] == [f"diff of {world.dir('a')}/x"]
