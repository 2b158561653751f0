"""A run on a terminal: finished lines scroll as in a log, below them one row per host says what it is doing.

The words are narrate's, the rows are board's; here they get colours and a place on the screen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, TextIO, cast

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from deployer.model.event import Event, PersonAnswered, PersonAsked, RunFinished
from deployer.report.board import Board, Mood, Row
from deployer.report.narrate import Narrator
from deployer.report.stream import Steady
from deployer.report.words import Line

FRAMES_PER_SECOND = 8
NARROW = 60  # columns below which a row shows no byte counts
HOST_WIDTH = 24  # columns at most

STYLES = {
    "heading": "bold",
    "ok": "green",
    "changed": "yellow",
    "skipped": "cyan",
    "failed": "bold red",
    "ignored": "magenta",
    "unreachable": "bold red",
    "rollback": "bold magenta",
    "warning": "bright_magenta",
    "hint": "bold cyan",
    "host": "blue",
    "because": "dim",
    "output": "dim",
    "error output": "red",
    "quiet": "dim",
    "added": "green",
    "removed": "red",
}
_MARKS = {Mood.FAILED: ("✗", "x"), Mood.WAITING: ("·", "."), Mood.DONE: ("✓", "+")}
_SPINNER = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\")
_MOOD_STYLES = {Mood.FAILED: "bold red", Mood.BUSY: "yellow", Mood.WAITING: "dim", Mood.DONE: "green"}


class LiveReporter:
    """Draws on `progress`; the result goes to `result`, which may be a file or the same terminal.

    A thread draws a few times a second, so that no event ever waits for the terminal.
    """

    def __init__(
        self, progress: TextIO, result: TextIO, *, verbosity: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = _console(progress)
        self._result = _console(result)
        self._same_screen = result.isatty()
        self._clock = clock
        self._narrator = Narrator(verbosity)
        self._board = Board(started=clock())
        self._lines: list[Line] = []
        self._state = threading.Lock()  # guards narrator, board and lines; never held while writing
        self._drawing = threading.Lock()
        self._ended = threading.Event()
        self._live = Live(
            get_renderable=lambda: _Rows(self),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._ticker = threading.Thread(target=self._tick, name="live view", daemon=True)

    def handle(self, event: Event) -> None:
        with self._state:
            self._board.see(event, self._clock())
            self._lines += self._narrator.tell(event)
        if isinstance(event, RunFinished):
            self._stop()
        elif isinstance(event, PersonAsked):
            self._yield_screen()
        elif isinstance(event, PersonAnswered):
            self._live.start()
        elif not self._ticker.ident:
            self._live.start()
            self._ticker.start()

    def _yield_screen(self) -> None:
        """Take the rows away: the cursor is a person's."""
        with self._drawing:
            self._print_due()
            self._live.stop()

    def close(self) -> None:
        with self._state:
            self._lines += self._narrator.rest()
        self._stop()

    def draw(self) -> None:
        """Print the lines that are due and redraw the rows."""
        with self._drawing:
            self._print_due()
            if self._live.is_started:
                self._live.refresh()

    def rows(self, width: int, height: int) -> list[Text]:
        """The live region as it is now: at most half of the terminal."""
        unicode = self._console.encoding.startswith("utf")
        now = self._clock()
        with self._state:
            header = self._board.header(now)
            rows, others = self._board.most_telling(max(2, height // 2 - 2))
            names = max((cell_len(row.host) for row in rows), default=0)
            look = _Look(now, width, min(names, HOST_WIDTH, width // 3), unicode)
            drawn = [_row(row, look) for row in rows]
        last = [_fit(Text(f"  {others}", "dim"), Text(), width)] if others else []
        return [_fit(Text(header, "bold"), Text(), width), *drawn, *last]

    def _tick(self) -> None:
        while not self._ended.wait(1 / FRAMES_PER_SECOND):
            self.draw()

    def _stop(self) -> None:
        """End the live region, show the cursor again, and print what is left: also after Ctrl-C."""
        self._ended.set()
        with self._drawing:
            self._live.stop()
            self._print_due()

    def _print_due(self) -> None:
        with self._state:
            due, self._lines = self._lines, []
        same_screen = self._live.is_started and self._same_screen
        for is_result, lines in _runs(due):
            console = self._result if is_result and not same_screen else self._console
            console.print(Text("\n").join(map(_styled, lines)), soft_wrap=True)


class _Rows:
    """What rich asks for each frame."""

    def __init__(self, reporter: LiveReporter) -> None:
        self._reporter = reporter

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._reporter.rows(options.max_width, console.height)


class _Look:
    """How a row is to be drawn."""

    def __init__(self, now: float, width: int, names: int, unicode: bool) -> None:
        self.now, self.width, self.names, self.unicode = now, width, names, unicode

    def mark(self, mood: Mood) -> str:
        if mood != Mood.BUSY:
            return _MARKS[mood][0 if self.unicode else 1]
        frames = _SPINNER[0 if self.unicode else 1]
        return frames[int(self.now * FRAMES_PER_SECOND) % len(frames)]


def _row(row: Row, look: _Look) -> Text:
    host = Text(row.host)
    host.truncate(look.names, overflow="ellipsis", pad=True)
    left = Text.assemble((look.mark(row.mood), _MOOD_STYLES[row.mood]), " ", host, "  ", row.doing)
    measures = (row.bytes_done(narrow=look.width < NARROW), row.elapsed(look.now))
    return _fit(left, Text("  ".join(part for part in measures if part)), look.width)


def _fit(left: Text, right: Text, width: int) -> Text:
    """Both on one line of that many columns; of the left as much as there is room for."""
    left.truncate(max(1, width - right.cell_len - 2), overflow="ellipsis", pad=bool(right))
    row = Text.assemble(left, "  " if right else "", right, no_wrap=True)
    row.truncate(width)
    return row


def _styled(line: Line) -> Text:
    return Text.assemble(*((text, STYLES.get(kind, "")) for kind, text in line.parts))


def _runs(lines: list[Line]) -> Iterator[tuple[bool, list[Line]]]:
    """Neighbours that go to the same stream, together."""
    run: list[Line] = []
    for line in lines:
        if run and run[0].result != line.result:
            yield run[0].result, run
            run = []
        run.append(line)
    if run:
        yield run[0].result, run


def _console(stream: TextIO) -> Console:
    """A Console that guesses nothing from the text; NO_COLOR and TERM are rich's to read."""
    return Console(file=cast(IO[str], Steady(stream)), highlight=False, markup=False, emoji=False)
