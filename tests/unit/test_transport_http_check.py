"""What counts as the answer that a check expects."""

from __future__ import annotations

import pytest

from deployer.model.action import HttpCheck
from deployer.transport.http_check import judge

URL = "http://127.0.0.1:8000/"


@pytest.mark.parametrize(
    ("check", "status", "body"),
    [
        (HttpCheck(url=URL), 200, b""),
        (HttpCheck(url=URL, status=302), 302, b""),
        (HttpCheck(url=URL, contains="ok"), 200, b"all ok here"),
        (HttpCheck(url=URL, contains="größe"), 200, "größe".encode()),
    ],
)
def test_as_expected(check: HttpCheck, status: int, body: bytes) -> None:
    assert judge(check, status, body) is None


def test_another_status_is_told_with_the_start_of_the_answer() -> None:
    said = judge(HttpCheck(url=URL), 500, b"<h1>Server\n  Error</h1>" + b"x" * 500)
    assert said is not None
    assert said.startswith(f"{URL}: status 500, expected 200 (<h1>Server Error</h1>xxx")
    assert len(said) < 150


def test_a_missing_text_is_told() -> None:
    assert judge(HttpCheck(url=URL, contains="v2"), 200, b"v1") == f"{URL}: status 200, but no 'v2' in the answer (v1)"
    assert "(empty)" in (judge(HttpCheck(url=URL, contains="v2"), 200, b"") or "")
