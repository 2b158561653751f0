"""Ctrl-C, SIGTERM and a closed terminal at each stage of a rollout: the exit code says what the host itself says."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from lane import Lane, Moment
from stage import Fleet
from story import MIGRATE, shop_on

HOST = "web1"


@pytest.fixture(scope="module")
def alone(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """The whole shop on one host."""
    project = shop_on(fleet.only(HOST), "interrupted", tmp_path_factory.mktemp("interrupted"))
    project.web = {"deploy_services": ["web", "db"], "deploy_migrate": MIGRATE}
    project.variables |= {"keep_releases": 2}
    lane = Lane(project, 0)
    lane.deployed()
    yield lane
    project.end()


def test_explore(alone: Lane) -> None:
    alone.deployed()
    alone.project.host(HOST).exec("docker stop interrupted-db-1")
    for line in alone.exchanges():
        print(line)
