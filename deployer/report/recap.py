"""A run's Report to its last lines: a recap per host as Ansible users know it, and in what state the hosts are now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from deployer.errors import ExitCode
from deployer.model.report import HostOutcome, Report, State
from deployer.report.words import BLANK, Line, clean, count, duration, line, paragraph

_COUNTS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
_BAD = (State.BROKEN, State.UNREACHABLE)
_PUT_BACK = (State.ROLLED_BACK, State.STOPPED)


def recap(report: Report) -> list[Line]:
    """The result of a run, for stdout; broken hosts come with the next command to type."""
    return [replace(part, result=True) for part in _recap(report)]


def closing(report: Report) -> list[Line]:
    """What comes after the hosts' lines: who is not as wanted, in what state all are, what to type next."""
    return [replace(part, result=True) for part in _closing(report)]


def sentence(report: Report) -> str:
    """In what state the hosts are, in one sentence, with the exit code and the seconds."""
    return f"{_state_of_all(report)} (exit {int(report.exit_code)}, {duration(report.seconds)})"


def _recap(report: Report) -> Iterator[Line]:
    if report.outcomes:
        yield BLANK
        yield line("heading", "PLAY RECAP")
        yield from _host_lines(report)
    yield BLANK
    yield from _closing(report)


def _closing(report: Report) -> Iterator[Line]:
    for outcome in report.outcomes:
        yield from _trouble(outcome, report.environment)
    if report.message not in {"", *(f"{outcome.host}: {outcome.because}" for outcome in report.outcomes)}:
        yield from paragraph("failed" if _is_bad(report) else "", report.message)
    yield line(_kind_of(report), sentence(report))
    if report.hint:
        yield line("hint", f"next: {report.hint}")


def _host_lines(report: Report) -> Iterator[Line]:
    outcomes = report.outcomes
    name_width = max(len(clean(outcome.host)) for outcome in outcomes)
    state_width = max(len(outcome.state) for outcome in outcomes)
    widths = {word: max(len(_counted(outcome, word)) for outcome in outcomes) for word in _COUNTS}
    for outcome in outcomes:
        counts = " ".join(_counted(outcome, word).ljust(widths[word]) for word in _COUNTS)
        ends = (outcome.state.ljust(state_width) + "  " + _releases(outcome, check=report.check)).rstrip()
        kind = _kind_of_host(outcome)
        yield Line(((kind, clean(outcome.host).ljust(name_width)), ("", f" : {counts}   "), (kind, clean(ends))))


def _counted(outcome: HostOutcome, word: str) -> str:
    return f"{word}={getattr(outcome, word)}"


def _releases(outcome: HostOutcome, *, check: bool) -> str:
    before, after = outcome.before, outcome.after
    if before == after or (check and not after):
        return before or ""
    if check:
        return f"{before or 'nothing'} -> {after}"
    unknown = "release unknown" if outcome.state in _BAD else "no release"
    return f"{after or unknown} ({f'was {before}' if before else 'the first release'})"


def _trouble(outcome: HostOutcome, environment: str) -> Iterator[Line]:
    """Why a host is not as wanted and what to type next; a broken host always gets a command."""
    fallback = f"deploy status {environment} --limit {outcome.host}" if outcome.state == State.BROKEN else None
    hint = outcome.hint or fallback
    if outcome.because or hint:
        why = f": {outcome.because}" if outcome.because else ""
        yield from paragraph(_kind_of_host(outcome), f"{outcome.host} is {outcome.state}{why}")
    if hint:
        yield line("hint", f"  next: {hint}")


def _state_of_all(report: Report) -> str:
    if report.check and report.exit_code in (ExitCode.OK, ExitCode.PENDING):
        return _pending(report.outcomes)
    releases = any(outcome.after or outcome.before for outcome in report.outcomes)
    if report.exit_code == ExitCode.OK and report.outcomes and not releases:
        return "every host is as the playbook says"
    stopped = [outcome.host for outcome in report.outcomes if outcome.state == State.STOPPED]
    if report.exit_code == ExitCode.ROLLED_BACK and stopped:
        return f"{report.exit_code.meaning}; stopped, for there was none: {', '.join(stopped)}"
    return report.exit_code.meaning


def _pending(outcomes: Sequence[HostOutcome]) -> str:
    acting = [outcome for outcome in outcomes if outcome.actions]
    if not acting:
        return "no actions: every host is as wanted; nothing was changed"
    actions = count(sum(outcome.actions for outcome in acting), "action")
    return f"{actions} on {count(len(acting), 'host')}; nothing was changed"


def _is_bad(report: Report) -> bool:
    return report.exit_code not in (ExitCode.OK, ExitCode.PENDING, ExitCode.PAUSED)


def _kind_of(report: Report) -> str:
    if _is_bad(report):
        return "failed"
    return "ok" if report.exit_code == ExitCode.OK and not report.check else "changed"


def _kind_of_host(outcome: HostOutcome) -> str:
    if outcome.state in _BAD or (outcome.failed and outcome.state not in _PUT_BACK):
        return "failed"
    if outcome.state in _PUT_BACK:
        return "rollback"
    return "changed" if outcome.state in (State.DEPLOYED, State.CHANGED, State.PENDING) else "ok"
