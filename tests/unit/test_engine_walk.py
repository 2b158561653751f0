"""The walk: plays, batches and tasks over several hosts, handlers, run_once, tags, check mode."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import World, result, states, words

from deployer.errors import ExitCode
from deployer.model.event import ActionStarted, BatchStarted, PlayStarted, TaskStarted


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, releases=False)


SAY = "echo {{ inventory_hostname }} {{ what }} >>{{ log }}"


def test_tasks_are_taken_one_after_the_other_on_all_hosts(world: World) -> None:
    world.run("""
        - hosts: all
          tasks:
            - {name: one, sh: "sleep 0.0{{ 5 if inventory_hostname == 'a' else 0 }}; echo one >>{{ log }}"}
            - {name: two, sh: "echo two >>{{ log }}"}
    """)
    assert world.log == ["one"] * 3 + ["two"] * 3


def test_hosts_of_a_task_are_worked_on_side_by_side(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks:
            - name: meet
              sh: |
                touch {{ dir }}/here
                n=0
                while [ $(ls {{ dir }}/../*/here | wc -l) -lt 3 ]; do sleep 0.05; n=$((n + 1)); [ $n -lt 100 ]; done
    """)
    assert report.exit_code is ExitCode.OK


def test_forks_bound_what_is_done_at_once(world: World) -> None:
    world.run(
        """
        - hosts: all
          tasks:
            - sh: "echo in >>{{ log }}; sleep 0.05; echo out >>{{ log }}"
    """,
        forks=1,
    )
    assert world.log == ["in", "out"] * 3


def test_plays_go_to_their_own_hosts(world: World) -> None:
    report = world.run("""
        - {name: first, hosts: "c,a", tasks: [{name: one, sh: "true"}]}
        - {name: nobody, hosts: other, tasks: [{name: two, sh: "true"}]}
        - {name: template, hosts: "{{ 'b' }}", tasks: [{name: three, sh: "true"}]}
    """)
    assert [(event.play, event.hosts) for event in world.of(PlayStarted)] == [
        ("first", ("c", "a")),
        ("nobody", ()),
        ("template", ("b",)),
    ]
    assert (words(report, "a"), words(report, "b")) == (["one: changed"], ["three: changed"])


def test_serial_cuts_a_play_into_batches(world: World) -> None:
    world.variables = {"cut": [1, "100%"]}
    world.run("""
        - hosts: all
          serial: "{{ cut }}"
          tasks:
            - sh: "echo one >>{{ log }}"
            - sh: "echo two >>{{ log }}"
    """)
    assert world.log == ["one", "two", "one", "one", "two", "two"]
    assert [(event.number, event.of, event.hosts) for event in world.of(BatchStarted)] == [
        (1, 2, ("a",)),
        (2, 2, ("b", "c")),
    ]


AFTER_BATCH = """
        - hosts: all
          serial: 1
          tasks:
            - {name: one, write: {path: "{{ dir }}/x", text: hello}}
          after_batch:
            - {name: look, sh: "echo {{ inventory_hostname }} >>{{ log }}; [ ! -e {{ dir }}/bad ]"}
"""


def test_after_a_batch_all_hosts_so_far_are_looked_after(world: World) -> None:
    world.run(AFTER_BATCH)
    assert (world.log[:1], sorted(world.log[1:3]), sorted(world.log[3:])) == (["a"], ["a", "b"], ["a", "b", "c"])


def test_after_a_batch_that_changed_nothing_nothing_is_looked_after(world: World) -> None:
    (world.dir("a") / "x").write_text("hello")
    world.run(AFTER_BATCH)
    assert "a" in world.log, "with b, which was changed"
    assert world.log[0] in "ab"
    assert len(world.log) == 5


def test_what_is_found_after_a_batch_ends_the_walk(world: World) -> None:
    (world.dir("a") / "bad").touch()
    report = world.run(AFTER_BATCH)
    assert (report.exit_code, words(report, "b"), words(report, "c")) == (ExitCode.ROLLED_BACK, [], [])
    assert words(report) == ["one: changed", "look: failed"]


def test_what_comes_after_a_batch_is_announced_in_check_mode(world: World) -> None:
    world.run(AFTER_BATCH, check=True)
    announced = [(one.host, one.task) for one in world.of(ActionStarted)]
    assert [host for host, task in announced if task == "look"][:1] == ["a"]
    assert len([host for host, task in announced if task == "look"]) == 6
    assert world.log == []


FAILING = """
        - hosts: all
          serial: 2
          tasks:
            - {name: one, sh: "[ {{ inventory_hostname }} != a ]"}
            - {name: two, sh: "true"}
        - {name: later, hosts: all, tasks: [{name: three, sh: "true"}]}
"""


