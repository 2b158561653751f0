"""What is wrong in a playbook is refused before any host is asked: with file and line, in words, with a hint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
from test_playbook import MODULES

from deployer.config.playbook import load_playbook
from deployer.errors import PlaybookError

Read = Callable[[str], tuple[str, str | None]]

TABLES = Path(__file__).parent / "playbook_refusals"


def cases(table: str) -> list[tuple[str, str, str | None]]:
    """A table's entries: a text, after `=>` the line and the message, after `??` the hint."""
    found = []
    for entry in (TABLES / f"{table}.txt").read_text().strip("\n").split("\n\n"):
        text, _arrow, said = entry.partition("\n=> ")
        message, _marks, hint = said.partition("\n?? ")
        found.append((text + "\n", message, hint or None))
    return found


def in_play(tasks: str) -> str:
    """A play with these tasks; their first line is line 3 of the file."""
    return "- hosts: all\n  tasks:\n" + indent(tasks, "    ")


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Load a text that must be refused: the line with the message, and the hint."""
    monkeypatch.chdir(tmp_path)

    def refuse(text: str) -> tuple[str, str | None]:
        Path("site.yml").write_text(text)
        with pytest.raises(PlaybookError) as caught:
            load_playbook(Path("site.yml"), MODULES)
        place = caught.value.place
        assert place is not None
        assert place.path == "site.yml"
        return f"{place.line}: {caught.value.message}", caught.value.hint

    return refuse


@pytest.mark.parametrize(("text", "message", "hint"), cases("plays"))
def test_what_is_wrong_in_a_play_is_refused(read: Read, text: str, message: str, hint: str | None) -> None:
    assert read(text) == (message, hint)


@pytest.mark.parametrize(("text", "message", "hint"), cases("tasks"))
def test_what_is_wrong_in_a_task_is_refused(read: Read, text: str, message: str, hint: str | None) -> None:
    assert read(in_play(text)) == (message, hint)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n[]\n"])
def test_an_empty_playbook_is_refused(read: Read, text: str) -> None:
    assert read(text) == ("0: the playbook is empty", "write a play: `- hosts: all`")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("roles", "write the role's tasks into a file"),
        ("strategy", "leave it out: hosts go task by task"),
        ("vars_prompt", "give the value with `-e name=value`"),
        ("remote_user", "set `ansible_connection`"),
    ],
)
def test_ansibles_other_words_for_plays_are_refused_by_name(read: Read, word: str, hint: str) -> None:
    message, said = read(f"- hosts: all\n  {word}: x\n")
    assert message == f"2: `{word}` is not supported"
    assert (said or "").startswith(hint)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("local_action", "write the module's name as the key, and `delegate_to: localhost`"),
        ("delegate_facts", "leave it out"),
        ("include_role", "write the role's tasks into a file"),
        ("async", "leave it out"),
        ("with_items", "use `loop` with a list"),
    ],
)
@pytest.mark.parametrize("module", ["", "  command: ls"])
def test_ansibles_other_words_for_tasks_are_refused_by_name(read: Read, word: str, hint: str, module: str) -> None:
    message, said = read(in_play(f"- name: x\n  {word}: y\n{module}"))
    assert message == f"4: `{word}` is not supported"
    assert (said or "").startswith(hint)


def test_a_file_that_is_not_there_is_an_error_of_the_playbook(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="cannot be read"):
        load_playbook(tmp_path / "nosuch.yml", MODULES)
