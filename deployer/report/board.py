"""What every host is doing right now, as rows for the live view. How they get onto a terminal is live's business."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from functools import singledispatchmethod

from deployer.model import event as e
from deployer.report.words import brief, clean, count, duration, size


class Mood(IntEnum):
    """How much a host wants to be seen, most first."""

    FAILED = 0
    BUSY = 1
    WAITING = 2
    DONE = 3


@dataclass
class Row:
    """One host: what it does, since when (seconds of the board's clock), and how many bytes of how many."""

    host: str
    mood: Mood = Mood.WAITING
    doing: str = "waiting"
    since: float = 0.0
    done: int = 0
    total: int = 0

    def bytes_done(self, *, narrow: bool) -> str:
        """ "12.3 MB of 40.0 MB  31 %"; the percent alone where there is little room."""
        if not self.total:
            return ""
        percent = f"{min(100, self.done * 100 // self.total)} %"
        return percent if narrow else f"{size(self.done)} of {size(self.total)}  {percent:>5}"

    def elapsed(self, now: float) -> str:
        return _whole(now - self.since) if self.mood == Mood.BUSY else ""


@dataclass
class Board:
    """The rows by host name, and where the run is."""

    rows: dict[str, Row] = field(default_factory=dict)
    started: float = 0.0
    what: str = ""
    batch: str = ""
    task: str = ""

    def see(self, event: e.Event, now: float) -> None:
        """Take in an event that happened at `now`."""
        self._see(event, now)

    def most_telling(self, room: int) -> tuple[list[Row], str]:
        """All rows in the inventory's order; if there is no room, failing and busy ones and a line about the others."""
        if len(self.rows) <= room:
            return list(self.rows.values()), ""
        ranked = sorted(self.rows.values(), key=lambda row: row.mood)
        hidden = Counter(row.mood for row in ranked[room - 1 :])
        words = ", ".join(f"{hidden[mood]} {mood.name.lower()}" for mood in Mood if hidden[mood])
        return ranked[: room - 1], f"and {count(sum(hidden.values()), 'more host')}: {words}"

    def header(self, now: float) -> str:
        """What runs, which batch, which task, how long."""
        parts = (self.what, self.batch, self.task, _whole(now - self.started))
        return clean("  ".join(part for part in parts if part))

    def _set(self, host: str, mood: Mood, doing: str, now: float) -> None:
        self.rows[host] = Row(clean(host), mood, brief(doing), now)

    @singledispatchmethod
    def _see(self, event: e.Event, now: float) -> None:
        """Most events say nothing about what a host does now."""

    @_see.register
    def _(self, event: e.RunStarted, now: float) -> None:
        self.started, self.what = now, f"{event.verb} {event.environment}{' (check)' if event.check else ''}"
        for host in event.hosts:
            self._set(host, Mood.WAITING, "waiting", now)

    @_see.register
    def _(self, event: e.HostDoing, now: float) -> None:
        self._set(event.host, Mood.BUSY, event.doing, now)

    @_see.register
    def _(self, event: e.HostConnected, now: float) -> None:
        self._set(event.host, Mood.WAITING, "connected", now)

    @_see.register
    def _(self, event: e.HostUnreachable, now: float) -> None:
        self._set(event.host, Mood.FAILED, f"unreachable: {event.message}", now)

    @_see.register
    def _(self, event: e.Retrying, now: float) -> None:
        self._set(event.host, Mood.BUSY, f"retrying: {event.message}", now)

    @_see.register
    def _(self, event: e.BatchStarted, now: float) -> None:
        self.batch = f"batch {event.number} of {event.of}" if event.of > 1 else ""

    @_see.register
    def _(self, event: e.TaskStarted, now: float) -> None:
        self.task = event.task

    @_see.register
    def _(self, event: e.ActionStarted, now: float) -> None:
        self._set(event.host, Mood.BUSY, event.title, now)

    @_see.register
    def _(self, event: e.Progress, now: float) -> None:
        if event.host not in self.rows or self.rows[event.host].mood != Mood.BUSY:
            self._set(event.host, Mood.BUSY, "transferring", now)
        self.rows[event.host].done, self.rows[event.host].total = event.done, event.total

    @_see.register
    def _(self, event: e.TaskDone, now: float) -> None:
        result = event.result
        mood = Mood.FAILED if result.failed else Mood.DONE
        said = f"{result.status}: {result.message}" if result.failed else f"{result.status}: {result.task}"
        self._set(result.host, mood, said, now)

    @_see.register
    def _(self, event: e.GateWatching, now: float) -> None:
        row = self.rows.get(event.host)
        since = row.since if row and row.doing.startswith("gate: ") else now
        self._set(event.host, Mood.BUSY, f"gate: {event.message}", since)

    @_see.register
    def _(self, event: e.GateJudged, now: float) -> None:
        mood, word = (Mood.DONE, "healthy") if event.healthy else (Mood.FAILED, "unhealthy")
        self._set(event.host, mood, f"{word}: {event.because}", now)

    @_see.register
    def _(self, event: e.RollbackStarted, now: float) -> None:
        self.batch = "rolling back"
        for host, release in event.targets.items():
            self._set(host, Mood.WAITING, f"goes back to {release}" if release else "will be stopped", now)


def _whole(seconds: float) -> str:
    """A duration that counts up: without tenths."""
    return f"{int(seconds)} s" if seconds < 10 else duration(float(int(seconds)))
