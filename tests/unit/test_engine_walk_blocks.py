"""Blocks, includes, meta and delegation on a small fleet; what Ansible does with them, the oracle tells."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from world import World, result, states, words

from deployer.engine.run import execute
from deployer.errors import ExitCode, PlaybookError
from deployer.model.event import Event, TaskDone
from deployer.model.report import Status


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, releases=False)


BLOCK = """
    - hosts: all
      tasks:
        - block:
            - {name: one, sh: "[ {{ inventory_hostname }} != a ]"}
            - {name: two, sh: "true"}
          rescue:
            - {name: rescue, sh: "echo {{ ansible_failed_task.name }} {{ ansible_failed_result.rc }}"}
          always:
            - {name: always, sh: "true"}
        - {name: after, sh: "true"}
"""


def test_rescue_is_for_the_hosts_that_failed(world: World) -> None:
    report = world.run(BLOCK)
    assert words(report) == ["one: failed", "rescue: changed", "always: changed", "after: changed"]
    assert words(report, "b") == ["one: changed", "two: changed", "always: changed", "after: changed"]
    assert result(report, "rescue").output == "one 1"
    assert report.exit_code is ExitCode.OK
    assert [(one.failed, one.rescued) for one in report.outcomes] == [(0, 1), (0, 0), (0, 0)]


def test_failure_that_nobody_rescues_is_remembered_after_always(world: World) -> None:
    report = world.run(BLOCK.replace('"echo {{ ansible_failed_task', '"exit 4; {{ ansible_failed_task'))
    assert words(report) == ["one: failed", "rescue: failed", "always: changed"]
    assert report.exit_code is ExitCode.ROLLED_BACK


def test_interruption_enters_neither_rescue_nor_always(world: World) -> None:
    stop = threading.Event()
    session = world.session(BLOCK)

    def emit(event: Event) -> None:
        if isinstance(event, TaskDone) and event.result.failed:
            stop.set()

    report = execute(replace(session, emit=emit), stop)
    assert words(report) == ["one: failed"]


def test_what_a_block_says_is_said_of_its_tasks(world: World) -> None:
    report = world.run("""
        - hosts: a
          tasks:
            - block:
                - {name: one, sh: "echo {{ x }} $Y {{ z }}", vars: {z: own}}
                - {name: two, sh: "true", when: false}
                - block: [{name: three, sh: "exit 3"}]
              vars: {x: block, z: block}
              environment: {Y: words}
              when: inventory_hostname == 'a'
              ignore_errors: true
    """)
    assert words(report) == ["one: changed", "two: skipped", "three: ignored"]
    assert result(report, "one").output == "block words own"


def test_in_a_rollout_a_rescued_host_goes_on_and_another_failure_goes_back(world: World) -> None:
    world.releases = True
    switch = BLOCK.replace('name: two, sh: "true"', 'name: two, sh: {cmd: "true", serves: true}')
    assert world.run(switch).exit_code is ExitCode.OK
    report = world.run(switch.replace('name: after, sh: "true"', 'name: after, sh: "exit 3"'))
    assert report.exit_code is ExitCode.ROLLED_BACK
    assert states(report) == {"a": "untouched", "b": "stopped", "c": "stopped"}


def test_run_once_in_a_rescue_block_is_not_rescued_for_the_others(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks:
            - block: [{name: one, sh: "exit 3", run_once: true}]
              rescue: [{name: rescue, sh: "true"}]
            - {name: two, sh: "true"}
    """)
    assert [words(report, host) for host in "abc"] == [["one: failed", "rescue: changed", "two: changed"], [], []]


def test_included_file_is_read_for_the_hosts_that_name_it(world: World) -> None:
    for name in "ab":
        (world.folder / f"{name}.yml").write_text(f'- {{name: in {name}, sh: "echo {{{{ item }}}} {{{{ v }}}}"}}\n')
    report = world.run("""
        - hosts: "a,b"
          tasks:
            - {name: read, include_tasks: "{{ inventory_hostname }}.yml", loop: [1, 2], vars: {v: "of {{ item }}"}}
            - {name: after, sh: "true"}
    """)
    assert words(report, "b") == ["read: ok", "read: ok", "in b: changed", "in b: changed", "after: changed"]
    assert [one.output for one in report.results if one.task == "in a"] == ["1 of 1", "2 of 2"]


def test_file_that_cannot_be_included_fails_the_host(world: World) -> None:
    report = world.run("""
        - hosts: all
          tasks: [{name: read, include_tasks: "{{ inventory_hostname }}.yml", when: inventory_hostname == 'a'}]
    """)
    assert words(report) == ["read: failed"]
    assert "there is no such file" in result(report, "read").message
    assert words(report, "b") == ["read: skipped"]


@pytest.mark.parametrize(
    ("meta", "ran"),
    [("end_host", ([], ["two"], ["two"])), ("end_play", ([], [], [])), ("end_batch", ([], [], ["two"])),
     ("noop", (["two"], ["two"], ["two"]))],
)  # fmt: skip
def test_meta_ends(world: World, meta: str, ran: tuple[list[str], ...]) -> None:
    report = world.run(f"""
        - hosts: all
          serial: 2
          tasks:
            - {{meta: {meta}, when: inventory_hostname == 'a'}}
            - {{name: two, sh: "true"}}
    """)
    assert tuple([one.task for one in report.results if one.host == host] for host in "abc") == ran
    assert report.exit_code is ExitCode.OK


def test_errors_are_cleared_for_later_plays_but_not_in_a_rollout(world: World) -> None:
    text = """
        - hosts: all
          tasks:
            - {name: one, sh: "[ {{ inventory_hostname }} != a ]"}
            - meta: clear_host_errors
        - hosts: all
          tasks: [{name: two, sh: "true"}]
    """
    report = world.run(text)
    assert (words(report), report.exit_code) == (["one: failed", "two: changed"], ExitCode.OK)
    world.releases = True
    assert world.run(text).exit_code is ExitCode.ROLLED_BACK


def test_delegated_task_is_done_elsewhere_and_known_at_home(world: World) -> None:
    report = world.run("""
        - hosts: "a,b"
          tasks:
            - {name: one, write: {path: "{{ dir }}/x", text: y}, delegate_to: c, register: r}
            - {name: two, sh: "echo {{ r.changed }} {{ inventory_hostname }}"}
            - {name: three, write: {path: "{{ dir }}/x", text: y}, delegate_to: nobody}
    """)
    assert [result(report, "two", host).output for host in "ab"] == ["True a", "True b"]
    assert result(report, "three").status is Status.FAILED
    assert "nobody" in result(report, "three").message


def test_module_that_takes_a_release_cannot_be_delegated(world: World) -> None:
    with pytest.raises(PlaybookError, match="`sh` cannot be delegated"):
        world.run("""
            - {hosts: all, tasks: [{sh: {cmd: "true", release: null}, delegate_to: b}]}
        """)


def test_handlers_are_flushed_after_each_section_and_forced_where_asked(world: World) -> None:
    text = """
        - hosts: a
          force_handlers: %s
          pre_tasks: [{name: pre, sh: "true", notify: h}]
          tasks:
            - {name: one, sh: "true", notify: h}
            - {name: two, sh: "exit 3"}
          post_tasks: [{name: post, sh: "true"}]
          handlers: [{name: h, sh: "true"}]
    """
    before = ["pre: changed", "h: changed", "one: changed", "two: failed"]
    assert words(world.run(text % "false")) == before
    assert words(world.run(text % "true")) == [*before, "h: changed"]
