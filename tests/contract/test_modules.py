"""The generic modules for real: their shell on this machine, in folders of the test's own."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from world import MODULES as GIVEN
from world import World, result, words

from deployer.engine.look import read_look, render_look
from deployer.facts.stat import PathStat
from deployer.model.event import Note, PersonAnswered, PersonAsked
from deployer.model.report import Status
from deployer.modules.all import MODULES
from deployer.protocols import Fact

HEAD = "- hosts: all\n  tasks:\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, names=("a",), releases=False, modules={**GIVEN, **MODULES})


def play(text: str) -> str:
    """A play of these tasks."""
    return HEAD + "".join(f"    {line}\n" for line in text.strip("\n").splitlines())


@pytest.fixture(params=["dash", "busybox"])
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Asks a fact of one kind of sh, with the tools that are its own."""
    shell = [request.param, "sh"] if request.param == "busybox" else [request.param]
    env = dict(os.environ)
    if request.param == "busybox":
        tools = tmp_path_factory.mktemp("busybox")
        subprocess.run(["busybox", "--install", "-s", str(tools)], check=True)
        env["PATH"] = str(tools)
    program = shutil.which(shell[0])
    assert program

    def answer(fact: Fact[Any]) -> Any:
        done = subprocess.run(
            [program, *shell[1:]],
            input=render_look([fact], "nonce"),
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        (found,) = read_look(done.stdout, "nonce")
        return fact.parse(*found)

    return answer


# what is there --------------------------------------------------------------------------------------------------


def test_stat_says_what_python_says(ask: Any, tmp_path: Path) -> None:
    path = tmp_path / "it's a file"
    path.write_text("hello\n")
    path.chmod(0o4751)
    found, real = ask(PathStat(str(path), algorithm="sha1")), path.stat()
    assert found["exists"]
    assert found["mode"] == "4751"
    for name in ("uid", "gid", "size", "dev", "nlink", "blocks"):
        assert found[name] == getattr(real, f"st_{name}"), name
    assert found["mtime"] == pytest.approx(real.st_mtime, abs=1e-6)
    assert (found["inode"], found["isuid"], found["woth"], found["xoth"]) == (real.st_ino, True, False, True)
    assert (found["isreg"], found["isdir"], found["islnk"]) == (True, False, False)
    assert found["checksum"] == "f572d396fae9206628714fb2ce00f72e94f2258f"
    assert (found["pw_name"], found["readable"]) == ("root" if os.getuid() == 0 else found["pw_name"], True)


def test_stat_of_a_link(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    link = tmp_path / "link"
    link.symlink_to("target")
    found = ask(PathStat(str(link)))
    assert (found["islnk"], found["isdir"]) == (True, False)
    assert (found["lnk_target"], found["lnk_source"]) == ("target", str(tmp_path / "target"))
    assert ask(PathStat(str(link), follow=True))["isdir"]
    (tmp_path / "target").rmdir()
    assert ask(PathStat(str(link)))["exists"]
    assert ask(PathStat(str(link), follow=True)) == {"exists": False}


def test_stat_of_a_device(ask: Any) -> None:
    found = ask(PathStat("/dev/null"))
    assert (found["ischr"], found["device_type"]) == (True, os.stat("/dev/null").st_rdev)


def test_slurp_and_stat_in_a_play(world: World) -> None:
    (world.dir("a") / "x").write_bytes(b"\0\xffhello\n")
    report = world.run(
        play("""
- {name: read, slurp: {src: "{{ dir }}/x"}, register: read}
- {name: stat, stat: {path: "{{ dir }}/x"}, register: found}
- {name: none, stat: {path: "{{ dir }}/y"}, register: nothing}
- {name: gone, slurp: {src: "{{ dir }}/y"}, register: gone, ignore_errors: true}
- {name: say, debug: {msg: "{{ read.content }} {{ found.stat.size }} {{ nothing.stat.exists }} {{ gone.msg }}"}}
""")
    )
    assert words(report) == ["read: ok", "stat: ok", "none: ok", "gone: ignored", "say: ok"]
    content = base64.b64encode(b"\0\xffhello\n").decode()
    assert result(report, "say").message == f"{content} 8 False file not found: {world.dir('a')}/y"


# what is said ---------------------------------------------------------------------------------------------------


def test_set_fact_is_above_variables_and_below_extra_ones(world: World) -> None:
    world.variables = {"colour": "red"}
    report = world.run(
        play("""
- {name: set, set_fact: {colour: blue, size: "{{ 1 + 1 }}", dir: mine}}
- {name: say, debug: {msg: "{{ colour }} {{ size + 1 }} {{ dir == 'mine' }}"}, vars: {colour: green}}
""")
        + play("- {name: later, debug: {msg: '{{ colour }}'}, vars: {colour: green}}")
    )
    assert result(report, "say").message == "blue 3 False"
    assert result(report, "later").message == "blue"


def test_set_fact_in_a_loop_and_in_check_mode(world: World) -> None:
    tasks = play("""
- {name: set, set_fact: {found: "{{ found | default([]) + [item] }}"}, loop: [x, y, z], when: item != 'y'}
- {name: say, debug: {msg: "{{ found | join(',') }}"}}
""")
    assert [result(world.run(tasks, check=check), "say").message for check in (False, True)] == ["x,z", "x,z"]


def test_fail_ends_the_host(world: World) -> None:
    report = world.run(play("- {name: end, fail: {msg: 'no {{ 1 + 1 }}'}}\n- {name: more, debug: {msg: x}}"))
    assert words(report) == ["end: failed"]
    assert result(report, "end").message == "no 2"


def test_debug_is_quiet_without_v(world: World) -> None:
    tasks = play("- {name: say, debug: {msg: x, verbosity: 2}}")
    assert result(world.run(tasks), "say").status is Status.SKIPPED
    world.variables = {"ansible_verbosity": 2}
    assert result(world.run(tasks), "say").message == "x"


def test_command_tells_its_streams_apart(world: World) -> None:
    report = world.run(
        play("""
- {name: one, shell: "echo out; echo err >&2; echo more; echo; exit 3", register: one, ignore_errors: true}
- {name: two, command: "sh -c 'printf bad >&2'", register: two}
- {name: three, debug: {msg: "{{ one.stdout_lines }} {{ one.stderr }} {{ one.rc }} {{ two.stderr }} {{ two.stdout }}|"}}
""")
    )
    assert result(report, "three").message == "['out', 'more'] err 3 bad |"
    assert result(report, "one").output == "out\nmore\n\nerr"


def test_command_that_has_nothing_to_do_says_so(world: World) -> None:
    report = world.run(
        play("""
- {name: one, command: {cmd: "false", creates: /etc}, register: one}
- {name: two, shell: {cmd: "false", removes: /nonexistent}, register: two}
- {name: three, debug: {msg: "{{ one.stdout }}, {{ two.msg }}, {{ one.rc }}"}}
""")
    )
    told = "skipped, since /etc exists, Did not run command since '/nonexistent' does not exist, 0"
    assert result(report, "three").message == told


# waiting --------------------------------------------------------------------------------------------------------


def test_pause_takes_its_time_once_for_all_hosts(tmp_path: Path) -> None:
    world = World(folder=tmp_path, names=("a", "b"), releases=False, modules={**GIVEN, **MODULES})
    report = world.run(play("- {name: wait, pause: {seconds: 0.3}, register: waited}"))
    assert 0.3 <= sum(one.seconds for one in report.results if one.host == "a") < 3
    assert words(report) == ["wait: ok"]
    assert len([one for one in report.results if one.actions]) == 1


def test_pause_without_a_terminal_warns_and_goes_on(world: World) -> None:
    report = world.run(play("- {name: wait, pause: {prompt: Well}}\n- {name: more, debug: {msg: x}}"))
    assert words(report) == ["wait: ok", "more: ok"]
    assert [note.message for note in world.of(Note)] == ["not waiting for an answer: this is no terminal"]


def test_pause_asks_a_person(world: World) -> None:
    asked: list[tuple[str, bool]] = []

    def person(prompt: str, echo: bool, stop: threading.Event) -> str:
        asked.append((prompt, echo))
        assert len(world.of(PersonAsked)) == 1
        return "blue"

    report = world.run(
        play("""
- {name: wait, pause: {prompt: Which colour, echo: false}, register: answer}
- {name: say, debug: {msg: "{{ answer.user_input }}"}}
"""),
        ask=person,
    )
    assert asked == [("Which colour", False)]
    assert len(world.of(PersonAnswered)) == 1
    assert result(report, "say").message == "blue"


def test_pause_of_check_mode_is_only_announced(world: World) -> None:
    report = world.run(play("- {name: wait, pause: {minutes: 10}}"), check=True)
    assert result(report, "wait").seconds < 60
    assert words(report) == ["wait: ok"]
