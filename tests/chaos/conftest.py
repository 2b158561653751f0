"""Chaos on the stage of the end-to-end stories: their hosts, their shop; here everything dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lane import Lane, open_lane
from stage import Fleet
from table import TABLE

HERE = Path(__file__).parent


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