def test_failing_host_is_left_behind_and_the_others_go_on(world: World) -> None:
    report = world.run(FAILING)
    assert words(report, "a") == ["one: failed"]
    assert words(report, "b") == words(report, "c") == ["one: changed", "two: changed", "three: changed"]
    assert report.exit_code is ExitCode.ROLLED_BACK


def test_in_a_rollout_the_batch_after_a_failure_never_begins(world: World) -> None:
    world.releases = True
    report = world.run(FAILING)
    assert words(report, "a") == ["one: failed"]
    assert words(report, "b") == ["one: changed", "two: changed"]
    assert words(report, "c") == []
    assert report.exit_code is ExitCode.ROLLED_BACK


def test_no_play_follows_a_batch_of_which_nobody_is_left(world: World) -> None:
    report = world.run(FAILING.replace("serial: 2", "serial: 1"))
    assert [words(report, host) for host in "abc"] == [["one: failed"], [], []]


@pytest.mark.parametrize(("fatal", "went_on"), [("true", False), ("false", True), ("'{{ strict }}'", True)])
def test_any_error_is_fatal_to_all_hosts_of_the_batch(world: World, fatal: str, went_on: bool) -> None:
    world.variables = {"strict": False}
    report = world.run(f"""
        - hosts: all
          any_errors_fatal: {fatal}
          tasks:
            - {{name: one, sh: "[ {{{{ inventory_hostname }}}} != b ]"}}
            - {{name: two, sh: "true"}}
    """)
    assert ("two: changed" in words(report, "a")) is went_on
    assert words(report, "c")[0] == "one: changed"


# handlers -------------------------------------------------------------------------------------------------------


def test_handlers_run_once_in_their_own_order_where_something_changed(world: World) -> None:
    (world.dir("b") / "x").write_text("hello")
    report = world.run("""
        - hosts: all
          tasks:
            - {name: one, write: {path: "{{ dir }}/x", text: hello}, notify: [third, first]}
            - {name: two, write: {path: "{{ dir }}/x", text: hello}, notify: second}
            - {name: three, sh: "true", notify: first, when: inventory_hostname == 'a'}
            - {name: four, sh: "true", notify: topic, when: inventory_hostname == 'c', changed_when: false}
          handlers:
            - {name: first, sh: "true"}
            - {name: second, sh: "true"}
            - {name: third, sh: "true"}
            - {name: fourth, sh: "true", listen: topic}
    """)
    handlers = [one for one in words(report, "a") if one.split(":")[0] in ("first", "second", "third", "fourth")]
    assert handlers == ["first: changed", "third: changed"]
    assert words(report, "b") == ["one: ok", "two: ok", "three: skipped", "four: skipped"]
    assert [event.task for event in world.of(TaskStarted) if event.handler] == ["first", "third"]


def test_handler_runs_for_a_topic_and_for_an_item_of_a_loop(world: World) -> None:
    report = world.run("""
        - hosts: a
          tasks:
            - {name: one, write: {path: "{{ dir }}/{{ item }}", text: x}, loop: [x, y], notify: [one of them, restart]}
          handlers:
            - {name: restart, sh: "true", listen: one of them}
    """)
    assert words(report) == ["one: changed", "restart: changed"]


def test_handler_may_notify_a_later_one(world: World) -> None:
    report = world.run("""
        - hosts: a
          tasks: [{name: one, sh: "true", notify: first}]
          handlers:
            - {name: first, sh: "true", notify: second}
            - {name: second, sh: "true"}
    """)
    assert words(report) == ["one: changed", "first: changed", "second: changed"]


def test_handlers_run_for_each_batch_and_not_where_the_host_failed(world: World) -> None:
    report = world.run("""
        - hosts: all
          serial: 2
          tasks:
            - {name: one, sh: "true", notify: restart}
            - {name: two, sh: "[ {{ inventory_hostname }} != a ]"}
          handlers: [{name: restart, sh: "true"}]
    """)
    assert words(report, "a") == ["one: changed", "two: failed"]
    assert words(report, "b") == ["one: changed", "two: changed", "restart: changed"]


def test_failing_handler_fails_the_host(world: World) -> None:
    report = world.run("""
        - hosts: a
          tasks: [{name: one, sh: "true", notify: [first, second]}]
          handlers: [{name: first, sh: "exit 3"}, {name: second, sh: "true"}]
    """)
    assert words(report) == ["one: changed", "first: failed"]
    assert report.exit_code is ExitCode.ROLLED_BACK


def test_handlers_do_not_ask_for_tags(world: World) -> None:
    report = world.run(
        """
        - hosts: a
          tasks: [{name: one, sh: "true", notify: restart, tags: mine}, {name: two, sh: "true"}]
          handlers: [{name: restart, sh: "true"}]
    """,
        tags=frozenset({"mine"}),
    )
    assert words(report) == ["one: changed", "restart: changed"]


# run_once -------------------------------------------------------------------------------------------------------


