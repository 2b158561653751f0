"""Medians and spreads, and how they read."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Several runs of one thing."""

    median: float
    low: float
    high: float
    runs: int

    def __str__(self) -> str:
        return f"{seconds(self.median)} ({seconds(self.low)} – {seconds(self.high)}, {self.runs})"


def spread(values: Sequence[float]) -> Spread:
    """The median, the extremes and the number of values; ValueError for none."""
    if not values:
        raise ValueError("no values")
    return Spread(statistics.median(values), min(values), max(values), len(values))


def seconds(value: float) -> str:
    """A time with as many digits as mean something: 0.132, 1.62, 10.2, 61."""
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 60 else 0
    return f"{value:.{digits}f}"


def size(count: float) -> str:
    """A number of bytes in decimal units."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.{0 if count >= 100 * factor else 1}f} {unit}"
    return f"{count:.0f} B"
