"""The live view on terminals of all sizes."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import pytest
from test_report_plain import PROGRESS, RESULT
from test_report_story import HOSTS, check_story, story

from deployer.model import event as e
from deployer.model.report import Status, TaskResult
from deployer.report.ansible import AnsibleReporter
from deployer.report.choose import reporter_for
from deployer.report.json_lines import JsonReporter
from deployer.report.live import LiveReporter
from deployer.report.plain import PlainReporter

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def terminal_80_by_24(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reporter(clock: Clock) -> LiveReporter:
    return LiveReporter(Terminal(), Terminal(), clock=clock)


def rows(reporter: LiveReporter, width: int = 80, height: int = 24) -> list[str]:
    return [row.plain.rstrip() for row in reporter.rows(width, height)]


def begin(reporter: LiveReporter, *hosts: str) -> None:
    reporter.handle(e.RunStarted(verb="deploy", environment="prod", hosts=hosts))


def test_the_words_are_those_of_the_log_and_the_result_stays_on_stdout() -> None:
    """Once the live region is gone, terminal and log read the same."""
    stderr, stdout = Terminal(), io.StringIO()
    reporter = LiveReporter(stderr, stdout)
    for event in story():
        reporter.handle(event)
    reporter.close()
    assert stdout.getvalue() == RESULT
    shown = CONTROLS.sub("", stderr.getvalue()).splitlines()
    assert [line for line in PROGRESS.splitlines() if line not in shown] == []


def test_a_row_says_what_a_host_is_doing_and_for_how_long(reporter: LiveReporter, clock: Clock) -> None:
    begin(reporter, *HOSTS)
    reporter.handle(e.BatchStarted(number=1, of=2, hosts=HOSTS))
    reporter.handle(e.TaskStarted(task="Sync the project", hosts=HOSTS))
    reporter.handle(e.HostDoing(host="web1", doing="sync 120 entries"))
    reporter.handle(e.Progress(host="web1", done=12_300_000, total=40_000_000))
    reporter.handle(e.TaskDone(result=TaskResult(host="web2", task="Sync the project", status=Status.CHANGED)))
    clock.now += 12
    assert rows(reporter) == [
        "deploy prod  batch 1 of 2  Sync the project  12 s",
        "⠦ web1   sync 120 entries                        12.3 MB of 40.0 MB   30 %  12 s",
        "✓ web2   changed: Sync the project",
        "· db-10  waiting",
    ]  # fmt: skip
    reporter.close()


@pytest.mark.parametrize("width", [10, 20, 39, 60, 80, 200])
def test_no_row_is_wider_than_the_terminal(reporter: LiveReporter, width: int) -> None:
    begin(reporter, "a-host-with-a-very-long-name.example.org", "Ω中文主机")
    for host in reporter._board.rows:
        reporter.handle(e.HostDoing(host=host, doing="docker compose up 中文 " * 9))
        reporter.handle(e.Progress(host=host, done=1_000, total=2_000))
    assert all(row.cell_len <= width for row in reporter.rows(width, 24))
    reporter.close()


def test_a_hundred_hosts_leave_room_and_show_the_failing_and_the_busy_first(reporter: LiveReporter) -> None:
    names = tuple(f"h{number:02}" for number in range(100))
    begin(reporter, *names)
    for host in names[40:55]:
        reporter.handle(e.HostDoing(host=host, doing="looking"))
    reporter.handle(e.HostUnreachable(host="h99", message="timed out"))
    shown = rows(reporter)
    assert len(shown) == 11
    assert shown[1] == "✗ h99  unreachable: timed out"
    assert all("looking" in row for row in shown[2:10])
    assert shown[-1] == "  and 91 more hosts: 7 busy, 84 waiting"
    reporter.close()


def test_bytes_alone_make_a_host_busy(reporter: LiveReporter) -> None:
    begin(reporter, "a")
    reporter.handle(e.Progress(host="a", done=1, total=4))
    assert rows(reporter, 40)[1].split() == ["⠋", "a", "transferring", "25", "%", "0", "s"]
    reporter.close()


def test_a_terminal_without_unicode_gets_other_marks() -> None:
    terminal = Terminal()
    terminal.encoding = "ascii"
    reporter = LiveReporter(terminal, terminal)
    begin(reporter, "a")
    assert rows(reporter)[1] == ". a  waiting"
    reporter.close()


@pytest.mark.parametrize("break_off", [False, True])
def test_the_cursor_comes_back(reporter: LiveReporter, break_off: bool) -> None:
    begin(reporter, "a")
    reporter.draw()
    if not break_off:
        reporter.handle(story()[-1])
    reporter.close()
    shown = reporter._console.file._inner.getvalue()
    assert shown.count(HIDE_CURSOR) == 1
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    reporter = LiveReporter(terminal, terminal)
    for event in story():
        reporter.handle(event)
    reporter.close()
    codes = {code for found in re.findall(r"\x1b\[([0-9;]+)m", terminal.getvalue()) for code in found.split(";")}
    assert codes <= {"0", "1", "2"}


def test_events_do_not_wait_for_the_terminal(reporter: LiveReporter) -> None:
    """Thousands of them cost no drawing: the thread draws at its own pace."""
    begin(reporter, "a")
    with reporter._drawing:
        for done in range(5_000):
            reporter.handle(e.Progress(host="a", done=done, total=5_000))
    reporter.close()


def test_a_plan_goes_to_a_file_even_while_the_terminal_is_live() -> None:
    stderr, stdout = Terminal(), io.StringIO()
    reporter = LiveReporter(stderr, stdout)
    for event in check_story():
        reporter.handle(event)
        reporter.draw()
    reporter.close()
    assert "docker network create backend" in stdout.getvalue()
    assert "\x1b" not in stdout.getvalue()


@pytest.mark.parametrize(
    ("stderr", "term", "output", "kind"),
    [
        (Terminal, "xterm", None, LiveReporter),
        (Terminal, "dumb", None, PlainReporter),
        (io.StringIO, "xterm", None, PlainReporter),
        (Terminal, "xterm", "json", JsonReporter),
        (Terminal, "xterm", "plain", PlainReporter),
        (Terminal, "xterm", "ansible", AnsibleReporter),
        (io.StringIO, "dumb", "live", LiveReporter),
    ],
)
def test_the_choice(
    stderr: type[io.StringIO], term: str, output: str | None, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    chosen = reporter_for(output, verbosity=0, stdout=io.StringIO(), stderr=stderr())
    assert type(chosen) is kind
    chosen.close()


def test_a_person_who_is_asked_has_the_terminal(clock: Clock) -> None:
    screen = Terminal()
    reporter = LiveReporter(screen, Terminal(), clock=clock)
    reporter.handle(e.RunStarted(verb="deploy", environment="prod", hosts=HOSTS))
    reporter.handle(e.PersonAsked(prompt="Well"))
    asked = len(screen.getvalue())
    assert screen.getvalue().rfind(SHOW_CURSOR) > screen.getvalue().rfind(HIDE_CURSOR)
    reporter.handle(e.HostDoing(host=HOSTS[0], doing="something"))
    reporter.draw()
    assert screen.getvalue()[asked:] == ""
    reporter.handle(e.PersonAnswered())
    assert HIDE_CURSOR in screen.getvalue()[asked:]
    reporter.close()
    assert screen.getvalue().rfind(SHOW_CURSOR) > screen.getvalue().rfind(HIDE_CURSOR)
