"""For all tests: whether end-to-end tests can run here, and a loud word where they did not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

MODE = os.environ.get("E2E", "auto")  # auto: where an engine can be had; required: or fail; no: skip on purpose
WHY_NOT = pytest.StashKey[dict[str, None]]()

NotRun = Callable[[str], NoReturn]


def pytest_configure(config: pytest.Config) -> None:
    if MODE not in ("auto", "required", "no"):
        raise pytest.UsageError(f"E2E is {MODE!r}: expected auto, required or no")
    config.stash[WHY_NOT] = {}


@pytest.fixture(scope="session")
def not_run(pytestconfig: pytest.Config) -> NotRun:
    """Ends a test that cannot run here: a failure with E2E=required, else a skip that the summary shouts."""

    def end(why: str) -> NoReturn:
        pytestconfig.stash[WHY_NOT][why] = None
        if MODE == "required":
            pytest.fail(f"end-to-end tests were not run: {why}", pytrace=False)
        pytest.skip(f"NOT RUN: {why}")

    return end


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for why in config.stash[WHY_NOT]:
        terminalreporter.section("END-TO-END TESTS WERE NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"why: {why}", red=True)
