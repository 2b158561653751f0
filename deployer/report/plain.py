"""Lines for logs, CI and cron: no colour, no cursor, whole lines only. The words come from narrate and recap."""

from __future__ import annotations

import threading
from typing import TextIO

from deployer.model.event import Event
from deployer.report.narrate import Narrator
from deployer.report.stream import Steady
from deployer.report.words import Line


class PlainReporter:
    """Writes progress to one stream and the result (recap; in check mode the plan too) to another."""

    def __init__(self, progress: TextIO, result: TextIO | None = None, *, verbosity: int = 0) -> None:
        self._progress = Steady(progress)
        self._result = self._progress if result in (None, progress) else Steady(result or progress)
        self._narrator = Narrator(verbosity)
        self._writing = threading.Lock()

    def handle(self, event: Event) -> None:
        with self._writing:
            self._write(self._narrator.tell(event))

    def close(self) -> None:
        with self._writing:
            self._write(self._narrator.rest())

    def _write(self, lines: list[Line]) -> None:
        for line in lines:
            stream = self._result if line.result else self._progress
            stream.write(line.text.rstrip() + "\n")
            stream.flush()
