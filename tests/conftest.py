"""For all tests: whether what needs a host can run here, and a loud word where it did not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from deployer.errors import LabError
from deployer.lab.engine import ensure_engine

pytest_plugins = ["fleets"]

MODE = os.environ.get("E2E", "auto")  # auto: where an engine can be had; required: or fail; no: skip on purpose
NOT_RUN = "NOT RUN: "

NotRun = Callable[[str], NoReturn]


def pytest_configure(config: pytest.Config) -> None:
    if MODE not in ("auto", "required", "no"):
        raise pytest.UsageError(f"E2E is {MODE!r}: expected auto, required or no")
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="cache-")  # a person's own is left alone
    config.add_cleanup(lambda: shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True))


@pytest.fixture(scope="session")
def not_run() -> NotRun:
    """Ends a test that cannot run here: a failure with E2E=required, else a skip that the summary shouts."""

    def end(why: str) -> NoReturn:
        if MODE == "required":
            pytest.fail(f"not run: {why}", pytrace=False)
        pytest.skip(f"{NOT_RUN}{why}")

    return end


@pytest.fixture(scope="session")
def engine(not_run: NotRun) -> None:
    """A Docker Engine on this machine; whatever needs it is not run, loudly, where none can be had."""
    if MODE == "no":
        not_run("E2E=no asks for it")
    try:
        ensure_engine(say)
    except LabError as error:
        not_run(f"{error} (hint: {error.hint})")


def say(line: str) -> None:
    print(f"lab: {line}", flush=True)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())]
    for why in sorted({text.partition(NOT_RUN)[2].rstrip("')") for text in skipped if NOT_RUN in text}):
        terminalreporter.section("TESTS WERE NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"why: {why}", red=True)
