"""The stage of all stories: an engine, fleets of lab hosts that are taken down again, projects on them."""

from __future__ import annotations

import copy
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from evidence import leave_evidence
from keepsake import Keepsake, leave_keepsake
from stage import KEEP_FAILED, Fleet, make_fleet, sweep
from story import Project, shop_on

from deployer.errors import ExitCode, LabError

HERE = Path(__file__).parent
VARIABLES = ("variables", "web", "db", "host_variables")  # of a project, for its inventory
FAILED = pytest.StashKey[bool]()
NotRun = Callable[[str], NoReturn]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


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


@pytest.fixture
def shop(fleet: Fleet, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """The test project, not deployed yet, under a name of its own."""
    yield from _ended(shop_on(fleet, _name(request.node.name.removeprefix("test_")), tmp_path), request)


@pytest.fixture(scope="module")
def standing_shop(
    fleet: Fleet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Project]:
    """The test project, deployed once for all stories of a module; each leaves it on a healthy release."""
    name = request.node.name.rpartition("/")[2].removeprefix("test_").removesuffix(".py")
    shop = shop_on(fleet, _name(name), tmp_path_factory.mktemp("standing"))
    shop.deployed()
    yield from _ended(shop, request)


@pytest.fixture(scope="module")
def keepsake(standing_shop: Project) -> Keepsake:
    return leave_keepsake(standing_shop)


@pytest.fixture
def breakable(standing_shop: Project, keepsake: Keepsake, tmp_path: Path) -> Iterator[Project]:
    """The standing shop, for a story that breaks it: files and variables are put back, and no data may be missing."""
    kept = shutil.copytree(standing_shop.folder, tmp_path / "kept")
    variables = copy.deepcopy({name: getattr(standing_shop, name) for name in VARIABLES})
    yield standing_shop
    shutil.rmtree(standing_shop.folder)
    shutil.copytree(kept, standing_shop.folder)
    for name, value in variables.items():
        setattr(standing_shop, name, value)
    assert keepsake.is_kept()


def _ended(project: Project, request: pytest.FixtureRequest) -> Iterator[Project]:
    yield project
    if not (KEEP_FAILED and request.node.stash.get(FAILED, False)):
        project.end()


def _name(words: str) -> str:
    """A compose project name for a story: what it is called, and something that no other story has."""
    return f"{re.sub('[^a-z0-9]+', '-', words.lower())[:24].strip('-')}-{secrets.token_hex(2)}"
