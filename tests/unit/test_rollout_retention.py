"""Which releases may go: never one that a way back could need."""

from __future__ import annotations

from itertools import product

import pytest

from deployer.model.release import Installed, Release
from deployer.rollout.choose import choose_previous
from deployer.rollout.retention import removable


def has(*names: str, current: str | None = None, healthy: str = "", failed: str = "") -> Installed:
    return Installed(
        root="/srv/shop",
        current=current,
        releases={name: Release(id=name, project="shop", root="/srv/shop") for name in names},
        healthy=frozenset(healthy.split()),
        failed=frozenset(failed.split()),
    )


@pytest.mark.parametrize(
    ("keep", "gone"),
    [(5, ()), (4, ()), (3, ("r1",)), (2, ("r1", "r2")), (1, ("r1", "r2")), (0, ("r1", "r2")), (-3, ("r1", "r2"))],
)
def test_newest_stay(keep: int, gone: tuple[str, ...]) -> None:
    now = has("r1", "r2", "r3", "r4", current="r4", healthy="r1 r2 r3 r4")
    assert removable(now, "r4", keep) == gone


def test_oldest_goes_first_whatever_the_order_of_the_look() -> None:
    assert removable(has("r3", "r1", "r4", "r2", current="r4", healthy="r3"), "r4", 1) == ("r1", "r2")


def test_coming_one_counts_and_stays() -> None:
    now = has("r1", "r2", current="r2", healthy="r1 r2")
    assert removable(now, "r3", 2) == ("r1",)
    assert removable(has("r1", "r2", "r3", current="r1", healthy="r1"), "r1", 1) == ("r2",)


def test_previous_stays_behind_newer_ones_that_failed() -> None:
    now = has("r1", "r2", "r3", "r4", current="r4", healthy="r1 r2 r4", failed="r3")
    assert removable(now, "r4", 1) == ("r1", "r3")


def test_previous_that_was_put_back_is_none() -> None:
    now = has("r1", "r2", "r3", current="r3", healthy="r1 r2 r3", failed="r2")
    assert removable(now, "r3", 1) == ("r2",)


def test_first_release() -> None:
    assert removable(has(), "r1", 5) == ()


@pytest.mark.parametrize("marks", list(product(["", "h", "f", "hf"], repeat=4)))
def test_what_a_rollback_would_choose_always_stays(marks: tuple[str, ...]) -> None:
    names = ("r1", "r2", "r3", "r4")
    healthy = " ".join(name for name, mark in zip(names, marks, strict=True) if "h" in mark)
    failed = " ".join(name for name, mark in zip(names, marks, strict=True) if "f" in mark)
    now = has(*names, current="r4", healthy=healthy, failed=failed)
    gone = removable(now, "r4", 1)
    assert "r4" not in gone
    if set(healthy.split()) - set(failed.split()) - {"r4"}:
        assert choose_previous({"a": now})["a"].id not in gone
