"""Data that a migration spoils comes back as it was before; asked of Postgres itself and of the host's files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
from host_state import ask, untouched
from story import Project

from deployer.errors import ExitCode

WEB = ("web1",)
HOSTS = (*WEB, "db1")  # one web server does the same as two
CHECKSUM = "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM orders t"
SPOILS = ("UPDATE orders SET word = upper(word)", "CREATE TABLE half_done (id int)", "SELECT 1 / 0")
WORKS = ("ALTER TABLE orders ADD COLUMN price int", "UPDATE orders SET price = id, word = 'x'")


def migration(*statements: str) -> str:
    """`deploy_migrate` that runs each statement in a transaction of its own."""
    words = " ".join(f'-c "{statement}"' for statement in statements)
    psql = f"PGPASSWORD=$POSTGRES_PASSWORD psql -v ON_ERROR_STOP=1 -h db -U shop -d shop {words}"
    return shlex.join(["sh", "-c", psql])


def snapshots(shop: Project) -> list[str]:
    """The names of what is kept on the host of the database, oldest first."""
    return sorted(shop.host("db1").exec(f"ls -A {shop.root}/shared/snapshots")[1].split())


def ids(shop: Project) -> set[str]:
    return {name.partition(".")[0] for name in snapshots(shop)}


@pytest.fixture(scope="module")
def shop(standing_shop: Project) -> Project:
    """The standing shop with a thousand orders in its database, which is kept from now on."""
    standing_shop.rows(
        "CREATE TABLE orders AS SELECT g AS id, md5(g::text) AS word FROM generate_series(1, 1000) g;"
        "ALTER TABLE orders ADD PRIMARY KEY (id); ALTER DATABASE shop SET timezone = 'Asia/Tokyo'"
    )
    standing_shop.variables |= {"deploy_snapshot": ["db"], "rollout_serial": "100%"}
    standing_shop.web["deploy_migrate"] = ""
    standing_shop.db["deploy_migrate_service"] = "db"
    return standing_shop


@pytest.fixture
def before(shop: Project) -> list[str]:
    """The orders' checksum when a story begins."""
    return shop.rows(CHECKSUM)


@pytest.fixture(autouse=True)
def settled(shop: Project) -> Iterator[None]:
    """After every story all hosts are on one release that serves, and the orders' settings are theirs."""
    yield
    assert shop.release()
    assert shop.rows("SHOW timezone") == ["Asia/Tokyo"]


def test_migration_that_fails_in_the_middle(shop: Project, before: list[str]) -> None:
    first, containers = shop.release(), shop.all_containers()
    shop.write("www/index.html", "spoilt")
    shop.db["deploy_migrate"] = migration(*SPOILS)
    run = shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert "division by zero" in run.output
    assert (shop.release(), shop.all_containers()) == (first, containers), "nothing was switched"
    assert shop.rows(CHECKSUM) != before
    [name] = snapshots(shop)
    assert name.endswith(f".after-{first}.db.dump")
    path = f"{shop.root}/shared/snapshots/{name}"
    assert ask(shop.host("db1"), f"stat -c '%a %U' {path} $(dirname {path})").split() == ["600", "root", "700", "root"]
    assert "TABLE DATA public orders" in ask(
        shop.host("db1"), f"docker exec -i {shop.name}-db-1 pg_restore --list <{path}"
    )
    with untouched(shop.fleet.hosts.values()):
        unasked = shop.command("restore", "lab").exits(ExitCode.USAGE)
        announced = shop.command("restore", "lab", "--check", "--output=json").exits(ExitCode.OK)
    assert "--yes" in unasked.output
    assert any(name in action["title"] and action["host"] == "db1" for action in announced.actions)

    restored = shop.command("restore", "lab", "--yes").exits(ExitCode.OK)

    assert shop.rows(CHECKSUM) == before
    assert shop.rows("SELECT to_regclass('half_done') IS NULL") == ["t"], "what the migration added is gone too"
    assert (shop.release(), shop.all_containers()) == (first, containers)
    [kept] = shop.rows("SELECT datname FROM pg_database WHERE datname LIKE 'shop\\_before\\_%'")
    assert kept in restored.output
    assert snapshots(shop) == [name]


