"""Fleets of lab hosts for stories and chaos: made once for a session, taken down again; failures leave evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from evidence import leave_evidence
from stage import Fleet, make_fleet, sweep
from story import Project, shop_on

from deployer.errors import ExitCode, LabError

FAILED = pytest.StashKey[bool]()
NotRun = Callable[[str], NoReturn]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Any:
    """A failure is known to every fixture that the test used, and leaves evidence while everything still stands."""
    report = yield
    if report.failed:
        for node in item.listchain():
            node.stash[FAILED] = True
        if report.when != "teardown":
            _leave_evidence(item, report)
    return report


def _leave_evidence(item: pytest.Function, report: pytest.TestReport) -> None:
    for project in (one for one in item.funcargs.values() if isinstance(one, Project)):
        place = leave_evidence(item.config.rootpath / "artifacts", item.nodeid.rpartition("/")[2], project)
        report.sections.append(("evidence", str(place)))


@pytest.fixture(scope="session")
def swept(engine: None) -> None:
    """An engine without what earlier sessions have left on it."""
    sweep()


@pytest.fixture(scope="session")
def fleet(
    swept: None, not_run: NotRun, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Three hosts with Docker, shared by all stories of the session; provisioned, so that no story restarts it."""
    with _fleet(request, not_run, tmp_path_factory.mktemp("fleet"), docker=True) as fleet:
        shop = shop_on(fleet, "provisioned", tmp_path_factory.mktemp("provision"))
        shop.command("provision", "lab").exits(ExitCode.OK)
        yield fleet


@pytest.fixture(scope="module")
def bare_fleet(
    swept: None, not_run: NotRun, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Three hosts as a provider hands them over: systemd, sshd, sudo, and no Docker. A module's own."""
    with _fleet(request, not_run, tmp_path_factory.mktemp("bare"), docker=False) as fleet:
        yield fleet


@contextmanager
def _fleet(request: pytest.FixtureRequest, not_run: NotRun, state_dir: Path, *, docker: bool) -> Iterator[Fleet]:
    try:
        fleet = make_fleet("docker" if docker else "bare", state_dir, docker=docker)
    except LabError as error:
        not_run(f"{error} (hint: {error.hint})")
    try:
        yield fleet
    finally:
        fleet.down(failed=request.node.stash.get(FAILED, False))
