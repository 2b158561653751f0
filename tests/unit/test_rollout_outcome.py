"""Outcomes to exit codes and counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import ExitCode
from deployer.model.report import Done, HostOutcome, State, Status, TaskResult
from deployer.rollout.outcome import count, exit_code


def outcomes(*states: State, actions: int = 1) -> list[HostOutcome]:
    return [
        HostOutcome(host=f"h{number}", state=state, actions=0 if state is State.UNREACHABLE else actions)
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "failed", "code"),
    [
        ((), False, ExitCode.OK),
        ((State.UNCHANGED,), False, ExitCode.OK),
        ((State.DEPLOYED, State.UNCHANGED), False, ExitCode.OK),
        ((State.CHANGED,), False, ExitCode.OK),
        ((State.PENDING, State.UNCHANGED), False, ExitCode.OK),
        ((State.ROLLED_BACK, State.ROLLED_BACK), True, ExitCode.ROLLED_BACK),
        ((State.STOPPED,), True, ExitCode.ROLLED_BACK),
        ((State.ROLLED_BACK, State.UNTOUCHED), True, ExitCode.ROLLED_BACK),
        ((State.UNTOUCHED,), True, ExitCode.ROLLED_BACK),
        ((State.ROLLED_BACK, State.UNREACHABLE), True, ExitCode.ROLLED_BACK),
        ((State.BROKEN,), True, ExitCode.MIXED),
        ((State.BROKEN, State.ROLLED_BACK), True, ExitCode.MIXED),
        ((State.BROKEN,), False, ExitCode.MIXED),
        ((State.DEPLOYED, State.ROLLED_BACK), True, ExitCode.MIXED),
        ((State.DEPLOYED,), True, ExitCode.MIXED),
    ],
)
def test_code(states: tuple[State, ...], failed: bool, code: ExitCode) -> None:
    assert exit_code(outcomes(*states), failed=failed) is code


def test_unreachable_before_anything_was_done() -> None:
    found = outcomes(State.UNREACHABLE, State.UNTOUCHED, actions=0)
    assert exit_code(found, failed=True) is ExitCode.UNREACHABLE


def test_lost_after_something_was_done_is_another_thing() -> None:
    assert exit_code(outcomes(State.UNREACHABLE, State.UNTOUCHED), failed=True) is ExitCode.ROLLED_BACK


@pytest.mark.parametrize("state", State)
def test_no_failure_is_ever_ok(state: State) -> None:
    assert exit_code(outcomes(state), failed=True) is not ExitCode.OK


def result(status: Status, actions: int = 0) -> TaskResult:
    done = tuple(Done(title="t", because="b") for _ in range(actions))
    return TaskResult(host="a", task="t", status=status, actions=done)


def test_counts_are_ansibles() -> None:
    results = [
        result(Status.OK), result(Status.CHANGED, 2), result(Status.CHANGED, 1), result(Status.SKIPPED),
        result(Status.FAILED, 1), result(Status.IGNORED), result(Status.UNREACHABLE),
        replace(result(Status.FAILED), rescued=True), replace(result(Status.IGNORED), data={"changed": True}),
    ]  # fmt: skip
    assert count(iter(results)) == {
        "ok": 5, "changed": 3, "failed": 1, "skipped": 1, "rescued": 1, "ignored": 2, "unreachable": 1, "actions": 4,
    }  # fmt: skip


def test_nothing_counts_nothing() -> None:
    assert set(count([]).values()) == {0}
