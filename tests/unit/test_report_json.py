"""Events as JSON lines: keys that programs can rely on."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any

from test_report_story import report, story

from deployer.model import event as e
from deployer.model.report import Status, TaskResult
from deployer.report import json_lines
from deployer.report.json_lines import JsonReporter


@dataclass
class Clock:
    now: float = 1795674600.125

    def __call__(self) -> float:
        return self.now


def lines(*events: e.Event, clock: Clock | None = None) -> list[dict[str, Any]]:
    stream = io.StringIO()
    reporter = JsonReporter(stream, now=clock or Clock())
    for event in events:
        reporter.handle(event)
    reporter.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_name_its_time_and_its_fields() -> None:
    action = e.ActionStarted(host="web1", task="t", title="docker ps", because="it\nis so")
    assert lines(action) == [
        {
            "event": "ActionStarted",
            "time": "2026-11-26T06:30:00.125Z",
            "host": "web1",
            "task": "t",
            "title": "docker ps",
            "because": "it\nis so",
            "planned": False,
            "diff": None,
        }
    ]


def test_every_event_of_a_run_keeps_all_of_its_fields() -> None:
    events = [event for event in story() if not isinstance(event, e.Progress)]
    for event, line in zip(events, (x for x in lines(*story()) if x["event"] != "Progress"), strict=True):
        assert line["event"] == type(event).__name__
        assert set(line) - {"meaning", "actions"} == {"event", "time"} | {field.name for field in fields(event)}


def test_the_last_line_is_the_whole_report() -> None:
    last = lines(*story())[-1]
    assert last["report"]["exit_code"] == 6
    assert last["meaning"] == report().exit_code.meaning
    assert last["actions"] == 12
    assert [outcome["state"] for outcome in last["report"]["outcomes"]] == ["rolled back", "rolled back", "stopped"]
    assert last["report"]["results"][0]["data"] == {"stdout": "up"}


def test_what_json_cannot_hold_is_shown_as_text_and_bytes_never() -> None:
    data = {
        "raw": b"\0secret", "path": PurePosixPath("/x"), 1: {"b", "a"}, "nan": float("nan"), "name": "caf\udce9",
        "status": Status.OK, "pair": (1, 2.5), "none": None,
    }  # fmt: skip
    (line,) = lines(e.TaskDone(result=TaskResult(host="a", task="t", status=Status.OK, data=data)))
    assert line["result"]["data"] == {
        "raw": "(7 bytes)", "path": "/x", "1": ["a", "b"], "nan": "nan", "name": "caf\\xe9",
        "status": "ok", "pair": [1, 2.5], "none": None,
    }  # fmt: skip


def test_progress_comes_once_a_second_for_a_host_and_at_its_end() -> None:
    clock, stream = Clock(), io.StringIO()
    reporter = JsonReporter(stream, now=clock)
    for done in range(41):
        reporter.handle(e.Progress(host="a", done=done, total=40))
        clock.now += 0.25
    assert [json.loads(line)["done"] for line in stream.getvalue().splitlines()] == list(range(0, 41, 4))


def test_the_module_documents_every_event() -> None:
    assert [name.__name__ for name in e.Event.__subclasses__() if name.__name__ not in json_lines.__doc__] == []
