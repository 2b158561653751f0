"""What a release would leave behind of the one before: every kind with its neighbours that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from deployer.model.release import Release
from deployer.rollout.data_guard import is_same_project, losses

DB = "/var/lib/postgresql/data"
ROOT = "/var/lib/postgresql"
WEB = {"web": ["shop_uploads:/uploads"]}


def release(mounts: Mapping[str, Sequence[str]], *, pgdata: str | None = None, **images: str) -> Release:
    """A release of the shop with these mounts; services without an image are built."""
    return Release(
        id="r",
        project="shop",
        root="/srv/shop",
        services=tuple(mounts),
        images=images,
        mounts={name: tuple(texts) for name, texts in mounts.items()},
        data_directories={"db": pgdata} if pgdata else {},
    )


def db(image: str, *mounts: str, pgdata: str | None = None) -> Release:
    return release({"db": mounts}, pgdata=pgdata, db=image)


def found(before: Release, coming: Release) -> list[str]:
    return [f"{loss.service}: {loss.kind}" for loss in losses(before, coming)]


@pytest.mark.parametrize(
    ("before", "coming", "kinds"),
    [
        # nothing is left behind
        (["v:/data"], ["v:/data"], []),
        ([], ["v:/data"], []),
        (["v:/data"], ["v:/data", "w:/more", ":/cache", "/srv/x:/x"], []),
        ([":/data"], [":/data"], []),
        (["./conf:/conf"], ["./nginx:/conf"], []),
        (["./conf:/conf"], [], []),
        (["/etc/tz:/etc/tz", "/var/run/docker.sock:/var/run/docker.sock"], ["/etc/zone:/etc/tz"], []),
        (["/srv/media:/media"], [], []),
        (["v:/a", "v:/b"], ["v:/b"], []),
        (["v:/a"], ["v:/a", "v:/b"], []),
        # volumes
        (["v:/data"], ["w:/data"], ["volume-renamed"]),
        (["v:/data"], ["/srv/data:/data"], ["volume-renamed"]),
        (["v:/data"], ["./data:/data"], ["volume-renamed"]),
        (["v:/data"], [":/data"], ["volume-renamed"]),
        (["v/one:/data"], ["v/two:/data"], ["volume-renamed"]),
        (["/srv/one:/data"], ["/srv/two:/data"], ["volume-renamed"]),
        (["v:/data"], [], ["volume-dropped"]),
        (["v:/data", "w:/more"], ["w:/more"], ["volume-dropped"]),
        (["v:/data"], ["v:/other"], ["mount-moved"]),
        (["/srv/data:/data"], ["/srv/data:/other"], ["mount-moved"]),
        (["v:/a", "w:/b"], ["w:/a", "v:/b"], ["mount-moved", "mount-moved"]),
        ([":/data"], ["v:/data"], ["anonymous-volume"]),
        ([":/data"], [], ["anonymous-volume"]),
        ([":/data"], [":/other"], ["anonymous-volume"]),
    ],
)
def test_mounts_of_a_service_that_stays(before: list[str], coming: list[str], kinds: list[str]) -> None:
    assert found(release({"web": before}), release({"web": coming})) == [f"web: {kind}" for kind in kinds]


def test_a_volume_that_another_service_mounts_is_not_left_behind() -> None:
    before = release({"web": ["v:/uploads"], "worker": ["v:/uploads"]})
    assert found(before, release({"web": ["v:/uploads"], "worker": []})) == []
    assert found(before, release({"web": [], "worker": []})) == ["web: volume-dropped", "worker: volume-dropped"]


def test_a_database_whose_volume_only_its_backup_mounts_is_without_data() -> None:
    before = release({"db": [f"v:{DB}"], "backup": ["v:/from"]}, db="postgres:17")
    coming = release({"db": [], "backup": ["v:/from"]}, db="postgres:17")
    assert found(before, coming) == ["db: volume-renamed"], "the image's own anonymous volume is there now"


def test_services_come_and_go_without_a_word() -> None:
    before = release({"web": ["v:/uploads"], "old": ["w:/data"]})
    assert found(before, release({"web": ["v:/uploads"], "new": ["x:/data"]})) == []


def test_a_release_that_does_not_tell_its_mounts_is_compared_with_nothing() -> None:
    before = replace(db("postgres:17", f"v:{DB}"), mounts={})
    assert found(before, db("postgres:18", f"w:{ROOT}")) == []
    assert found(db("postgres:17", f"v:{DB}"), replace(before, mounts={})) == []


@pytest.mark.parametrize(
    ("before", "coming", "kinds"),
    [
        # nothing is left behind
        (db("postgres:17", f"v:{DB}"), db("postgres:17.5-alpine", f"v:{DB}"), []),
        (db("postgres:17.4", f"v:{DB}"), db("postgres:17.5", f"v:{DB}"), []),
        (db("postgres:17@sha256:aa", f"v:{DB}"), db("postgres:17@sha256:bb", f"v:{DB}"), []),
        (db("postgres:17", f"v:{DB}"), db("registry:5000/library/postgres:17", f"v:{DB}"), []),
        (db("postgres:17", f"v:{DB}"), db("postgis/postgis:17-3.5", f"v:{DB}"), []),
        (db("postgres:17", f"v:{DB}"), db("pgvector/pgvector:0.8.0-pg17", f"v:{DB}"), []),
        (db("postgres:latest", f"v:{DB}"), db("postgres:latest", f"v:{DB}"), []),
        (db("postgres:${PG}", f"v:{DB}"), db("postgres:${PG}-alpine", f"v:{DB}"), []),
        (db("postgres:17"), db("postgres:17"), []),
        (db("postgres:18", f"v:{ROOT}"), db("postgres:18.1", f"v:{ROOT}"), []),
        (db("mysql:8.4.2", "v:/var/lib/mysql"), db("mysql:8.4.3", "v:/var/lib/mysql"), []),
        (db("mysql:8", "v:/var/lib/mysql"), db("mysql:8.4", "v:/var/lib/mysql"), []),
        (db("mongo:8.0", "v:/data/db"), db("mongo:8.0.4", "v:/data/db"), []),
        (db("redis:7", "v:/data"), db("redis:8", "v:/data"), []),
        (db("postgres:17", f"v:{DB}"), db("postgres:17", f"v:{DB}", pgdata=DB), []),
        # another version on the same files
        (db("postgres:16", f"v:{DB}"), db("postgres:17", f"v:{DB}"), ["database-major"]),
        (db("postgres:17", f"v:{DB}"), db("postgres:16-alpine", f"v:{DB}"), ["database-major"]),
        (db("postgres:9.5", f"v:{DB}"), db("postgres:9.6", f"v:{DB}"), ["database-major"]),
        (db("postgres:16"), db("postgres:17"), ["database-major"]),
        (db("pgvector/pgvector:pg16", f"v:{DB}"), db("pgvector/pgvector:pg17", f"v:{DB}"), ["database-major"]),
        (db("mysql:8.0", "v:/var/lib/mysql"), db("mysql:9.0", "v:/var/lib/mysql"), ["database-major"]),
        (db("mysql:8.0", "v:/var/lib/mysql"), db("mysql:8.4", "v:/var/lib/mysql"), ["database-major"]),
        (db("mysql:8.0", "v:/var/lib/mysql"), db("mariadb:11.4", "v:/var/lib/mysql"), ["database-major"]),
        (db("mariadb:10.6", "v:/var/lib/mysql"), db("mariadb:10.11", "v:/var/lib/mysql"), ["database-major"]),
        (db("mongo:7.0", "v:/data/db"), db("mongo:8.0", "v:/data/db"), ["database-major"]),
        (db("postgres:17", f"v:{DB}"), db("postgres:latest", f"v:{DB}"), ["database-major"]),
        (db("postgres", f"v:{DB}"), db("postgres:17", f"v:{DB}"), ["database-major"]),
        (db("bitnami/postgresql:16", "v:/bitnami"), db("bitnami/postgresql:17", "v:/bitnami"), ["database-major"]),
        # the data directory moved
        (
            db("postgres:17", f"v:{DB}"),
            db("postgres:18", f"v:{DB}"),
            ["data-directory-moved", "database-major"],
        ),
        (
            db("postgres:17", f"v:{DB}"),
            db("postgres:18", f"v:{ROOT}"),
            ["mount-moved", "data-directory-moved", "database-major"],
        ),
        (db("postgres:17"), db("postgres:18"), ["data-directory-moved"]),
        (db("postgres:17", f"v:{DB}"), db("postgres:18", f"v:{DB}", pgdata=DB), ["database-major"]),
        (db("postgres:17", f"v:{DB}"), db("postgres:17", f"v:{DB}", pgdata=f"{DB}/pg"), ["data-directory-moved"]),
        (db("postgres:18", f"v:{ROOT}"), db("postgres:19", f"v:{ROOT}"), ["data-directory-moved", "database-major"]),
        # a new volume for a new version: the old one is left behind, and that is all
        (db("postgres:17", f"v:{DB}"), db("postgres:18", f"v18:{ROOT}"), ["volume-dropped"]),
        (db("postgres:16", f"v:{DB}"), db("postgres:17", f"v17:{DB}"), ["volume-renamed"]),
        (db("mysql:8.4", "v:/var/lib/mysql"), db("postgres:17", f"pg:{DB}"), ["volume-dropped"]),
        # where the image's own anonymous volume holds the data
        (db("postgres:17"), db("postgres:17", f"v:{DB}"), ["anonymous-volume"]),
        (db("postgres:17", f"v:{ROOT}"), db("postgres:17", f"v:{ROOT}", f"w:{DB}"), ["anonymous-volume"]),
        (db("postgres:17", f"v:{DB}"), db("postgres:17"), ["volume-renamed"]),
        (db("postgres:17", f"v:{DB}"), db("postgres:17", f"v:{ROOT}"), ["mount-moved"]),
        (db("postgres:17", f":{DB}"), db("postgres:17"), []),
        # another mount over a part of the volume
        (
            db("postgres:17", f"v:{DB}", pgdata=f"{DB}/pg"),
            db("postgres:17", f"v:{DB}", f"w:{DB}/pg", pgdata=f"{DB}/pg"),
            ["volume-renamed"],
        ),
    ],
)
def test_databases(before: Release, coming: Release, kinds: list[str]) -> None:
    assert found(before, coming) == [f"db: {kind}" for kind in kinds]


def test_a_database_that_is_built_from_now_on_is_judged_by_its_mounts() -> None:
    before = db("postgres:17", f"v:{DB}")
    assert found(before, release({"db": [f"v:{DB}"]})) == []
    assert found(before, release({"db": []})) == ["db: volume-dropped"]


def test_reasons_say_what_was_where_and_what_is_there_now() -> None:
    def words(before: Release, coming: Release) -> str:
        return "; ".join(map(str, losses(before, coming)))

    web = release(WEB)
    renamed = release({"web": ["shop_media:/uploads"]})
    assert words(web, renamed) == (
        "web: volume shop_uploads was mounted at /uploads, now volume shop_media is mounted there"
    )
    assert words(web, release({"web": []})) == "web: volume shop_uploads was mounted at /uploads, and is not any more"
    assert words(web, release({"web": ["shop_uploads:/media"]})) == (
        "web: volume shop_uploads was mounted at /uploads, now it is at /media, and nothing is mounted there"
    )
    assert words(db("postgres:16", f"v:{DB}"), db("postgres:17", f"v:{DB}")) == (
        "db: postgres:17 does not read what postgres:16 has written: dump it there, restore it here"
    )
    assert words(db("postgres:17"), db("postgres:17", f"v:{DB}")) == (
        "db: the database's data was in an anonymous volume, now it would be in volume v"
    )


# another name of the project ------------------------------------------------------------------------------------------


def called(name: str, mounts: Mapping[str, Sequence[str]] = WEB, **images: str) -> Release:
    return replace(release(mounts, **images), project=name, root=f"/srv/{name}")


def test_another_name_leaves_the_volumes_of_the_old_one() -> None:
    (loss,) = losses(called("shop"), called("store", {"web": ["store_uploads:/uploads"]}))
    assert loss.kind == "project-renamed"
    assert str(loss) == "project store: it was called shop, and would begin without shop_uploads"


def test_volumes_with_names_of_their_own_stay_when_the_project_is_renamed() -> None:
    mounts = {"web": ["uploads:/uploads", "/srv/media:/media", ":/cache"]}
    assert losses(called("shop", mounts), called("store", mounts)) == ()


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (called("shop"), True),
        (called("shop", {"web": []}), True),
        (called("store"), False),
        (called("shop", {"app": ["shop_uploads:/uploads"]}), False),
        (called("shop", {"web": ["shop_media:/media"]}), False),
        (called("shop", web="nginx"), False),
        (replace(called("shop"), mounts={}), False),
    ],
)
def test_a_project_is_the_same_if_services_images_and_volumes_are(other: Release, same: bool) -> None:
    coming = called("store", {"web": ["store_uploads:/uploads", "store_more:/more"], "new": []})
    assert is_same_project(other, coming) is same
