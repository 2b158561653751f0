"""The stage of all stories: projects on the fleets of lab hosts."""

from __future__ import annotations

import copy
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleets import FAILED
from keepsake import Keepsake, leave_keepsake
from stage import KEEP_FAILED, Fleet
from story import Project, shop_on

HERE = Path(__file__).parent
VARIABLES = ("variables", "web", "db", "host_variables")  # of a project, for its inventory


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def shop(fleet: Fleet, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """The test project, not deployed yet, under a name of its own."""
    yield from _ended(shop_on(fleet, _name(request.node.name.removeprefix("test_")), tmp_path), request)


@pytest.fixture
def lone_shop(fleet: Fleet, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """The test project's web service on one host, without a database or a migration; not deployed yet."""
    shop = shop_on(fleet.only("web1"), _name(request.node.name.removeprefix("test_")), tmp_path)
    shop.web["deploy_migrate"] = ""
    yield from _ended(shop, request)


@pytest.fixture(scope="module")
def standing_shop(
    fleet: Fleet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Project]:
    """The test project, deployed once for all stories of a module; each leaves it on a healthy release.

    It is on all hosts, or on those that the module names in `HOSTS`.
    """
    hosts = getattr(request.module, "HOSTS", fleet.names)
    name = request.node.name.rpartition("/")[2].removeprefix("test_").removesuffix(".py")
    shop = shop_on(fleet.only(*hosts), _name(name), tmp_path_factory.mktemp("standing"))
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
