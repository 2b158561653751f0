"""Several compose files as one: merging, `extends`, `include`, `!reset` and `!override`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.config.compose_file import load_compose
from deployer.errors import Place, ProjectError
from deployer.model.project import ComposeProject, Service


def write(folder: Path, **files: str) -> Path:
    """Files by name, `__` for a dot and `_S_` for a slash."""
    for name, text in files.items():
        path = folder / name.replace("_S_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def load(folder: Path, text: str) -> ComposeProject:
    return load_compose(write(folder, compose__yaml=text))


def refused(folder: Path, text: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        load(folder, text)
    return caught.value


# several files --------------------------------------------------------------------------------------------------------


def merged(folder: Path, base: str, over: str) -> ComposeProject:
    return load_compose(write(folder, a__yaml=base, b__yaml=over), ["a.yaml", "b.yaml"])


def test_later_files_add_to_lists_and_replace_plain_values(tmp_path: Path) -> None:
    web = merged(
        tmp_path,
        "services: {web: {build: ., depends_on: [db], ports: ['1:1'], profiles: [x]}, db: {image: d}, mq: {image: m}}",
        "services: {web: {build: {context: .}, depends_on: {mq: {condition: service_started}}, ports: ['2:2']}}",
    ).services["web"]
    assert (web.built, web.depends_on, web.ports, web.profiles) == (True, ("db", "mq"), ("1:1", "2:2"), ("x",))


def test_a_later_mount_at_the_same_place_replaces_the_earlier_one(tmp_path: Path) -> None:
    base = "services: {web: {image: a, volumes: ['./src:/app', './etc:/etc/app']}}"
    over = "services: {web: {volumes: ['code:/app']}}\nvolumes: {code: }"
    assert merged(tmp_path, base, over).services["web"].bind_mounts == ("./etc",)


def test_reset_takes_away_and_override_replaces(tmp_path: Path) -> None:
    base = "services: {web: {image: a, ports: ['1:1'], depends_on: [db], profiles: [p]}, db: {image: d}, x: {image: x}}"
    over = "services: {web: {ports: !override ['2:2'], depends_on: !reset [], profiles: !reset null}, x: !reset null}"
    compose = merged(tmp_path, base, over)
    web = compose.services["web"]
    assert (web.ports, web.depends_on, web.profiles, list(compose.services)) == (("2:2",), (), (), ["web", "db"])


def test_a_tag_that_compose_does_not_know_is_refused_beside_those_that_it_does(tmp_path: Path) -> None:
    error = refused(tmp_path, "services:\n  web:\n    ports: !reset []\n    image: !secret x\n")
    assert "!secret" in str(error)
    assert error.place == Place(str(tmp_path / "compose.yaml"), 4, 12)


# extends and include --------------------------------------------------------------------------------------------------


def test_extends_follows_services_here_and_in_other_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose__yaml="""
        services:
          web: {extends: {service: base, file: common/app.yaml}, ports: ['1:1']}
          worker: {extends: web, ports: !reset [], healthcheck: {disable: true}}
        """,
        common_S_app__yaml="""
        services:
          base: {extends: root, volumes: ['./conf:/conf']}
          root: {build: ., healthcheck: {test: 'true'}}
        """,
    )
    services = load_compose(tmp_path).services
    mounted = Service(name="worker", built=True, bind_mounts=("./common/conf",), volumes=("./common/conf:/conf",))
    assert services["web"] == replace(mounted, name="web", health_check=True, ports=("1:1",))
    assert services["worker"] == mounted


@pytest.mark.parametrize("extends", ["web", "{service: a}", "{service: web, file: ./compose.yaml}"])
def test_a_service_cannot_extend_itself(tmp_path: Path, extends: str) -> None:
    error = refused(tmp_path, f"services:\n  web: {{extends: {extends}}}\n  a: {{extends: web}}\n")
    assert "extends itself" in str(error)


def test_two_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, other__yaml="services: {b: {extends: {service: a, file: compose.yaml}}}")
    error = refused(tmp_path, "services: {a: {extends: {service: b, file: other.yaml}}}")
    assert "leads back to itself" in str(error)


def test_an_unknown_service_to_extend_has_its_nearest_name(tmp_path: Path) -> None:
    error = refused(tmp_path, "services:\n  base: {image: a}\n  web:\n    extends: bas\n")
    assert (error.hint, error.place.line if error.place else 0) == ("did you mean `base`?", 4)


def test_included_services_and_externals_are_part_of_the_project(tmp_path: Path) -> None:
    write(
        tmp_path,
        db_S_compose__yaml="services: {db: {image: d, volumes: ['./init:/init']}}\nnetworks: {n: {external: true}}",
        more__yaml="services: {mq: {image: m}}",
    )
    compose = load(
        tmp_path,
        "include: [db/compose.yaml, {path: [more.yaml]}]\nservices: {web: {image: a, depends_on: [db, mq]}}",
    )
    assert sorted(compose.services) == ["db", "mq", "web"]
    assert (compose.services["db"].bind_mounts, compose.networks) == (("./db/init",), ("n",))
    assert compose.files == ("compose.yaml",)


def test_an_include_from_elsewhere_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in str(refused(tmp_path, "include: [oci://r/x]\nservices: {web: {image: a}}"))
