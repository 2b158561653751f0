"""Many facts in one script: rendered, run by a real `sh`, and read back."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import ClassVar

import pytest
from fakes import ScriptedRemote

from deployer.engine.look import look, read_look, render_look
from deployer.errors import CommandError
from deployer.model.connection import Result

NONCE = "8c1f0a"


@dataclass(frozen=True)
class Ask:
    """A fact of these tests: some shell, and what it printed with its status."""

    constant: ClassVar[bool] = False

    text: str

    def script(self) -> str:
        return self.text

    def parse(self, output: str, status: int) -> tuple[str, int]:
        return output, status


def sh(text: str) -> Result:
    done = subprocess.run(["sh"], input=text, capture_output=True, text=True, check=False)
    return Result(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def ask(*texts: str) -> list[tuple[str, int]]:
    result = sh(render_look([Ask(text) for text in texts], NONCE))
    assert (result.status, result.stderr) == (0, "")
    return read_look(result.stdout, NONCE)


@pytest.mark.parametrize(
    ("text", "output", "status"),
    [
        ("echo hello", "hello\n", 0),
        ("printf hello", "hello", 0),
        ("true", "", 0),
        ("exit 3", "", 3),
        ("echo one; exit 4", "one\n", 4),
        ("echo oops >&2; false", "", 1),
        ("no-such-program-here", "", 127),
        ("printf '\\n\\n a \\n\\n'", "\n\n a \n\n", 0),
        ("cat", "", 0),
        ("echo 'it'\"'\"'s' # a comment", "it's\n", 0),
        ("cat <<'EOF'\nhere\nEOF", "here\n", 0),
        ("echo $LC_ALL", "C\n", 0),
        (f"echo '{NONCE} 0'; exit 1", f"{NONCE} 0\n", 1),
    ],
)
def test_answer_and_status(text: str, output: str, status: int) -> None:
    before, after = "echo before", "echo after"
    answers = ask(before, text, after)
    assert answers[1][1] == status
    if NONCE not in text:
        assert answers == [("before\n", 0), (output, status), ("after\n", 0)]


def test_facts_know_nothing_of_each_other() -> None:
    assert ask("x=1; cd /; exec 2>/dev/null; set -e", 'echo "[${x-unset}]"; false; echo on')[1] == ("[unset]\non\n", 0)


def test_none_asked_is_none_answered() -> None:
    assert look(ScriptedRemote("web1", []), (), become=None) == {}


def test_equal_questions_are_asked_once_in_one_script() -> None:
    remote = ScriptedRemote("web1", [sh])
    one, two = Ask("echo one"), Ask("echo two")
    assert look(remote, [one, two, Ask("echo one")], become="root") == {one: ("one\n", 0), two: ("two\n", 0)}
    (script,) = remote.scripts
    assert script.count("echo one") == 1
    assert remote.users == ["root"]


def test_missing_answer_is_an_error_that_names_the_host() -> None:
    remote = ScriptedRemote("web1", [lambda script: Result(status=None, stdout="half", stderr="killed")])
    with pytest.raises(CommandError, match="web1: asked 1 questions and got 0 answers: killed"):
        look(remote, [Ask("true")], become=None)


def test_script_that_ends_the_shell_is_an_error_and_no_wrong_answer() -> None:
    remote = ScriptedRemote("web1", [sh])
    with pytest.raises(CommandError, match="asked 2 questions and got 0 answers"):
        look(remote, [Ask("kill -9 $$"), Ask("echo two")], become=None)
