"""Kept data without a host: names, the facts' shell, which snapshots may go, what is refused beforehand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click import Abort, UsageError

from deployer.cli.restoring import agree
from deployer.config.snapshots import check_snapshots
from deployer.errors import ProjectError
from deployer.facts.snapshots import (
    CREDENTIALS,
    DataSeen,
    MigratedReleases,
    SnapshotFile,
    Snapshots,
    StoredData,
    snapshot_folder,
)
from deployer.model.action import Script
from deployer.model.project import ComposeProject, Service
from deployer.model.release import Container, Installed, Release
from deployer.modules.schema import Schema
from deployer.modules.snapshot import Snapshot
from deployer.protocols import Fact
from deployer.rollout.choose import NoReleaseError, choose_serving
from deployer.rollout.retention import removable_snapshots
from deployer.rollout.space import told_size

R1, R2 = "20260101T000000Z-aaaaaaa", "20260102T000000Z-bbbbbbb"


def sh(text: str, *, options: str = "-eu", **env: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(["sh", options], input=text, env=known, capture_output=True, text=True, check=False)


def ask(fact: Fact[Any], **env: str) -> Any:
    done = sh(fact.script(), options="-s", **env)
    return fact.parse(done.stdout, done.returncode)


def program(folder: Path, name: str, text: str) -> dict[str, str]:
    """A program of this name, and the environment in which it is found."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


# names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file",
    [
        SnapshotFile(release=R2, after=R1, of="db"),
        SnapshotFile(release=R2, after=None, of="db"),
        SnapshotFile(release=R2, after=R1, of="my.db-2", size=7),
        SnapshotFile(release=R2, after=R1, of="uploads", kind="volume"),
    ],
)
def test_name_says_all_but_the_size(file: SnapshotFile) -> None:
    assert SnapshotFile.parse(file.name, file.size) == file


@pytest.mark.parametrize("name", ["", "x.dump", f".tmp-{R2}.after-{R1}.db.dump", f"{R2}.after-{R1}.db.sql", "*"])
def test_other_names_are_not_ours(name: str) -> None:
    assert SnapshotFile.parse(name) is None


# facts ----------------------------------------------------------------------------------------------------------


def test_snapshots_are_listed_with_their_sizes(tmp_path: Path) -> None:
    root = str(tmp_path / "it's shop")
    folder = Path(snapshot_folder(root))
    folder.mkdir(parents=True)
    mine = SnapshotFile(release=R2, after=R1, of="db", size=5)
    (folder / mine.name).write_text("12345")
    (folder / "notes.dump").write_text("of somebody else")
    (folder / f".tmp-{mine.name}").write_text("half")
    assert ask(Snapshots(root)).files == (mine,)


def test_room_is_that_of_the_file_system_before_the_folder_is_there(tmp_path: Path) -> None:
    seen = ask(Snapshots(f"{tmp_path}/srv/shop"))
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    assert seen.files == ()
    assert abs(seen.free - free) < 1e9


DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/my disk 100 20 80 20% /data\n"


def test_size_and_room_of_stored_data() -> None:
    fact = StoredData("/srv/shop", "shop", "db")
    assert fact.parse(f"7788211\n3\n{DF}", 0) == DataSeen(size=7788211, free=80 * 1024)
    assert fact.parse(f"7788211\n0\n{DF}", 0) == DataSeen(size=7788211, empty=True, free=80 * 1024)
    assert fact.parse("", 1) is None
    assert fact.parse("psql: error\n\n\n", 0) is None


def test_what_serves_already_is_not_measured(tmp_path: Path) -> None:
    env = program(tmp_path, "docker", f"echo asked >>{tmp_path}/calls")
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "release.json").write_text('{"format":1,"digest":"dd"}')
    assert ask(StoredData(str(tmp_path), "shop", "db", None, "dd"), **env) is None
    assert not (tmp_path / "calls").exists()
    ask(StoredData(str(tmp_path), "shop", "db", None, "other"), **env)
    assert (tmp_path / "calls").exists()


