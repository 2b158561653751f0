"""No secret in any reporter's output, in whichever form it shows up."""

from __future__ import annotations

import base64
import io
import json
import random
import shlex
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TextIO
from urllib.parse import quote, quote_plus

import pytest
from test_report_story import SECRET, report, story

from deployer.errors import ExitCode
from deployer.model import event as e
from deployer.model.report import Done, Report, Status, TaskResult
from deployer.protocols import Reporter
from deployer.report.json_lines import JsonReporter
from deployer.report.live import LiveReporter
from deployer.report.plain import PlainReporter
from deployer.report.redact import Redacting, Redactor

PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n  AASCBKcwggSjAgEAAoIBAQDb\n-----END KEY-----\n"
HARD = ["p'w\"d$1 &x", "pässwörd/+=%", 'back\\slash"quote', "tab\tinside", "a.b*c[d]"]

REPORTERS: dict[str, Callable[[TextIO], Reporter]] = {
    "plain": lambda stream: PlainReporter(stream, verbosity=2),
    "json": JsonReporter,
    "live": lambda stream: LiveReporter(stream, stream, verbosity=2),
}


def random_secret(source: random.Random) -> str:
    alphabet = string.ascii_letters + string.digits + "'\"\\$ &/+=%äß€"
    return "".join(source.choices(alphabet, k=source.randint(8, 40))).strip() + "!x"


def forms(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        shlex.quote(secret),
        shlex.join(["login", f"--password={secret}"]),
        json.dumps({"password": secret}),
        json.dumps({"password": secret}, ensure_ascii=False),
        repr({"password": secret}),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(raw).decode(),
        base64.b64encode(raw + b"\n").decode(),
        base64.urlsafe_b64encode(raw).decode(),
    ]


def mentioning(text: str) -> list[e.Event]:
    """Events that hold the text wherever an event can hold text."""
    result = TaskResult(
        host="web1", task=text, status=Status.FAILED, message=text, output=f"a\n{text}", hint=text, place=text,
        actions=(Done(title=text, because=text),),
        data={"stdout": text, text: [text, {"deep": (text,)}], "path": PurePosixPath("/x", text), "raw": text.encode()},
    )  # fmt: skip
    outcome = replace(report().outcomes[0], because=text, hint=text)
    ended = Report(environment="prod", exit_code=ExitCode.MIXED, outcomes=(outcome,), results=(result,), message=text)
    return [
        e.RunStarted(verb="deploy", environment="prod", hosts=("web1",), release=text),
        e.HostDoing(host="web1", doing=text),
        e.Retrying(host="web1", message=text),
        e.ActionStarted(host="web1", task="t", title=text, because=text, diff=f"+{text}"),
        e.Output(host="web1", line=text),
        e.TaskDone(result=result),
        e.GateWatching(host="web1", message=text),
        e.GateJudged(host="web1", healthy=False, because=text, container=text, logs=(text,)),
        e.RollbackStarted(because=text, targets={"web1": text}),
        e.HostUnreachable(host="web1", message=text, hint=text),
        e.Note(message=text),
        e.RunFinished(report=replace(ended, hint=text)),
    ]


def output_of(kind: str, events: list[e.Event], redactor: Redactor) -> str:
    stream = io.StringIO()
    reporter = Redacting(REPORTERS[kind](stream), redactor)
    for event in events:
        reporter.handle(event)
    reporter.close()
    return stream.getvalue()


@pytest.mark.parametrize("kind", REPORTERS)
def test_the_storys_secret_shows_nowhere(kind: str) -> None:
    assert SECRET in output_of(kind, story(), Redactor([]))
    redacted = output_of(kind, story(), Redactor([SECRET]))
    assert SECRET not in redacted
    assert "token=***" in redacted


@pytest.mark.parametrize("kind", REPORTERS)
@pytest.mark.parametrize("seed", range(5))
def test_no_form_of_any_secret_reaches_the_output(kind: str, seed: int) -> None:
    secrets = [random_secret(random.Random(seed)), HARD[seed]]
    for secret in secrets:
        for form in forms(secret):
            shown = output_of(kind, mentioning(form), Redactor(secrets))
            assert "***" in shown
            assert [leak for leak in forms(secret) if leak in shown] == []


@pytest.mark.parametrize("secret", HARD)
def test_every_form_is_replaced_whole(secret: str) -> None:
    redactor = Redactor([secret])
    assert redactor.text(f"<{quote(secret)}>") == "<***>"
    assert redactor.text(f"<{base64.b64encode(secret.encode()).decode()}>") == "<***>"
    assert redactor.text(json.dumps([secret])) == '["***"]'
    assert redactor.text(shlex.join(["-p", f"x {secret}"])) == "-p 'x ***'"


@pytest.mark.parametrize("user", ["u", "us", "use", "user"])
def test_a_password_inside_of_a_longer_base64_text_is_found(user: str) -> None:
    encoded = base64.b64encode(f"{user}:{SECRET}:tail".encode()).decode()
    redacted = Redactor([SECRET]).text(encoded)
    assert "***" in redacted
    assert len(redacted) < len(encoded) - len(SECRET)


def test_a_secret_of_many_lines_is_found_line_by_line() -> None:
    redactor = Redactor([PEM])
    for line in PEM.splitlines():
        assert redactor.text(f"x {line.strip()} y") == "x *** y"
    assert redactor.text(PEM) == "***"


def test_short_values_are_left_alone() -> None:
    assert Redactor(["", "ab", " 7 "]).text("ab 7 cab") == "ab 7 cab"


def test_secrets_may_come_later() -> None:
    redactor = Redactor([])
    note = e.Note(message=f"token {SECRET}")
    assert redactor.redact(note) is note
    redactor.add(SECRET)
    assert redactor.redact(note) == e.Note(message="token ***")


def test_an_event_without_secrets_stays_the_same_object() -> None:
    note = e.Note(message="nothing here")
    assert Redactor([SECRET]).redact(note) is note


def test_words_and_counts_of_ours_are_no_secrets() -> None:
    """A password like "changed" or "404" must not turn statuses and seconds into stars."""
    result = TaskResult(host="web1", task="t", status=Status.CHANGED, seconds=404, data={"pin": 404, "on": True})
    redacted = Redactor(["changed", "404", "True"]).redact(result)
    assert redacted == replace(result, data={"pin": "***", "on": True})


def test_overlapping_secrets_are_replaced_longest_first() -> None:
    assert Redactor(["abc", "abcdef"]).text("abcdef abc") == "*** ***"
