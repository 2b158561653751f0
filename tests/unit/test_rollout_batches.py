"""Batches are cut as Ansible cuts them."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.errors import PlaybookError
from deployer.rollout.batches import batches

SIX = ("a", "b", "c", "d", "e", "f")


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [
        (None, [6]),
        (0, [6]),
        (-1, [6]),
        (1, [1, 1, 1, 1, 1, 1]),
        (2, [2, 2, 2]),
        (4, [4, 2]),
        (6, [6]),
        (100, [6]),
        ("2", [2, 2, 2]),
        ("30%", [1, 1, 1, 1, 1, 1]),
        ("50%", [3, 3]),
        ("34%", [2, 2, 2]),
        ("1%", [1, 1, 1, 1, 1, 1]),
        ("0%", [1, 1, 1, 1, 1, 1]),
        ("100%", [6]),
        ("250%", [6]),
        (" 50% ", [3, 3]),
        ("33.4%", [2, 2, 2]),
        ([1], [1, 1, 1, 1, 1, 1]),
        ([1, 2], [1, 2, 2, 1]),
        ([1, "100%"], [1, 5]),
        ([1, "50%"], [1, 3, 2]),
        ((1, 2, 3), [1, 2, 3]),
        ([2, 1, 1], [2, 1, 1, 1, 1]),
        ([1, 0], [1, 5]),
        ([0, 1], [6]),
        ([], [6]),
    ],
)
def test_cuts(serial: Any, sizes: list[int]) -> None:
    cut = batches(SIX, serial)
    assert [len(batch) for batch in cut] == sizes
    assert tuple(host for batch in cut for host in batch) == SIX


def test_no_host_is_no_batch() -> None:
    assert batches((), [1, "100%"]) == ()


@pytest.mark.parametrize("serial", ["many", "%", "1.5", "x%", {"a": 1}, [1, "half"], True, [None, "two"]])
def test_what_is_no_serial_is_refused(serial: Any) -> None:
    with pytest.raises(PlaybookError, match="`serial` must be a number") as caught:
        batches(SIX, serial)
    assert caught.value.hint