def test_volume_is_measured_under_its_real_name(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_bytes(b"x" * 50000)
    answers = (
        f'case "$1 $2" in "volume ls") echo shop_uploads ;; *) [ "$6" = shop_uploads ] && echo {tmp_path}/data ;; esac'
    )
    seen = ask(StoredData("/srv/shop", "shop", "web", "uploads"), **program(tmp_path, "docker", answers))
    assert 50000 <= seen.size < 200000
    assert not seen.empty


def test_marks_of_migrations(tmp_path: Path) -> None:
    for name in (R1, R2):
        (tmp_path / "releases" / name).mkdir(parents=True)
    (tmp_path / "releases" / R2 / "migrated").touch()
    assert ask(MigratedReleases(str(tmp_path))) == frozenset({R2})
    assert ask(MigratedReleases(f"{tmp_path}/nowhere")) == frozenset()


@pytest.mark.parametrize(
    ("given", "user", "database"),
    [
        ({}, "postgres", "postgres"),
        ({"POSTGRES_USER": "ann"}, "ann", "ann"),
        ({"POSTGRES_USER": "ann", "POSTGRES_DB": "it's"}, "ann", "it's"),
        ({"POSTGRES_USER_FILE": "{dir}/user"}, "from a file", "from a file"),
    ],
)
def test_credentials_are_the_containers_own(tmp_path: Path, given: dict[str, str], user: str, database: str) -> None:
    (tmp_path / "user").write_text("from a file\n")
    env = {name: value.format(dir=tmp_path) for name, value in given.items()}
    done = sh(CREDENTIALS + 'printf "%s|%s|%s" "$PGUSER" "$PGDATABASE" "$PGPASSWORD"', POSTGRES_PASSWORD="pw", **env)
    assert done.stdout == f"{user}|{database}|pw"


# which may go ---------------------------------------------------------------------------------------------------


def installed(*names: str, current: str | None = None) -> Installed:
    releases = {name: Release(id=name, project="shop", root="/srv/shop", services=("db",)) for name in names}
    return Installed(root="/srv/shop", current=current, releases=releases)


@pytest.mark.parametrize(
    ("made", "there", "keep", "gone"),
    [
        ("r1 r2 r3", "", 5, ()),
        ("r1 r2 r3", "", 2, ("r1", "r2")),
        ("r1 r2 r3", "r1 r3", 2, ("r2",)),
        ("r1 r2 r3", "", 0, ("r1", "r2", "r3")),
        ("r1 r5", "", 1, ("r1",)),
    ],
)
def test_oldest_snapshots_go(made: str, there: str, keep: int, gone: tuple[str, ...]) -> None:
    assert removable_snapshots(made.split(), installed(*there.split()), "r4", keep) == gone


# what serves ----------------------------------------------------------------------------------------------------


def test_data_is_restored_for_what_serves_or_was_last_tried() -> None:
    seen = {"a": installed("r1", "r2", current="r1"), "b": installed("r1", "r2")}
    assert {host: one.id for host, one in choose_serving(seen).items()} == {"a": "r1", "b": "r2"}
    with pytest.raises(NoReleaseError, match="no release is there"):
        choose_serving({"a": installed()})


# what is refused ------------------------------------------------------------------------------------------------


def test_services_to_keep_must_be_there() -> None:
    project = ComposeProject(services={"db": Service(name="db"), "web": Service(name="web")})
    check_snapshots(["db", {"service": "web", "kind": "volume", "volume": "uploads"}], project)
    check_snapshots([], project)
    with pytest.raises(ProjectError, match="'dbb'") as caught:
        check_snapshots(["dbb"], project)
    assert caught.value.hint == "did you mean `db`?"


class Terminal:
    def isatty(self) -> bool:
        return True


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    agree("prod", yes=True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(UsageError, match="--yes"):
        agree("prod", yes=False)


@pytest.mark.parametrize(("typed", "agreed"), [("prod", True), (" prod ", True), ("yes", False), ("staging", False)])
def test_environment_is_typed_by_name(monkeypatch: pytest.MonkeyPatch, typed: str, agreed: bool) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    if agreed:
        agree("prod", yes=False)
        return
    with pytest.raises(Abort):
        agree("prod", yes=False)


# the shell of the modules ---------------------------------------------------------------------------------------


def keeping(tmp_path: Path) -> str:
    release = Release(id=R2, project="shop", root=str(tmp_path), services=("db",))
    module = Snapshot(release=release, services=("db",))
    db = Container(id="x", name="shop-db-1", service="db", state="running")
    releases, containers, there, stored = module.facts()
    seen = {releases: installed(R1, current=R1), containers: (db,), there: ask(there), stored: None}
    [action] = module.plan(seen)
    assert isinstance(action, Script)
    return action.text


DUMPED = 'case "$*" in *pg_dump*) echo dumped ;; '
GOOD = DUMPED + '*--list*) echo "; head"; echo "1; TABLE orders" ;; *) cat >/dev/null ;; esac'


def test_dump_gets_its_name_when_it_was_read_back(tmp_path: Path) -> None:
    done = sh(keeping(tmp_path), **program(tmp_path, "docker", GOOD))
    assert (done.returncode, done.stdout) == (0, "7 bytes\n")
    [file] = Path(snapshot_folder(str(tmp_path))).iterdir()
    assert (file.name, file.read_text()) == (f"{R2}.after-{R1}.db.dump", "dumped\n")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    "docker",
    [
        'case "$*" in *pg_dump*) echo half; exit 1 ;; esac',
        DUMPED + '*--list*) echo "; head, and nothing else" ;; esac',
        DUMPED + '*--list*) echo "1; TABLE orders" ;; *) echo "end of file" >&2; exit 1 ;; esac',
    ],
    ids=["fails", "is empty", "is cut off"],
)
def test_dump_that_is_no_good_leaves_nothing(tmp_path: Path, docker: str) -> None:
    assert sh(keeping(tmp_path), **program(tmp_path, "docker", docker)).returncode != 0
    assert list(Path(snapshot_folder(str(tmp_path))).iterdir()) == []


def telling(tmp_path: Path, command: str) -> str:
    release = Release(id=R1, project="shop", root=str(tmp_path), services=("web",), built=("web",))
    module = Schema(release=release, command=command, environment="prod")
    installed_, migrated = module.facts()
    [action] = module.plan({installed_: installed(R1, R2, current=R2), migrated: frozenset({R2})})
    assert isinstance(action, Script)
    return action.text


def test_django_names_the_migrations_that_the_earlier_release_does_not_know(tmp_path: Path) -> None:
    env = program(
        tmp_path, "docker", f'echo "$*" >>{tmp_path}/calls; echo 9 objects imported; echo unknown: shop 0002_x'
    )
    done = sh(telling(tmp_path, "python manage.py migrate --noinput"), **env)
    assert done.stdout.endswith(f"migrations that {R1} does not know:\n  shop 0002_x\n")
    assert "deploy restore prod" in done.stdout
    assert "--no-deps --no-TTY web python manage.py shell --command" in (tmp_path / "calls").read_text()
    assert R2 in (tmp_path / ".deploy" / "history.log").read_text()


@pytest.mark.parametrize(("command", "docker"), [("./migrate", "exit 64"), ("python manage.py migrate", "exit 1")])
def test_schema_is_told_also_where_nobody_can_be_asked(tmp_path: Path, command: str, docker: str) -> None:
    done = sh(telling(tmp_path, command), **program(tmp_path, "docker", docker))
    assert done.returncode == 0
    assert "does not know" not in done.stdout
    assert f"that of {R2}" in done.stdout


@pytest.mark.parametrize(("number", "told"), [(0, "0.0 B"), (999, "999.0 B"), (1500, "1.5 kB"), (3.2e13, "32.0 TB")])
def test_sizes(number: float, told: str) -> None:
    assert told_size(number) == told
