"""Hosts and `serial` to batches, as Ansible cuts them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from deployer.errors import PlaybookError

Batch = tuple[str, ...]


def ordered(hosts: Sequence[str], order: str, seed: str) -> tuple[str, ...]:
    """Hosts in the order that a play asks for; `seed` makes `shuffle` the same each time within one run."""
    if order == "shuffle":
        return tuple(random.Random(seed).sample(hosts, len(hosts)))  # noqa: S311
    found = sorted(hosts) if "sorted" in order else list(hosts)
    return tuple(reversed(found)) if order.startswith("reverse") else tuple(found)


def exceeds(failed: int, size: int, percentage: float) -> bool:
    """Whether more of a batch's hosts have failed than may: strictly more, as in Ansible."""
    return failed / size > percentage / 100


def batches(hosts: Sequence[str], serial: Any) -> tuple[Batch, ...]:
    """Cut hosts, in their order, into batches.

    `serial` is a number, a percentage of all the hosts ("30%": at least one host), or a list of both whose last
    item repeats. Unset, 0 or negative means one batch. Raises PlaybookError for anything else.
    """
    if not hosts:
        return ()
    wanted = (serial or [None]) if isinstance(serial, list | tuple) else [serial]
    steps = [_size(step, len(hosts)) for step in wanted]
    cut: list[Batch] = []
    start = 0
    while start < len(hosts):
        size = steps[min(len(cut), len(steps) - 1)]
        end = len(hosts) if size <= 0 else start + size
        cut.append(tuple(hosts[start:end]))
        start = end
    return tuple(cut)


def _size(step: Any, total: int) -> int:
    if step is None:
        return 0
    text = str(step).strip()
    try:
        return max(1, int(float(text[:-1]) / 100 * total)) if text.endswith("%") else int(text)
    except ValueError:
        raise PlaybookError(
            f"`serial` must be a number, a percentage or a list of both, got {step!r}",
            hint='serial: [1, "25%", "100%"]',
        ) from None
