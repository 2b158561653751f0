"""A project that stands: looked at, deployed again unchanged, changed by one file, its host rebooted."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from host_state import ask, untouched
from keepsake import Keepsake, leave_keepsake
from stage import NAMES, WEB
from story import Project
from traces import FIRST_BEAT, traces_of
from waiting import eventually

from deployer.errors import ExitCode

CATALOGUE = "www/catalogue.txt"  # 300 kB that compress badly
PAGE = "www/index.html"


@pytest.fixture(scope="module")
def keepsake(standing_shop: Project) -> Keepsake:
    return leave_keepsake(standing_shop)


@pytest.fixture(autouse=True)
def kept(keepsake: Keepsake) -> Iterator[None]:
    """After every story: the row and the file are there, in the volumes that were created first."""
    yield
    assert keepsake.is_kept()


def test_an_unchanged_project_is_left_alone(standing_shop: Project) -> None:
    shop = standing_shop
    containers, migrations = shop.all_containers(), shop.migrations()
    with untouched(shop.fleet.hosts.values()):
        run = shop.deploy("--output=json").exits(ExitCode.OK)
    assert run.actions == ()
    assert shop.all_containers() == containers
    assert shop.migrations() == migrations


def test_an_unchanged_project_costs_one_connection_and_one_sudo_per_host(standing_shop: Project) -> None:
    shop = standing_shop
    before = traces_of(shop.fleet.hosts.values())
    run = shop.deploy("--output=json").exits(ExitCode.OK)
    after = traces_of(shop.fleet.hosts.values())
    assert {name: (after[name] - before[name]).logins for name in NAMES} == dict.fromkeys(NAMES, 1)
    assert {name: (after[name] - before[name]).sudos for name in NAMES} == dict.fromkeys(NAMES, 1)
    for traffic in run.traffic.values():
        assert traffic["connections"] == 1
        assert traffic["execs"] <= 2
        assert max(traffic["bytes_out"], traffic["bytes_in"]) <= 12_000


def test_an_unchanged_project_costs_one_look(standing_shop: Project) -> None:
    """Each script that a host is sent runs in a process group of its own; all of Docker's answers come from one."""
    shop, host = standing_shop, standing_shop.host("web1")
    spy = '#!/bin/sh\necho "${0##*/} $(cut -d " " -f 5 /proc/$$/stat)" >>/run/asked\nexec "/usr/bin/${0##*/}" "$@"\n'
    ask(host, f"cd /usr/local/bin; printf %s {shlex.quote(spy)} | tee docker >curl; chmod 755 docker curl")
    try:
        shop.deploy().exits(ExitCode.OK)
        asked = [line.split() for line in ask(host, "cat /run/asked").splitlines()]
    finally:
        ask(host, "rm -f /usr/local/bin/docker /usr/local/bin/curl /run/asked")
    assert sorted(program for program, _ in asked) == ["curl"] * 3, "docker is dear, curl is not"
    assert len({group for _, group in asked}) == 1


def test_check_says_whether_changes_are_pending_and_changes_nothing(standing_shop: Project) -> None:
    shop = standing_shop
    with untouched(shop.fleet.hosts.values()):
        unchanged = shop.deploy("--check", "--detailed-exitcode", "--output=json").exits(ExitCode.OK)
        shop.write(PAGE, "pending")
        try:
            run = shop.deploy("--check", "--detailed-exitcode", "--diff", "--output=json").exits(ExitCode.PENDING)
        finally:
            shop.write(PAGE, "first\n")
    assert unchanged.actions == ()
    assert {action["host"] for action in run.actions} == set(NAMES)
    assert all(action["planned"] and action["because"] for action in run.actions)


def test_one_changed_file_travels_alone(standing_shop: Project) -> None:
    shop = standing_shop
    before, web, db = shop.release(), shop.container("web1", "web"), shop.container("db1", "db")
    counted = traces_of(shop.fleet.hosts.values())
    shop.write(PAGE, "second")
    run = shop.deploy("--output=json").exits(ExitCode.OK)
    after = shop.release()

    assert after != before
    connections = {name: traffic["connections"] for name, traffic in run.traffic.items()}
    assert connections == dict.fromkeys(NAMES, 2), "a host is confirmed over another connection"
    for traffic in run.traffic.values():
        assert traffic["execs"] <= 4 + (run.seconds > FIRST_BEAT)
        assert traffic["bytes_out"] <= 30_000
        assert traffic["bytes_in"] <= 40_000
    assert shop.serving() == dict.fromkeys(WEB, "second")
    assert shop.container("web1", "web").id != web.id
    assert shop.container("web1", "web").image != web.image
    assert shop.container("db1", "db").id == db.id
    assert shop.container("db1", "db").started_at == db.started_at
    assert shop.migrations()[-2:] == [before, after]
    for name in NAMES:
        received = traces_of([shop.host(name)])[name].received - counted[name].received
        assert received < os.path.getsize(shop.folder / CATALOGUE) / 2
        assert _inode(shop, name, after, CATALOGUE) == _inode(shop, name, before, CATALOGUE)
        assert _inode(shop, name, after, PAGE) != _inode(shop, name, before, PAGE)


def test_change_that_neither_size_nor_time_tells_of_is_built(standing_shop: Project) -> None:
    """As where files come from an archive, or two edits fall into one second: the image has the new content."""
    shop = standing_shop
    for word in ("third", "forth", "fifth", "forth"):
        shop.write(PAGE, word)
        os.utime(shop.folder / PAGE, (1_700_000_000, 1_700_000_000))
        shop.deployed()
        assert shop.serving() == dict.fromkeys(WEB, word)


def _inode(shop: Project, host: str, release: str, path: str) -> str:
    return ask(shop.host(host), f"stat -c %i {shop.root}/releases/{release}/project/{path}")


def test_rebooted_hosts_serve_again_by_themselves(standing_shop: Project) -> None:
    shop, names = standing_shop, ("web2", "db1")
    before = {name: {one.name: one.id for one in shop.containers(name)} for name in names}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: shop.host(name).reboot(), names))
    for name in names:
        eventually(partial(_is_well, shop, name), within=60, what=f"{name} is healthy after its reboot")
        assert {one.name: one.id for one in shop.containers(name)} == before[name]
    told = json.loads(shop.status("--output=json").exits(ExitCode.OK).stdout)
    assert {one["host"]: one["healthy"] for one in told} == dict.fromkeys(NAMES, True)
    assert shop.deploy("--output=json").exits(ExitCode.OK).actions == ()


def _is_well(shop: Project, name: str) -> bool:
    found = shop.containers(name)
    return bool(found) and all(one.status == "running" and one.health == "healthy" for one in found)
