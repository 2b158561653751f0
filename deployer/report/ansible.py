"""A run in the form of Ansible's default output, for eyes and scripts that know it.

After ansible-core's plugins/callback/default.py. To stdout goes what Ansible would print, and nothing else; what it has
no words for (gates, the way back, in what state the hosts are, what to type next) goes to stderr in our own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import singledispatchmethod
from pathlib import Path
from typing import IO, TextIO, cast

from deployer.model import event as e
from deployer.model.report import HostOutcome, State, Status, TaskResult
from deployer.report.ansible_results import DEBUG, dumped, is_shown, module_word, retried
from deployer.report.narrate import Narrator
from deployer.report.recap import closing
from deployer.report.stream import Steady, unread
from deployer.report.words import BLANK, Line, harmless, line

COLUMNS = 79  # of a banner, where the terminal has no more
INCLUDE = "include_tasks"
STYLES = {
    "ok": "green", "changed": "yellow", "skipped": "cyan", "included": "cyan", "failed": "red",
    "unreachable": "bright_red", "retrying": "bright_black", "rescued": "green", "ignored": "bright_magenta",
    "added": "green", "removed": "red", "place": "cyan",
}  # fmt: skip
COUNTS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
_HEADERS = {" (on the host)": "--- before: ", " (wanted)": "+++ after: "}
_NARRATED = (e.RunStarted, e.RollbackStarted, e.GateWatching, e.GateJudged, e.Note)  # Ansible has no words for it


class AnsibleReporter:
    """Writes what Ansible would print to one stream, and what it has no words for to another."""

    def __init__(self, stdout: TextIO, stderr: TextIO, *, verbosity: int = 0) -> None:
        self._stdout = Steady(stdout, unread(stderr))
        self._stderr = Steady(stderr)
        self._print = _painter(self._stdout) if stdout.isatty() else None
        self._lines = AnsibleLines(verbosity, columns=_columns(stdout))
        self._narrator = Narrator(verbosity)
        self._writing = threading.Lock()

    def handle(self, event: e.Event) -> None:
        with self._writing:
            for one in self._lines.tell(event):
                self._say(one)
            self._stdout.flush()
            for one in self._beside(event):
                self._stderr.write(one.text.rstrip() + "\n")
            self._stderr.flush()

    def close(self) -> None:
        self._stdout.flush()

    def _say(self, one: Line) -> None:
        if self._print is None:
            self._stdout.write(one.text + "\n")
        else:
            self._print(one)

    def _beside(self, event: e.Event) -> list[Line]:
        if isinstance(event, e.RunFinished):
            return closing(event.report)
        if isinstance(event, e.Retrying) and event.result is None:
            return self._narrator.tell(event)
        if isinstance(event, e.BatchStarted):
            self._narrator.tell(event)  # who is in which batch
        return self._narrator.tell(event) if isinstance(event, _NARRATED) else []


class AnsibleLines:
    """Events to the lines of Ansible's default callback."""

    def __init__(self, verbosity: int = 0, *, columns: int = COLUMNS) -> None:
        self._verbosity = verbosity
        self._columns = columns
        self._play = ""
        self._module = ""
        self._diffs: dict[str, list[str]] = {}  # by host, until its result is there
        self._errors: set[str] = set()  # as in Ansible, the same one is told once

    def tell(self, event: e.Event) -> Iterator[Line]:
        """The lines that an event makes due."""
        yield from self._tell(event)

    @singledispatchmethod
    def _tell(self, event: e.Event) -> Iterator[Line]:
        yield from ()

    # where the run is

    @_tell.register
    def _(self, event: e.PlayStarted) -> Iterator[Line]:
        self._play = event.play.strip()
        yield from self._play_banner()
        if not event.hosts:
            yield line("skipped", "skipping: no hosts matched")

    @_tell.register
    def _(self, event: e.BatchStarted) -> Iterator[Line]:
        if event.number > 1:
            yield from self._play_banner()

    @_tell.register
    def _(self, event: e.TaskStarted) -> Iterator[Line]:
        self._module = module_word(event.module)
        self._diffs = {}
        yield from self._banner(f"{'RUNNING HANDLER' if event.handler else 'TASK'} [{event.task.strip()}]")

    @_tell.register
    def _(self, event: e.MetaDone) -> Iterator[Line]:
        self._module = "meta"
        yield from self._banner(f"TASK [{event.task.strip()}]")
        if event.skipped:
            data = {"skip_reason": event.skipped}
            result = TaskResult(host=event.host, task=event.task, status=Status.SKIPPED, data=data)
            yield self._calm(result, f"skipping: [{event.host}]")

    @_tell.register
    def _(self, event: e.Included) -> Iterator[Line]:
        item = f" => (item={event.label})" if event.label else ""
        yield _said("included", f"included: {Path(event.path).absolute()} for {', '.join(event.hosts)}{item}")

    @_tell.register
    def _(self, event: e.TooManyFailed) -> Iterator[Line]:
        for _ in range(2):  # Ansible says it twice
            yield from self._banner("NO MORE HOSTS LEFT")

    # results

    @_tell.register
    def _(self, event: e.ActionStarted) -> Iterator[Line]:
        if event.diff:
            self._diffs.setdefault(event.host, []).append(event.diff)
        yield from ()

    @_tell.register
    def _(self, event: e.Retrying) -> Iterator[Line]:
        result = event.result
        if result is not None and event.left is not None:
            said = f"FAILED - RETRYING: [{_label(result)}]: {result.task} ({event.left} retries left)."
            if is_shown(self._module, result, self._verbosity - 2):
                said += f"Result was: {retried(self._module, result, event.left, self._verbosity)}"
            yield _said("retrying", said)

    @_tell.register
    def _(self, event: e.HostUnreachable) -> Iterator[Line]:
        data = {"changed": False, "msg": event.message, "unreachable": True}
        result = TaskResult(host=event.host, task="", status=Status.UNREACHABLE, data=data)
        yield self._fatal(result)

    @_tell.register
    def _(self, event: e.ItemDone) -> Iterator[Line]:
        result = event.result
        yield from self._diff(result.host)
        if result.status in (Status.FAILED, Status.IGNORED, Status.UNREACHABLE):
            yield from self._error(result)
            found = dumped(self._module, result, self._verbosity)
            yield _said("failed", f"failed: [{_label(result)}] (item={event.label}) => {found}")
        elif result.status is Status.SKIPPED:
            yield self._calm(result, f"skipping: [{result.host}] => (item={event.label}) ")
        elif self._module != INCLUDE:
            yield self._calm(result, f"{result.status}: [{_label(result)}] => (item={event.label})")

    @_tell.register
    def _(self, event: e.TaskDone) -> Iterator[Line]:
        result = event.result
        yield from self._diff(result.host)
        if result.status in (Status.FAILED, Status.IGNORED, Status.UNREACHABLE):
            yield from self._failed(result)
        elif result.status is Status.SKIPPED:
            yield self._calm(_without_items(result), f"skipping: [{result.host}]")
        elif "results" not in result.data and self._module != INCLUDE:
            yield self._calm(result, f"{result.status}: [{_label(result)}]")

    @_tell.register
    def _(self, event: e.RunFinished) -> Iterator[Line]:
        yield from self._banner("PLAY RECAP")
        for outcome in sorted(event.report.outcomes, key=lambda one: one.host):
            if outcome.state is State.UNREACHABLE or any(getattr(outcome, word) for word in COUNTS):
                yield _counted(outcome)
        yield BLANK

    def _failed(self, result: TaskResult) -> Iterator[Line]:
        """A failure, or one that is ignored. The items of a loop have been told."""
        told = _without_items(result)
        if told is result:
            yield from self._error(result)
        if told is result:
            yield self._fatal(result)
        elif self._module == DEBUG:  # … which Ansible leaves nothing of but the message
            yield self._fatal(replace(told, data={"msg": told.data.get("msg")}))
        if result.status is Status.IGNORED:
            yield line("skipped", "...ignoring")

    def _fatal(self, result: TaskResult) -> Line:
        lost = result.data.get("unreachable")
        found = dumped(self._module, result, self._verbosity)
        verdict, kind = ("UNREACHABLE!", "unreachable") if lost else ("FAILED!", "failed")
        return _said(kind, f"fatal: [{_label(result)}]: {verdict} => {found}")

    def _calm(self, result: TaskResult, said: str) -> Line:
        if is_shown(self._module, result, self._verbosity):
            said += f" => {dumped(self._module, result, self._verbosity)}"
        return _said(str(result.status), said)

    def _error(self, result: TaskResult) -> Iterator[Line]:
        """What went wrong and where it is written, told once however many hosts it happens to."""
        if self._module == INCLUDE:
            return
        message = result.data.get("msg") or result.message or "no reason given"
        if "censored" in result.data:
            message = "hidden by no_log"
        text = f"[ERROR]: Task failed: {message}\nOrigin: {result.place or '?'}\n"
        if text not in self._errors:
            self._errors.add(text)
            yield _said("failed", text)

    def _diff(self, host: str) -> Iterator[Line]:
        for diff in self._diffs.pop(host, ()):
            for text in diff.splitlines():
                yield _said(_diff_kind(text), _with_header(text))
            yield BLANK

    def _play_banner(self) -> Iterator[Line]:
        yield from self._banner(f"PLAY [{self._play}]" if self._play else "PLAY")

    def _banner(self, text: str) -> Iterator[Line]:
        from rich.cells import cell_len

        text = harmless(text)
        yield BLANK
        yield Line((("", f"{text} {'*' * max(3, self._columns - cell_len(text))}"),))


