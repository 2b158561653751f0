"""What is bound before any host is contacted, and what has to wait for an earlier task."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.config.static import check_playbook
from deployer.errors import PlaybookError
from deployer.modules.all import MODULES


def check(tmp_path: Path, tasks: str, **variables: object) -> None:
    path = tmp_path / "play.yml"
    lines = dedent(tasks).strip("\n").splitlines()
    path.write_text("- hosts: all\n  tasks:\n" + "".join(f"    {line}\n" for line in lines))
    known = {**variables}
    check_playbook(
        load_playbook(path, MODULES), Language(MODULES), lambda play: ("a",),
        lambda host, play, task: {**known, **(task.variables if task else {})},
    )  # fmt: skip


@pytest.mark.parametrize(
    "later",
    [
        "debug: {msg: '{{ found.rc }}'}",
        "assert: {that: found.rc == 0}",
        "assert: {that: [true, found.rc == 0]}",
        "debug: {var: found.rc}",
        "debug: {msg: '{{ through }}'}",
        "command: echo\n  when: through == '0'",
    ],
)
@pytest.mark.parametrize("first", ["command: 'true'\n  register: found", "set_fact: {found: {rc: 0}}"])
def test_what_an_earlier_task_sets_is_waited_for(tmp_path: Path, first: str, later: str) -> None:
    tasks = f"- {first}\n- {later}\n"
    check(tmp_path, tasks, through="{{ also }}", also="{{ found.rc }}")
    if "var:" in later:  # what is undefined is said to be
        return
    with pytest.raises(PlaybookError, match="found"):
        check(tmp_path, f"- {later}\n", through="{{ also }}", also="{{ found.rc }}")


def test_variables_that_ask_for_each_other_end(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError):
        check(tmp_path, "- debug: {msg: '{{ one }}'}", one="{{ two }}", two="{{ one }}")
