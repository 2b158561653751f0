"""HTTP answers while a release bakes: the share of wrong ones and the slowest five in a hundred, against limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deployer.frozen import dataclass
from deployer.model.action import HttpCheck

ENOUGH = 20  # answers; a share or a percentile of fewer says little


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer: how long it took, and what was wrong with it (None: nothing)."""

    seconds: float
    fault: str | None = None


def has_limits(check: HttpCheck | None) -> bool:
    return check is not None and (check.max_error_share > 0 or check.max_p95 is not None)


def breach(answers: Sequence[Answer], check: HttpCheck) -> str | None:
    """Which limit these answers break, as a sentence; None: none, or there are too few to say."""
    if len(answers) < ENOUGH:
        return None
    wrong = [answer.fault for answer in answers if answer.fault]
    if len(wrong) / len(answers) > check.max_error_share:
        return f"{len(wrong)} of {len(answers)} HTTP answers were wrong: {wrong[-1]}"
    slow = p95([answer.seconds for answer in answers])
    if check.max_p95 is not None and slow > check.max_p95:
        return f"95 of 100 HTTP answers take up to {slow:.2f} s, and {check.max_p95:g} s is the limit"
    return None


def p95(values: Sequence[float]) -> float:
    """The 95th percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]
