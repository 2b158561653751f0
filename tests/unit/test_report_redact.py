"""No secret in any reporter's output, in whichever form it shows up."""

from __future__ import annotations

import base64
import html
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


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "tell",
    [
        lambda text: json.dumps(json.dumps([text])),
        lambda text: json.dumps(json.dumps(json.dumps({"a": text}))),
        lambda text: repr({"a": repr([shlex.quote(text)])}),
        lambda text: json.dumps(shlex.quote(shlex.join(["sh", "-c", f"login {shlex.quote(text)}"]))),
        lambda text: html.escape(json.dumps(text)),
        lambda text: text.encode().hex(),
        lambda text: text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`"),
        lambda text: json.dumps([text]).replace("&", "\\u0026").replace("<", "\\u003c"),
        lambda text: "".join(c if c.isalnum() else f"\\{c}" for c in text),
    ],
)
def test_a_secret_is_found_however_often_it_was_quoted(tell: Callable[[str], str], seed: int) -> None:
    core = f"key{seed}c0ffee"
    for secret in (
        random_secret(random.Random(seed)) + core,
        f"'{core}'",
        f'"{core}\\',
        HARD[seed] + core,
        f"<{core}>&\n{core}",
    ):
        shown = Redactor([secret]).text(f"said {tell(secret)} and went")
        assert core not in shown
        assert core.encode().hex() not in shown
        assert shown.startswith("said ")
        assert shown.endswith(" and went")


def test_base64_is_found_where_it_was_broken_into_lines() -> None:
    secret = "".join(f"{n:04x}" for n in range(100))
    shown = Redactor([secret]).text(base64.encodebytes(secret.encode()).decode())
    assert set(shown.split()) == {"***", "Mw=="}  # the last line: few characters could be anything


def test_a_password_in_a_url_is_no_secret_that_must_be_known() -> None:
    clean = Redactor().text
    assert clean("git clone https://ann:s3cr%40t@example.org/x") == "git clone https://ann:***@example.org/x"
    assert clean("redis://:hunter2@cache:6379/0") == "redis://:***@cache:6379/0"
    assert clean("from https://ghp_token@github.com/a/b.git") == "from https://***@github.com/a/b.git"
    for text in (
        "ssh://git@example.org/x",
        "see http://example.org:80/a@b",
        "mail ann@example.org",
        "at 10:30 @ http://x",
    ):
        assert clean(text) == text


def test_what_is_a_secret_by_its_key_is_none_that_must_be_known() -> None:
    result = TaskResult(
        host="h", task="t", status=Status.OK, data={"json": {"accessToken": "abc", "token": ["x"], "n": 1}}
    )
    assert Redactor().redact(result).data == {"json": {"accessToken": "***", "token": ["x"], "n": 1}}


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
