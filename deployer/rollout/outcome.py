"""Results to outcomes and an exit code: in what state are the hosts?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from deployer.errors import ExitCode
from deployer.model.report import HostOutcome, State, Status, TaskResult

WORDS = ("ok", "changed", "failed", "skipped", "rescued", "ignored", "unreachable")
_SAFE = (State.UNTOUCHED, State.ROLLED_BACK, State.STOPPED, State.UNCHANGED, State.CHANGED)


def exit_code(outcomes: Sequence[HostOutcome], *, failed: bool) -> ExitCode:
    """The exit code that a run's outcomes deserve; `failed` says that something went wrong on the way."""
    states = {outcome.state for outcome in outcomes}
    if State.BROKEN in states:
        return ExitCode.MIXED
    if not failed:
        return ExitCode.OK
    if State.UNREACHABLE in states and all(outcome.actions == 0 for outcome in outcomes):
        return ExitCode.UNREACHABLE
    return ExitCode.ROLLED_BACK if all(state in (*_SAFE, State.UNREACHABLE) for state in states) else ExitCode.MIXED


def count(results: Iterable[TaskResult]) -> dict[str, int]:
    """How many tasks ended how, by the names of HostOutcome's fields; and how many changes they made."""
    results = list(results)
    words = Counter("rescued" if result.rescued else str(result.status) for result in results)
    counted = {word: words[word] for word in WORDS}
    ignored = [result for result in results if result.status is Status.IGNORED]
    counted["changed"] += sum(bool(result.data.get("changed")) for result in ignored)
    counted["ok"] += words[str(Status.CHANGED)] + len(ignored)
    counted["actions"] = sum(done.changes for result in results for done in result.actions)
    return counted
