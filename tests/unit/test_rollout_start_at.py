"""`--start-at-task`: what is left of a playbook."""

from __future__ import annotations

import pytest

from deployer.model.playbook import Block, Play, Playbook, Task, tasks_of
from deployer.rollout.start_at import names, start_at


def task(name: str) -> Task:
    return Task(name=name, module="command")


BOOK = Playbook(
    path="site.yml",
    plays=(
        Play(name="first", hosts="all", tasks=(task("a"),)),
        Play(
            name="second",
            hosts="all",
            pre_tasks=(task("b"),),
            tasks=(Block(tasks=(task("c"), task("d")), rescue=(task("r"),), always=(task("e"),)), task("f")),
            post_tasks=(task("g"),),
        ),
    ),
)


@pytest.mark.parametrize(
    ("name", "left"), [("a", "abcdrefg"), ("b", "bcdrefg"), ("d", "drefg"), ("e", "refg"), ("[fx]", "fg"), ("g", "g")]
)
def test_what_comes_before_is_left_out(name: str, left: str) -> None:
    found = start_at(BOOK, name)
    assert found is not None
    assert "".join(one.name for play in found.plays for one in play.all_tasks) == left


@pytest.mark.parametrize("name", ["nosuch", "r", ""])
def test_a_name_that_nothing_has_leaves_nothing(name: str) -> None:
    assert start_at(BOOK, name) is None


def test_all_names_can_be_told() -> None:
    assert "".join(names(BOOK)) == "abcdrefg"
    assert [one.name for one in tasks_of(BOOK.plays[1].tasks)] == ["c", "d", "r", "e", "f"]
