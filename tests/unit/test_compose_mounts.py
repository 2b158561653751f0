"""What a release says that it writes to, read from compose files in all their forms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from deployer.config.dotenv import read_dotenv
from deployer.config.releases import ReleaseMaker, Stamp
from deployer.config.settings import defaults
from deployer.errors import ProjectError
from deployer.model.release import Release
from deployer.model.release_json import from_json, to_json


def make(folder: Path, text: str, **settings: Any) -> Release:
    """The release that a host gets of a folder with this compose file."""
    (folder / "compose.yaml").write_text(dedent(text))
    maker = ReleaseMaker(Stamp(now=datetime(2026, 11, 22, tzinfo=UTC), by="me@here", tool="deployer"))
    given = {**defaults(), "deploy_source": str(folder), "deploy_project": "shop", **settings}
    return maker.make("web1", given).release


def mounts(folder: Path, text: str, **settings: Any) -> tuple[str, ...]:
    return make(folder, text, **settings).mounts["web"]


def test_short_and_long_forms_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "app").write_text("x")
    assert mounts(
        tmp_path,
        """
        services:
          web:
            image: a
            volumes:
              - data:/data
              - kept:/kept:ro
              - named:/named/:z
              - legacy:/legacy
              - /anonymous
              - /srv/x/:/x
              - /srv/y:/y:ro
              - ./conf:/conf:rw
              - {type: volume, source: data, target: /long}
              - {type: volume, source: data, target: /part, volume: {subpath: a/b}}
              - {type: volume, target: /nameless}
              - {type: bind, source: conf, target: /bound}
              - {type: bind, source: /srv/z, target: /z, read_only: true}
              - {type: tmpfs, target: /tmp}
        volumes:
          data: {}
          kept: {external: true}
          named: {name: other}
          legacy: {external: {name: old}}
        """,
    ) == (
        ":/anonymous", "./conf:/bound", "./conf:/conf", "shop_data:/data", "kept:/kept", "old:/legacy",
        "shop_data:/long", "other:/named", ":/nameless", "shop_data/a/b:/part", "/srv/x:/x",
    )  # fmt: skip


def test_the_last_file_decides_what_is_at_a_place(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(
        "services: {web: {volumes: ['new:/data', '/srv/conf:/conf:ro', 'more:/more']}}\nvolumes: {new:, more:}"
    )
    text = "services: {web: {image: a, volumes: ['old:/data', '/srv/conf:/conf']}}\nvolumes: {old:}"
    files = ["compose.yaml", "more.yaml"]
    assert mounts(tmp_path, text, deploy_compose_files=files) == ("shop_new:/data", "shop_more:/more")


def test_volumes_are_inherited_by_extends(tmp_path: Path) -> None:
    text = """
    services:
      base: {image: a, volumes: ['data:/data']}
      web: {extends: base, volumes: ['own:/own']}
    volumes: {data: , own: }
    """
    assert mounts(tmp_path, text) == ("shop_data:/data", "shop_own:/own")


def test_names_are_those_that_compose_will_see(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_FILE=file\nBOTH=file\n")
    release = make(
        tmp_path,
        """
        services:
          web:
            image: db:${FROM_FILE}-${BOTH}
            environment: {PGDATA: "/data/${BOTH}"}
            volumes:
              - ${FROM_FILE}:/a
              - ${DIR:-/srv/x}:/b
              - ours:/c
              - ${DEPLOY_RELEASE:-dev}:/d
              - kept-${KEY}:/e
        volumes: {ours: {name: "${COMPOSE_PROJECT_NAME}-${BOTH}"}}
        """,
        deploy_env={"BOTH": "given"},
        deploy_secrets={"KEY": "s3cret"},
    )
    assert release.images == {"web": "db:file-given"}
    assert release.data_directories == {"web": "/data/given"}
    assert release.mounts["web"] == (
        "shop_file:/a", "/srv/x:/b", "shop-given:/c", f"shop_{release.id}:/d", "shop_kept-${KEY}:/e",
    )  # fmt: skip
    assert "s3cret" not in to_json(release)


def test_pgdata_is_found_in_a_list_too(tmp_path: Path) -> None:
    text = "services: {web: {image: postgres, environment: [A=b, PGDATA=/x], volumes: ['/data']}}"
    assert make(tmp_path, text).data_directories == {"web": "/x"}


def test_mounts_are_told_and_are_no_part_of_the_digest(tmp_path: Path) -> None:
    text = "services: {web: {image: a, volumes: ['data:/data', '/x']}, idle: {image: b}}\nvolumes: {data:}"
    release = make(tmp_path, text)
    assert release.mounts == {"idle": (), "web": ("shop_data:/data", ":/x")}
    assert from_json(to_json(release)) == release
    assert make(tmp_path, text, deploy_project="store").digest == release.digest


def test_only_services_of_the_host_are_told(tmp_path: Path) -> None:
    text = "services: {web: {image: a}, db: {image: b, volumes: ['/x']}}"
    assert make(tmp_path, text, deploy_services=["web"]).mounts == {"web": ()}


# folders of the release that would hold data --------------------------------------------------------------------------


BOUND = "services: {web: {image: a, volumes: ['./media:/media']}}"


@pytest.mark.parametrize("names", [[], [".gitkeep"], ["a/.gitkeep", "b/.keep"]])
def test_a_folder_that_is_kept_empty_is_for_data(tmp_path: Path, names: list[str]) -> None:
    (tmp_path / "media").mkdir()
    for name in names:
        (tmp_path / "media" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "media" / name).write_text("")
    with pytest.raises(ProjectError, match=r"service web mounts \./media at /media, a folder of the release") as caught:
        make(tmp_path, BOUND)
    assert "-e deploy_allow=bind-hidden" in str(caught.value.hint)
    assert make(tmp_path, BOUND, deploy_allow=["bind-hidden"]).mounts["web"] == ("./media:/media",)
    assert make(tmp_path, BOUND, deploy_allow="volume-dropped,bind-hidden").mounts["web"]


def test_a_folder_with_files_or_for_reading_is_the_projects(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    assert make(tmp_path, BOUND.replace("/media'", "/media:ro'")).mounts["web"] == ()
    (tmp_path / "media" / "logo.svg").write_text("x")
    assert make(tmp_path, BOUND).mounts["web"] == ("./media:/media",)


def test_a_database_in_a_folder_of_the_release_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("17")
    text = "services: {db: {image: 'postgres:17', volumes: ['./pg:/var/lib/postgresql/data']}}"
    with pytest.raises(ProjectError, match=r"service db mounts \./pg at /var/lib/postgresql/data"):
        make(tmp_path, text)


def test_what_is_not_synced_can_be_allowed_too(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no part of the synced project") as caught:
        make(tmp_path, BOUND)
    assert "deploy_allow=bind-hidden" in str(caught.value.hint)
    assert make(tmp_path, BOUND, deploy_allow=["bind-hidden"]).mounts["web"] == ("./media:/media",)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("A='b # c' # d", "b # c"),
        ('A="b c"', "b c"),
        ("A=b # c", "b"),
        ("A=b#c", "b#c"),
        ("A=# c", ""),
        ("A=", ""),
        ("A='b", "'b"),
    ],
)
def test_a_line_of_dotenv(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"# first\n{line}\nnothing\n")
    assert read_dotenv(tmp_path / ".env") == {"A": value}
    assert read_dotenv(tmp_path / "other") == {}


def test_a_secret_is_no_build_argument_unless_that_is_allowed(tmp_path: Path) -> None:
    built = "services:\n  web:\n    build: {context: ., args: {TOKEN: $NPM_TOKEN}}\n"
    secret, by_name = {"deploy_secrets": {"NPM_TOKEN": "x" * 9}}, {"deploy_env": {"NPM_TOKEN": "x" * 9}}
    for settings in (secret, by_name):
        with pytest.raises(ProjectError, match="NPM_TOKEN as a build argument") as caught:
            make(tmp_path, built, **settings)
        assert "x" * 9 not in str(caught.value)
        assert make(tmp_path, built, **settings, deploy_allow=["build-argument"]).built == ("web",)
    make(tmp_path, built.replace("$NPM_TOKEN", "$VERSION"), deploy_env={"VERSION": "1"})
