"""What comes next for the fleet, from what happened so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from deployer.frozen import dataclass
from deployer.rollout.batches import Batch


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one host has come: did the run change what it serves, and why did it fail, if it did."""

    touched: bool = False
    failed: str | None = None
    undecided: bool = False  # … because its gate could not say
    tolerated: bool = False  # … and max_fail_percentage lets the others go on without it


@dataclass(frozen=True)
class Advance:
    """Go on with the next batch, or the next play."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """End here: something failed before any host's release was changed."""

    because: str


@dataclass(frozen=True, kw_only=True)
class RollBack:
    """Put these hosts back, one group after the other: the newest batch first."""

    groups: tuple[Batch, ...]
    because: str


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Leave everything as it is, for a person to promote or abort."""

    because: str


Decision = Advance | Stop | RollBack | Pause
OnFailure = Literal["rollback", "batch", "halt"]


def decide(touched: Sequence[Batch], progress: Mapping[str, Progress], on_failure: OnFailure = "rollback") -> Decision:
    """Decide after the walk: any failure puts every touched host back, in all batches.

    `touched` holds the batches in which hosts were switched, in the order in which that happened. With `batch` only
    the newest of them goes back; with `halt` all is left to a person.
    """
    failures = [f"{host}: {state.failed}" for host, state in progress.items() if state.failed]
    if not failures:
        return Advance()
    if all(state.tolerated for state in progress.values() if state.failed):
        progress = {host: state if state.failed else Progress() for host, state in progress.items()}
    if all(state.undecided for state in progress.values() if state.failed):
        return Pause(because=failures[0])
    groups = tuple(_newest_first(touched, progress))
    if not groups or on_failure == "halt":
        return Stop(because=failures[0])
    return RollBack(groups=groups[:1] if on_failure == "batch" else groups, because=failures[0])


def _newest_first(touched: Sequence[Batch], progress: Mapping[str, Progress]) -> Iterator[Batch]:
    """Each touched host once, in the newest batch that it was in."""
    done: set[str] = set()
    for batch in reversed(touched):
        group = tuple(host for host in batch if progress[host].touched and host not in done)
        done.update(group)
        if group:
            yield group
