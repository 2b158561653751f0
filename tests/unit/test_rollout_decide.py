"""What comes next for the fleet after a batch."""

from __future__ import annotations

from deployer.rollout.decide import Advance, Progress, RollBack, Stop, decide

FINE = Progress()
TOUCHED = Progress(touched=True)


def test_nothing_failed() -> None:
    assert decide([("a",), ("b",)], {"a": TOUCHED, "b": TOUCHED}) == Advance()


def test_nothing_happened() -> None:
    assert decide([], {"a": FINE}) == Advance()


def test_failed_before_any_host_was_touched() -> None:
    assert decide([], {"a": FINE, "b": Progress(failed="no space left")}) == Stop(because="b: no space left")


def test_touched_hosts_go_back_newest_batch_first() -> None:
    progress = {"a": TOUCHED, "b": TOUCHED, "c": Progress(touched=True, failed="unhealthy"), "d": FINE}
    assert decide([("a",), ("b", "c")], progress) == RollBack(groups=(("b", "c"), ("a",)), because="c: unhealthy")


def test_untouched_hosts_of_a_touched_batch_stay_as_they_are() -> None:
    progress = {"a": TOUCHED, "b": FINE, "c": Progress(failed="lost")}
    assert decide([("a", "b", "c")], progress) == RollBack(groups=(("a",),), because="c: lost")


def test_each_host_once_in_its_newest_batch() -> None:
    progress = {"a": TOUCHED, "b": TOUCHED, "c": Progress(touched=True, failed="x")}
    decision = decide([("a", "b", "c"), ("a",), ("b",)], progress)
    assert decision == RollBack(groups=(("b",), ("a",), ("c",)), because="c: x")


def test_batch_without_a_touched_host_is_no_group() -> None:
    progress = {"a": TOUCHED, "b": Progress(failed="x")}
    assert decide([("a",), ("b",)], progress) == RollBack(groups=(("a",),), because="b: x")


def test_the_first_failure_is_the_reason() -> None:
    progress = {"a": Progress(failed="first"), "b": Progress(failed="second")}
    assert decide([], progress) == Stop(because="a: first")