def test_going_back_with_the_data(shop: Project, before: list[str]) -> None:
    first = shop.release()
    shop.write("www/index.html", "second")
    shop.db["deploy_migrate"] = migration(*WORKS)
    second = shop.deployed()
    assert shop.deploy("--output=json").exits(ExitCode.OK).actions == (), "kept once"
    with untouched(shop.fleet.hosts.values()):
        shop.rollback("--restore-data").exits(ExitCode.USAGE)
    assert any(name.startswith(f"{second}.after-{first}.") for name in snapshots(shop))

    shop.rollback("--restore-data", "--yes").exits(ExitCode.OK)

    assert shop.current() == dict.fromkeys(HOSTS, first)
    assert shop.serving() == dict.fromkeys(WEB, "first")
    assert shop.rows(CHECKSUM) == before


def test_going_back_without_the_data_and_thinking_better_of_it(shop: Project, before: list[str]) -> None:
    first = shop.release()
    shop.write("www/index.html", "third")
    shop.db["deploy_migrate"] = migration(*WORKS)
    third = shop.deployed()
    containers, spoilt = shop.all_containers(), shop.rows(CHECKSUM)
    elsewhere = shop.rollback("--restore-data", "--yes").exits(ExitCode.ROLLED_BACK)
    assert f"--to {first} --restore-data" in elsewhere.output, "the data was never the second release's"
    assert (shop.release(), shop.all_containers(), shop.rows(CHECKSUM)) == (third, containers, spoilt)
    run = shop.rollback("--to", first).exits(ExitCode.OK)
    assert f"the database's schema is that of {third}" in run.output
    assert "deploy restore lab" in run.output
    assert shop.release() == first
    assert shop.rows(CHECKSUM) != before, "going back alone leaves data as it is"
    shop.command("restore", "lab", "--yes").exits(ExitCode.OK)
    assert shop.rows(CHECKSUM) == before
    again = shop.rollback("--to", first, "--output=json").exits(ExitCode.OK)
    assert again.actions == (), "the schema is no longer ahead"


def test_a_volume_goes_back(shop: Project) -> None:
    """Files that the new release wrote are put aside, and the old ones are there again."""
    first = shop.release()
    shop.db["deploy_migrate"] = ""
    shop.variables["deploy_snapshot"] = [{"service": "web", "kind": "volume", "volume": "uploads", "mode": "cold"}]
    try:
        for name in WEB:
            shop.write_volume_file(name, "uploads", "photo.txt", f"of {name}")
        page = shop.serving()
        shop.write("www/index.html", "fourth")
        shop.deployed()
        shop.write_volume_file("web1", "uploads", "photo.txt", "spoilt")
        shop.write_volume_file("web1", "uploads", "more.txt", "more")
        shop.rollback("--to", first, "--restore-data", "--yes").exits(ExitCode.OK)
        assert [shop.volume_file(name, "uploads", "photo.txt") for name in WEB] == ["of web1"]
        assert shop.volume_file("web1", "uploads", "more.txt") is None
        kept = ask(shop.host("web1"), f"ls -d /var/lib/docker/volumes/{shop.name}_uploads/_data/.before-restore-*")
        assert ask(shop.host("web1"), f"cat {kept.strip()}/photo.txt") == "spoilt"
        assert (shop.release(), shop.serving()) == (first, page)
    finally:
        shop.variables["deploy_snapshot"] = ["db"]


def test_a_disk_that_cannot_hold_it(shop: Project, before: list[str]) -> None:
    first, folder = shop.release(), f"{shop.root}/shared/snapshots"
    shop.write("www/index.html", "fifth")
    shop.db["deploy_migrate"] = migration(*SPOILS)
    ask(shop.host("db1"), f"mount -t tmpfs -o size=1m tmpfs {folder}")
    try:
        run = shop.deploy().exits(ExitCode.ROLLED_BACK)
    finally:
        ask(shop.host("db1"), f"umount {folder}")
    assert "the database of db may need" in run.output
    assert "1.0 MB left" in run.output
    assert shop.rows(CHECKSUM) == before, "it was never migrated"
    assert shop.release() == first


def test_old_snapshots_go_with_their_releases(shop: Project) -> None:
    few = ("-e", "keep_releases=2", "-e", "keep_snapshots=1")
    shop.db["deploy_migrate"] = ""
    old = ids(shop)
    for word in ("sixth", "seventh"):
        shop.write("www/index.html", word)
        shop.deploy(*few).exits(ExitCode.OK)
    left, there = ids(shop), set(shop.releases("db1"))
    assert shop.release() in left
    assert old - left, "none of the oldest went"
    assert not (old - left) & there, "a snapshot of a release that can be gone back to"
    assert len(left - there) <= 1
