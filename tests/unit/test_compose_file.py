"""What is read of compose files, by Compose's own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config.compose_file import check_binds, load_compose, project_name
from deployer.errors import Place, ProjectError
from deployer.model.project import ComposeProject, Service

ONE = "services: {web: {image: a}}\n"


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


# which files ----------------------------------------------------------------------------------------------------------


def test_a_folder_without_a_compose_file_is_named_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"compose\.yaml, compose\.yml, docker-compose\.yml") as caught:
        load_compose(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "deploy_source" in str(caught.value.hint)


def test_compose_yaml_wins_over_the_older_names(tmp_path: Path) -> None:
    write(tmp_path, docker_compose__yml="services: {old: {image: a}}", compose__yml="services: {new: {image: a}}")
    (tmp_path / "docker_compose.yml").rename(tmp_path / "docker-compose.yml")
    assert load_compose(tmp_path).files == ("compose.yml",)


def test_an_override_file_is_laid_over_the_default_file(tmp_path: Path) -> None:
    write(tmp_path, compose__yaml=ONE, compose__override__yml="services: {web: {image: b}}")
    compose = load_compose(tmp_path)
    assert (compose.files, compose.services["web"].image) == (("compose.yaml", "compose.override.yml"), "b")


def test_named_files_are_taken_alone_and_must_exist(tmp_path: Path) -> None:
    write(tmp_path, compose__yaml=ONE, compose__override__yml="services: {web: {image: b}}")
    assert load_compose(tmp_path, ["compose.yaml"]).services["web"].image == "a"
    with pytest.raises(ProjectError, match=r"no compose file prod\.yaml"):
        load_compose(tmp_path, ["compose.yaml", "prod.yaml"])


# what is read ---------------------------------------------------------------------------------------------------------


def test_a_service_is_read_with_all_that_a_deployment_needs(tmp_path: Path) -> None:
    compose = load(
        tmp_path,
        """
        name: shop
        services:
          web:
            build: .
            image: ${REGISTRY:-local}/web
            depends_on: {db: {condition: service_healthy}}
            profiles: [front]
            healthcheck: {test: ["CMD", "true"]}
            ports: ["8000:8000", {target: 443, published: "8443", host_ip: 127.0.0.1}]
            volumes: [./conf:/conf:ro, data:/data, {type: bind, source: logs, target: /logs}, /etc/tz:/etc/tz]
          db: {image: postgres:17}
        networks: {proxy: {external: true, name: edge}, backend: {}, old: {external: {name: legacy}}}
        volumes: {data: {}, kept: {external: true}}
        """,
    )
    assert compose.services["web"] == Service(
        name="web",
        built=True,
        image="${REGISTRY:-local}/web",
        depends_on=("db",),
        profiles=("front",),
        health_check=True,
        ports=("8000:8000", "127.0.0.1:8443:443"),
        bind_mounts=("./conf", "logs"),
        volumes=("./conf:/conf:ro", "data:/data", "./logs:/logs", "/etc/tz:/etc/tz"),
    )
    assert (compose.name, compose.networks, compose.volumes) == ("shop", ("edge", "legacy"), ("kept",))
    assert compose.named_volumes == ("data",)


@pytest.mark.parametrize("check", ["{disable: true}", "{test: NONE}", '{test: ["NONE"]}', "{interval: 3s}", "null"])
def test_a_health_check_that_checks_nothing_is_none(tmp_path: Path, check: str) -> None:
    compose = load(tmp_path, f"services: {{web: {{image: a, healthcheck: {check}}}}}")
    assert not compose.services["web"].health_check


def test_plain_words_mean_what_compose_takes_them_for(tmp_path: Path) -> None:
    """YAML 1.1 reads 2222:22 as a number to base 60."""
    compose = load(tmp_path, "services:\n  web:\n    image: a\n    restart: no\n    ports:\n      - 2222:22\n")
    assert compose.services["web"].ports == ("2222:22",)


def test_names_without_a_default_are_asked_for_once_and_compose_knows_its_own(tmp_path: Path) -> None:
    compose = load(
        tmp_path,
        """
        services:
          web:
            image: a:${TAG:?which} # not ${THIS}
            environment:
              A: ${TAG} $$NOT_THIS ${WITH:-x} $PLAIN
              B: ${COMPOSE_PROJECT_NAME} ${OUTER:-${INNER}} ${ONLY_IF:+set}
        """,
    )
    assert compose.variables == ("TAG", "PLAIN", "INNER")


def test_files_of_configs_and_secrets_are_mounts_of_the_project(tmp_path: Path) -> None:
    compose = load(
        tmp_path,
        """
        services: {web: {image: a, configs: [nginx, {source: far}], secrets: [key]}}
        configs: {nginx: {file: ./nginx.conf}, far: {file: /etc/far}}
        secrets: {key: {environment: KEY}}
        """,
    )
    assert compose.services["web"].bind_mounts == ("./nginx.conf",)


# refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("services:\n  web:\n    build: .\n   image: x\n", "broken YAML", 4),
        ("services:\n  - web\n", "services must be a mapping, found a list", 1),
        ("services:\n  web: nginx\n", "service web must be a mapping", 2),
        ("services:\n  web:\n    restart: always\n", "service web has neither image nor build", 2),
        ("services:\n  web:\n    image: a\n    depends_on: [bd]\n  db: {image: d}\n", "depends on bd", 4),
        ("services:\n  web:\n    image: a\n    ports: 80\n", "ports must be a list", 4),
        ("web:\n  image: nginx\n", "unknown top-level key 'web'", 1),
        ("name: x\n", "no services", 0),
        ("- web\n", "must be a mapping", 1),
        ("services:\n  a: {image: x}\n  a: {image: y}\n", "given twice", 3),
        ("services:\n  web: {extends: [a]}\n", "extends must name a service", 2),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(tmp_path: Path, text: str, message: str, line: int) -> None:
    error = refused(tmp_path, text)
    assert message in str(error)
    assert error.place is not None
    assert (error.place.path, error.place.line) == (str(tmp_path / "compose.yaml"), line)
    assert error.hint


# project name ---------------------------------------------------------------------------------------------------------


def test_the_project_name_is_given_or_named_or_the_folders(tmp_path: Path) -> None:
    folder = tmp_path / "_My App.v2"
    assert project_name(folder, ComposeProject()) == "myappv2"
    assert project_name(folder, ComposeProject(name="shop", files=("compose.yaml",))) == "shop"
    assert project_name(folder, ComposeProject(name="${NAME:-shop}", files=("compose.yaml",))) == "shop"
    assert project_name(folder, ComposeProject(name="shop"), "other_1") == "other_1"


@pytest.mark.parametrize(
    ("given", "proposal"), [("Shop", "shop"), ("../etc", "etc"), ("a/b", "b"), ("-x", "x"), ("ü", "NAME"), ("a\n", "a")]
)
def test_a_given_name_is_never_changed_but_refused_with_a_proposal(tmp_path: Path, given: str, proposal: str) -> None:
    """Another name would mean new, empty volumes."""
    with pytest.raises(ProjectError) as caught:
        project_name(tmp_path, ComposeProject(), given)
    assert caught.value.hint == f"set `deploy_project: {proposal}`"


def test_a_name_that_only_the_environment_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be a project name"):
        project_name(tmp_path, ComposeProject(name="${NAME}", files=("compose.yaml",)))


# mounts of the project ------------------------------------------------------------------------------------------------


def mounting(source: str) -> ComposeProject:
    return ComposeProject(services={"web": Service(name="web", image="a", bind_mounts=(source,))})


@pytest.mark.parametrize("source", ["./conf", "./conf/", ".", "./conf/nginx.conf", "${DIR:-./conf}"])
def test_a_mount_of_something_synced_is_fine(source: str) -> None:
    check_binds(mounting(source), ("conf/nginx.conf",), Place("compose.yaml"))


@pytest.mark.parametrize("source", ["./data", "../conf", "./con", "./conf/nginx"])
def test_a_mount_of_nothing_synced_is_refused(source: str) -> None:
    with pytest.raises(ProjectError, match="service web mounts") as caught:
        check_binds(mounting(source), ("conf/nginx.conf",), Place("compose.yaml"))
    assert "named volume" in str(caught.value.hint)
