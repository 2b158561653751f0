"""Which tasks run for --tags and --skip-tags: the same ones as with Ansible."""

from __future__ import annotations

import pytest

from deployer.rollout.tags import is_selected

TASKS = {
    "plain": "",
    "a": "a",
    "b": "b",
    "ab": "a b",
    "always": "always",
    "always_a": "always a",
    "never": "never",
    "never_a": "never a",
}


@pytest.mark.parametrize(
    ("tags", "skip_tags", "run"),
    [
        ("", "", "plain a b ab always always_a"),
        ("a", "", "a ab always always_a never_a"),
        ("a b", "", "a b ab always always_a never_a"),
        ("all", "", "plain a b ab always always_a"),
        ("tagged", "", "a b ab always always_a"),
        ("untagged", "", "plain always always_a"),
        ("always", "", "always always_a"),
        ("never", "", "always always_a never never_a"),
        ("nosuch", "", "always always_a"),
        ("", "a", "plain b always"),
        ("", "always", "plain a b ab"),
        ("", "tagged", "plain"),
        ("", "untagged", "a b ab always always_a"),
        ("", "all", "always always_a"),
        ("a", "b", "a always always_a never_a"),
        ("a", "a", "always"),
        ("never", "never", "always always_a"),
        ("all", "a", "plain b always"),
    ],
)
def test_tasks_that_run(tags: str, skip_tags: str, run: str) -> None:
    wanted, skipped = frozenset(tags.split()), frozenset(skip_tags.split())
    selected = [name for name, own in TASKS.items() if is_selected(frozenset(own.split()), wanted, skipped)]
    assert selected == run.split()


def test_always_is_stronger_than_never() -> None:
    assert is_selected(frozenset({"always", "never"}), frozenset(), frozenset())
