"""A run as JSON, one event a line, for programs. What the events mean is `deployer.model.event`'s to say.

Every line is an object with `event` (the class's name: RunStarted, HostDoing, HostConnected, HostUnreachable, Retrying,
PlayStarted, BatchStarted, TaskStarted, MetaDone, ActionStarted, Output, Progress, ItemDone, TaskDone, Included,
TooManyFailed, GateWatching, GateJudged, RollbackStarted, PersonAsked, PersonAnswered, Note, RunFinished), `time`
(RFC 3339, UTC) and that event's fields under their own names:

    {"event": "ActionStarted", "time": "2026-11-22T06:30:00.125Z", "host": "web1", "task": "…", "title": "…",
     "because": "…", "planned": false, "diff": null}

- Enums are their values; bytes are never shown, only counted: "(12 bytes)"; numbers that JSON has not are strings.
- `Progress` comes at most once a second for a host, and when a transfer is complete.
- The last line is RunFinished; its `report` is the whole Report: `exit_code` (a number), `outcomes`, `results`,
  `seconds`, `check`, `message`, `hint`; an outcome's `traffic` counts connections, execs and bytes. Beside it:
  `meaning`, the exit code's sentence, and `actions`, their number.

New keys may come; those that exist keep their meaning.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TextIO

from deployer.model.event import Event, Progress, RunFinished
from deployer.report.stream import Steady
from deployer.report.words import encodable

PROGRESS_EVERY = 1.0  # seconds


class JsonReporter:
    """Writes every event as one line of JSON."""

    def __init__(
        self, stream: TextIO, *, now: Callable[[], float] = time.time, gone: Callable[[], object] | None = None
    ) -> None:
        self._stream = Steady(stream, gone)
        self._now = now  # seconds since 1970
        self._progress: dict[str, float] = {}  # host -> when its last Progress was written

    def handle(self, event: Event) -> None:
        now = self._now()
        if isinstance(event, Progress) and not self._due(event, now):
            return
        record = {"event": type(event).__name__, "time": rfc3339(now), **plain(event), **_summary(event)}
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()

    def _due(self, event: Progress, now: float) -> bool:
        last = self._progress.get(event.host, -math.inf)
        if event.done < event.total and now - last < PROGRESS_EVERY:
            return False
        self._progress[event.host] = now
        return True


def rfc3339(seconds: float) -> str:
    """A time in seconds since 1970 as RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """The value in terms that JSON knows: dataclasses and mappings as objects, anything else as its text."""
    if isinstance(value, Enum):
        return plain(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {encodable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [plain(item) for item in sorted(value, key=str)]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"({len(value)} bytes)"
    return encodable(str(value))


def _summary(event: Event) -> dict[str, Any]:
    if not isinstance(event, RunFinished):
        return {}
    return {"meaning": event.report.exit_code.meaning, "actions": event.report.actions}