def _said(kind: str, text: str) -> Line:
    return Line(((kind, harmless(text)),))


def _label(result: TaskResult) -> str:
    return f"{result.host} -> {result.delegate}" if result.delegate else result.host


def _without_items(result: TaskResult) -> TaskResult:
    """A loop's result without its items', which have been told; another's as it is."""
    if "results" not in result.data:
        return result
    return replace(result, data={key: value for key, value in result.data.items() if key != "results"})


def _diff_kind(text: str) -> str:
    return {"+": "added", "-": "removed", "@": "place"}.get(text[:1], "")


def _with_header(text: str) -> str:
    """A line of a diff; where it names the file, in Ansible's way."""
    if text == "--- /dev/null":
        return "--- before"
    for ending, start in _HEADERS.items():
        if text[:4] == start[:4] and text.endswith(ending):
            return start + text[4:].removesuffix(ending)
    return text


def _counted(outcome: HostOutcome) -> Line:
    """A line of the recap."""
    numbers = {word: getattr(outcome, word) for word in COUNTS}
    if outcome.state is State.UNREACHABLE:
        numbers["unreachable"] = numbers["unreachable"] or 1
    kind = "failed" if numbers["failed"] or numbers["unreachable"] else "changed" if numbers["changed"] else "ok"
    counts = [(word if number else "", f" {word}={number!s:<4}") for word, number in numbers.items()]
    return Line(((kind, f"{harmless(outcome.host):<26}"), ("", " :"), *counts))


def _columns(stream: TextIO) -> int:
    try:
        return max(COLUMNS, os.get_terminal_size(stream.fileno()).columns - 1)
    except (OSError, ValueError):
        return COLUMNS


def _painter(stream: Steady) -> Callable[[Line], None]:
    """What writes lines in colour; NO_COLOR and TERM are rich's to read."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=cast(IO[str], stream), highlight=False, markup=False, emoji=False)

    def paint(one: Line) -> None:
        console.print(Text.assemble(*((text, STYLES.get(kind, "")) for kind, text in one.parts)), soft_wrap=True)

    return paint
