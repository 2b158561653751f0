"""`deploy rollback`: back by hand, with what is on the hosts and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from host_state import ask, untouched
from keepsake import Keepsake, leave_keepsake
from story import Project
from traces import FIRST_BEAT

from deployer.errors import ExitCode

WEB = ("web1",)
HOSTS = (*WEB, "db1")  # one web server does the same as two
PAGE = "www/index.html"


@pytest.fixture(scope="module")
def releases(standing_shop: Project) -> tuple[str, str, str]:
    """Three releases, the newest first to serve."""
    shop = standing_shop
    shop.variables["rollout_serial"] = "100%"  # to be quick; one story has batches
    found = [shop.release()]
    for word in ("second", "third"):
        shop.write(PAGE, word)
        found.append(shop.deployed())
    assert shop.serving() == dict.fromkeys(WEB, "third")
    return found[0], found[1], found[2]


@pytest.fixture(scope="module")
def keepsake(standing_shop: Project) -> Keepsake:
    return leave_keepsake(standing_shop)


@pytest.fixture(autouse=True)
def kept(keepsake: Keepsake, releases: tuple[str, str, str]) -> Iterator[None]:
    """After every story: the row and the file are there, in the volumes that were created first."""
    yield
    assert keepsake.is_kept()


def _is_on(shop: Project, release: str, page: str) -> bool:
    assert shop.current() == dict.fromkeys(HOSTS, release)
    assert shop.serving() == dict.fromkeys(WEB, page)
    for host in WEB:
        web = shop.container(host, "web")
        assert (web.status, web.health, web.environment["DEPLOY_RELEASE"]) == ("running", "healthy", release)
    return True


def test_rolling_back_twice_and_no_further(standing_shop: Project, releases: tuple[str, str, str]) -> None:
    shop, (first, second, third) = standing_shop, releases
    assert _is_on(shop, third, "third")
    database, migrations = shop.container("db1", "db").id, shop.migrations()
    run = shop.rollback("--output=json").exits(ExitCode.OK)
    assert _is_on(shop, second, "second")
    for traffic in run.traffic.values():
        assert (traffic["connections"], traffic["execs"] <= 4 + (run.seconds > FIRST_BEAT)) == (2, True)
        assert max(traffic["bytes_out"], traffic["bytes_in"]) <= 25_000
    shop.rollback().exits(ExitCode.OK)
    assert _is_on(shop, first, "first")
    with untouched(shop.fleet.hosts.values()):
        again = shop.rollback().exits(ExitCode.ROLLED_BACK)
    assert "no earlier release" in again.output
    assert third in again.output, "the releases that --to may name"
    assert shop.container("db1", "db").id == database
    assert shop.migrations() == migrations, "going back migrates nothing"


def test_rolling_back_to_a_release_by_name(standing_shop: Project, releases: tuple[str, str, str]) -> None:
    shop, (_, second, third) = standing_shop, releases
    shop.rollback("--to", third, "-e", "rollout_serial=1").exits(ExitCode.OK)
    assert _is_on(shop, third, "third")
    with untouched(shop.fleet.hosts.values()):
        assert shop.rollback("--to", third, "--output=json").exits(ExitCode.OK).actions == ()
        announced = shop.rollback("--to", second, "--check", "--output=json").exits(ExitCode.OK)
        unknown = shop.rollback("--to", "20200101T000000Z-0000000").exits(ExitCode.ROLLED_BACK)
    assert {action["host"] for action in announced.actions} == set(HOSTS)
    assert "20200101T000000Z-0000000" in unknown.output
    assert second in unknown.output


@contextmanager
def cut_off(shop: Project) -> Iterator[None]:
    """Hosts that reach nothing but this machine: no registry, no internet."""
    ways = {name: ask(shop.host(name), "ip route show default").strip() for name in HOSTS}
    try:
        for name in HOSTS:
            ask(shop.host(name), f"ip route del default; ip route add blackhole {shop.fleet.registry}/32")
        yield
    finally:
        for name, way in ways.items():
            ask(shop.host(name), f"ip route del blackhole {shop.fleet.registry}/32; ip route add {way}")


def test_rolling_back_needs_no_registry_and_no_names_but_its_own(
    standing_shop: Project, releases: tuple[str, str, str]
) -> None:
    shop, (first, *_) = standing_shop, releases
    shop.rollback("--to", releases[2]).exits(ExitCode.OK)
    with cut_off(shop):
        for name in HOSTS:
            shop.host(name).exec("docker image rm busybox:1 postgres:17")
        assert shop.host("web1").exec("docker pull busybox:1")[0] != 0
        shop.rollback("--to", first).exits(ExitCode.OK)
    assert _is_on(shop, first, "first")


def test_the_newest_release_comes_back_with_an_unchanged_project(
    standing_shop: Project, releases: tuple[str, str, str]
) -> None:
    """After going back, `deploy` brings what the folder holds: forward again."""
    shop = standing_shop
    shop.rollback("--to", releases[0]).exits(ExitCode.OK)
    shop.deploy().exits(ExitCode.OK)
    assert _is_on(shop, shop.release(), "third")
