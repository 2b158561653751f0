"""Chaos on the stage of the end-to-end stories: their hosts, their shop; here everything dies on the way."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STAGE = HERE.parent / "e2e"
sys.path.insert(0, str(STAGE))

_spec = importlib.util.spec_from_file_location("stage_of_the_stories", STAGE / "conftest.py")
assert _spec
assert _spec.loader
_stage = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_stage)

swept, fleet = _stage.swept, _stage.fleet
pytest_runtest_makereport = _stage.pytest_runtest_makereport

from lane import Lane, open_lane  # noqa: E402
from stage import Fleet  # noqa: E402
from table import TABLE  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def pytest_sessionfinish() -> None:
    TABLE.write()


@pytest.fixture(scope="module")
def lane(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """One standing shop, for stories that go one after the other."""
    lane = open_lane(fleet, tmp_path_factory.mktemp("lane"))
    yield lane
    lane.project.end()