def test_run_once_is_done_on_the_first_host_and_known_to_all(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks:
            - {name: one, sh: "echo {{ inventory_hostname }} | tee -a {{ log }}", run_once: true, register: said}
            - {name: two, sh: "echo {{ said.stdout }} {{ said.changed }}"}
    """)
    assert world.log == ["a"]
    assert [result(report, "two", host).output for host in "abc"] == ["a True"] * 3
    assert [words(report, host) for host in "bc"] == [["two: changed"]] * 2


def test_run_once_is_once_a_batch(world: World) -> None:
    world.run("""
        - hosts: all
          serial: 2
          tasks: [{sh: "echo {{ inventory_hostname }} >>{{ log }}", run_once: true}]
    """)
    assert world.log == ["a", "c"]


def test_run_once_that_fails_fails_all(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks: [{name: one, sh: "exit 3", run_once: true}, {name: two, sh: "true"}]
    """)
    assert [words(report, host) for host in "abc"] == [["one: failed"], [], []]


def test_run_once_that_is_skipped_is_skipped_for_all(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks: [{name: one, sh: "true", run_once: true, when: inventory_hostname == 'b'}]
    """)
    assert [words(report, host) for host in "abc"] == [["one: skipped"], [], []]


def test_run_once_with_no_log_still_tells_the_others(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks:
            - {name: one, sh: "echo token", run_once: true, no_log: true, register: said}
            - {name: two, sh: "[ {{ said.stdout }} = token ]"}
    """)
    assert report.exit_code is ExitCode.OK
    assert "token" not in str([one for one in report.results if one.task == "one"])


def test_run_once_may_depend(world: World) -> None:
    world.variables = {"once": False}
    world.run("""
        - {hosts: all, tasks: [{sh: "echo x >>{{ log }}", run_once: "{{ once }}"}]}
    """)
    assert len(world.log) == 3


# tags and check mode --------------------------------------------------------------------------------------------

TAGGED = """
    - hosts: a
      tags: play
      tasks:
        - {name: one, sh: "true", tags: mine}
        - {name: two, sh: "true"}
        - {name: three, sh: "true", tags: [never, mine2]}
"""


@pytest.mark.parametrize(
    ("tags", "skip_tags", "run"),
    [("", "", ["one", "two"]), ("mine", "", ["one"]), ("play", "", ["one", "two", "three"]), ("", "mine", ["two"])],
)
def test_tags(world: World, tags: str, skip_tags: str, run: list[str]) -> None:
    report = world.run(TAGGED, tags=frozenset(tags.split()), skip_tags=frozenset(skip_tags.split()))
    assert [one.task for one in report.results] == run


CHECKED = """
    - hosts: all
      tasks:
        - {name: one, write: {path: "{{ dir }}/x", text: hello}, register: said, notify: restart}
        - {name: two, sh: "touch {{ dir }}/y"}
        - {name: three, sh: "touch {{ dir }}/z", when: said is changed}
      handlers: [{name: restart, sh: "touch {{ dir }}/restarted"}]
"""


def test_check_mode_says_everything_and_does_nothing(world: World) -> None:
    report = world.run(CHECKED, check=True)
    assert [list(world.dir(host).iterdir()) for host in "abc"] == [[]] * 3
    assert words(report) == ["one: changed", "two: changed", "three: changed", "restart: changed"]
    assert {event.planned for event in world.of(ActionStarted)} == {True}
    assert states(report) == dict.fromkeys("abc", "pending")
    assert (report.exit_code, report.actions, report.check) == (ExitCode.OK, 12, True)


def test_what_check_mode_says_is_what_a_run_does(world: World) -> None:
    world.run(CHECKED, check=True)
    said = [(event.host, event.title, event.because) for event in world.of(ActionStarted)]
    world.events.clear()
    world.run(CHECKED)
    assert sorted((event.host, event.title, event.because) for event in world.of(ActionStarted)) == sorted(said)


def test_check_mode_that_fails_has_changed_nothing(world: World) -> None:
    report = world.run(
        """
        - hosts: all
          tasks:
            - {name: one, sh: "true"}
            - {name: two, refuse: {}, when: inventory_hostname == 'b'}
    """,
        check=True,
    )
    assert report.exit_code is ExitCode.ROLLED_BACK
    assert states(report) == dict.fromkeys("abc", "untouched")
    assert {outcome.host: outcome.because for outcome in report.outcomes}["b"] == "two: a folder is in the way"


def test_unchanged_host_has_nothing_pending(world: World) -> None:
    (world.dir("a") / "x").write_text("hello")
    play = """
        - {hosts: all, tasks: [{name: one, write: {path: "{{ dir }}/x", text: hello}}]}
    """
    assert states(world.run(play, check=True)) == {"a": "unchanged", "b": "pending", "c": "pending"}
    assert states(world.run(play)) == {"a": "unchanged", "b": "changed", "c": "changed"}
