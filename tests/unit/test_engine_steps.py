"""Actions as one script: rendered, run by a real `sh`, and read back line by line."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fleets import NotRun

from deployer.engine.steps import StepReader, render_steps
from deployer.model.action import Action, Link, Put, Run, Script, Watch
from deployer.model.release import Release

NONCE = "8c1f0a"


@dataclass
class Ran:
    """What became of the steps."""

    reader: StepReader
    emitted: list[str]
    raw: str

    @property
    def statuses(self) -> dict[int, int]:
        return self.reader.statuses

    def output(self, step: int) -> str:
        return self.reader.output(step)


def perform(*actions: Action) -> Ran:
    text = render_steps(actions, NONCE)
    done = subprocess.run(["sh"], input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    reader = StepReader(NONCE)
    said = [line for line in map(reader.feed, done.stdout.splitlines()) if line is not None]
    return Ran(reader, [line for line, _error in said], done.stdout)


def sh(text: str, **rest: Any) -> Script:
    return Script(text=text, label=text, because="test", **rest)


def argv(*words: str, **rest: Any) -> Run:
    return Run(argv=words, because="test", **rest)


def put(path: Path, content: bytes = b"text\n", **rest: Any) -> Put:
    return Put(path=str(path), content=content, because="test", **rest)


def test_several_steps_each_with_its_output() -> None:
    ran = perform(sh("echo one"), argv("echo", "two"), sh("true"), sh("echo three; echo four >&2"))
    assert ran.statuses == {0: 0, 1: 0, 2: 0, 3: 0}
    assert [ran.output(step) for step in range(4)] == ["one", "two", "", "three\nfour"]
    assert ran.emitted == ["one", "two", "three", "four"]


@pytest.mark.parametrize("errors", ["", "err", "err\\n", "a\\n\\nb\\n", "\\n"])
@pytest.mark.parametrize("output", ["", "out", "out\\n", "out\\n\\n"])
def test_streams_are_told_apart(output: str, errors: str) -> None:
    ran = perform(sh(f"printf '{output}'; printf '{errors}' >&2; exit 3", apart=True, also_ok=(3,)), sh("echo next"))
    assert ran.statuses == {0: 3, 1: 0}
    plain = [text.replace("\\n", "\n").removesuffix("\n") for text in (output, errors)]
    assert [ran.output(0), ran.reader.error_output(0)] == plain
    assert ran.output(1) == "next"


def test_nothing_is_left_of_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert perform(sh(f"ls {tmp_path}; echo err >&2", apart=True)).output(0).startswith("tmp.")
    assert list(tmp_path.iterdir()) == []


def test_failing_step_is_the_last(tmp_path: Path) -> None:
    ran = perform(sh("echo one"), sh("echo why; exit 3"), sh(f"touch {tmp_path}/never"))
    assert ran.statuses == {0: 0, 1: 3}
    assert (ran.reader.current, ran.output(1)) == (1, "why")
    assert not (tmp_path / "never").exists()


def test_script_ends_at_its_first_failing_command(tmp_path: Path) -> None:
    assert perform(sh(f"false\ntouch {tmp_path}/never")).statuses == {0: 1}
    assert not (tmp_path / "never").exists()


def test_status_that_is_also_ok_goes_on() -> None:
    ran = perform(argv("sh", "-c", "exit 3", also_ok=(3, 4)), sh("exit 4", also_ok=(4,)), sh("exit 4"), sh("true"))
    assert ran.statuses == {0: 3, 1: 4, 2: 4}


def test_program_that_is_not_there() -> None:
    ran = perform(argv("no-such-program-here", "it's"))
    assert ran.statuses == {0: 127}
    assert "no-such-program-here" in ran.output(0)


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("printf abc", "abc"),
        ("printf 'abc\\n'", "abc"),
        ("printf '\\nabc\\n\\n\\ndef\\n'", "\nabc\n\n\ndef"),
        ("printf 'abc\\n\\n'", "abc\n"),
        ("printf '\\n'", ""),
        ("printf '\\n\\n'", "\n"),
        ("printf ''", ""),
        ("printf '  indented\\n'", "  indented"),
        (f"printf 'not {NONCE} end 9\\n'", f"not {NONCE} end 9"),
    ],
)
def test_output_line_by_line(text: str, output: str) -> None:
    ran = perform(sh(text), sh("echo next"))
    assert (ran.output(0).removesuffix("\n"), ran.output(1)) == (output.removesuffix("\n"), "next")
    assert ran.statuses == {0: 0, 1: 0}


def test_blank_lines_inside_are_kept() -> None:
    assert perform(sh("printf 'a\\n\\n\\nb\\n'")).output(0) == "a\n\n\nb"


def test_step_does_not_change_the_next_one(tmp_path: Path) -> None:
    ran = perform(sh(f"cd {tmp_path}; x=1; umask 077; trap 'echo bye' EXIT"), sh('echo "[${x-unset}]"; pwd; umask'))
    assert ran.output(0) == "bye"
    assert ran.output(1).splitlines() == ["[unset]", os.getcwd(), perform(sh("umask")).output(0)]


def test_step_has_no_standard_input() -> None:
    ran = perform(argv("cat"), sh("read line || echo none"), sh("echo next"))
    assert [ran.output(step) for step in range(3)] == ["", "none", "next"]


@pytest.mark.parametrize("word", ["it's", "$HOME", "`id`", "a b", "", "*", "\\", "a\nb", "-n", "ä€", "!", "#"])
def test_words_arrive_as_they_are(word: str) -> None:
    assert perform(argv("printf", "<%s>", word)).output(0) == f"<{word}>"


def test_environment_and_folder(tmp_path: Path) -> None:
    folder = tmp_path / "it's a $folder"
    folder.mkdir()
    env = {"ONE": "it's $HOME", "TWO": "a\nb"}
    ran = perform(
        argv("sh", "-c", 'pwd; echo "$ONE$TWO"', cwd=str(folder), env=env),
        sh('pwd; echo "$ONE$TWO"', cwd=str(folder), env=env),
        sh('echo "[${ONE-unset}]"'),
    )
    assert ran.output(0) == ran.output(1) == f"{folder}\nit's $HOMEa\nb"
    assert ran.output(2) == "[unset]"


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    ran = perform(argv("touch", "x", cwd=str(tmp_path / "gone")))
    assert ran.statuses[0] != 0


@pytest.mark.parametrize("text", ["one\ntwo", "it's $HOME `id` \\ EOF", "-in", "ä€\n\n\nend"])
def test_standard_input_of_a_program(text: str) -> None:
    assert perform(argv("cat", stdin=text), sh("echo next")).output(0) == text


def test_standard_input_is_in_no_process_list() -> None:
    ran = perform(argv("sh", "-c", "tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$PPID/cmdline", stdin="s3cret"))
    assert "s3cret" not in ran.output(0)


# files ----------------------------------------------------------------------------------------------------------


def test_file_is_written_with_its_mode(tmp_path: Path) -> None:
    content = bytes(range(256)) * 700
    assert perform(put(tmp_path / "a" / "b" / "file", content, mode=0o640)).statuses == {0: 0}
    assert (tmp_path / "a/b/file").read_bytes() == content
    assert (tmp_path / "a/b/file").stat().st_mode & 0o7777 == 0o640
    assert os.listdir(tmp_path / "a/b") == ["file"]


def test_empty_file(tmp_path: Path) -> None:
    perform(put(tmp_path / "file", b"", mode=0o4755))
    assert (tmp_path / "file").read_bytes() == b""
    assert (tmp_path / "file").stat().st_mode & 0o7777 == 0o4755


@pytest.mark.parametrize("name", ["it's", "a b", "$HOME", "-rf", "ä\n€", ".hidden", "`id`", "*"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    link = tmp_path / f"{name}.link"
    ran = perform(put(tmp_path / name), Link(path=str(link), target=name, because="test"))
    assert ran.statuses == {0: 0, 1: 0}
    assert sorted(os.listdir(tmp_path)) == sorted([name, link.name])
    assert link.read_text() == "text\n"


def test_file_is_replaced_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old\n")
    (tmp_path / "other").hardlink_to(tmp_path / "file")
    with (tmp_path / "file").open() as reading:
        perform(put(tmp_path / "file"))
        assert reading.read() == "old\n"
    assert (tmp_path / "other").read_text() == "old\n"
    assert (tmp_path / "file").read_text() == "text\n"


def test_content_is_never_readable_by_others_on_its_way(tmp_path: Path) -> None:
    text = render_steps([put(tmp_path / "file", mode=0o600)], NONCE).replace("\nmv ", '\nstat -c %a "$new"\nmv ')
    early = text.replace("\nchmod ", '\nstat -c %a "$new"\nchmod ')
    done = subprocess.run(["sh"], input=early, capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.isdecimal()] == ["600", "600"]


def test_failure_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old\n")
    ran = perform(put(tmp_path / "file", owner="no-such-user-here"))
    assert ran.statuses[0] != 0
    assert (tmp_path / "file").read_text() == "old\n"
    assert os.listdir(tmp_path) == ["file"]


def test_folder_in_the_way_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    assert perform(put(tmp_path / "file")).statuses[0] != 0
    assert os.listdir(tmp_path / "file") == []


def test_owner(tmp_path: Path) -> None:
    me = pwd.getpwuid(os.getuid())
    perform(put(tmp_path / "file", owner=f"{me.pw_name}:{me.pw_gid}", mode=0o600))
    found = (tmp_path / "file").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (me.pw_uid, me.pw_gid, 0o600)


def test_another_owner(tmp_path: Path, not_run: NotRun) -> None:
    if os.getuid() != 0:
        not_run("only root gives files away")
    perform(put(tmp_path / "file", owner="nobody"))
    assert (tmp_path / "file").stat().st_uid == pwd.getpwnam("nobody").pw_uid


# links ----------------------------------------------------------------------------------------------------------


def link(tmp_path: Path, target: str) -> Link:
    return Link(path=str(tmp_path / "current"), target=target, because="test")


def test_link_is_swapped(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert perform(link(tmp_path, name)).statuses == {0: 0}
        assert os.readlink(tmp_path / "current") == name
    assert sorted(os.listdir(tmp_path)) == ["current", "one", "two"]
    assert os.listdir(tmp_path / "one") == []


def test_link_never_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    assert perform(link(tmp_path, "one")).statuses[0] != 0
    assert os.listdir(tmp_path / "current") == []
    assert os.listdir(tmp_path) == ["current"]


def test_what_is_no_step_is_refused() -> None:
    watch = Watch(release=Release(id="r1", project="shop", root="/srv/shop"), because="test")
    with pytest.raises(TypeError, match="Watch is no step"):
        render_steps([watch], NONCE)
