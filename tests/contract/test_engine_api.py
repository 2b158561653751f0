"""Questions to a real Docker Engine from a shell, through curl and without it: the same answers, and docker's own."""

from __future__ import annotations

import io
import secrets
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import docker
import pytest
from fakes import script_of
from tiny import tiny_image

from deployer.facts.containers import ProjectContainers, ProjectImages
from deployer.facts.docker import DockerEngine
from deployer.facts.space import Space
from deployer.facts.strangers import Subnets
from deployer.lab.engine import ensure_engine
from deployer.model.release import Container
from deployer.protocols import Fact

T = TypeVar("T")
TOOLS = ("docker", "sh", "grep", "cut", "gzip", "base64", "df", "tail", "awk", "curl")


@pytest.fixture(scope="module")
def client(engine: None) -> docker.DockerClient:
    return ensure_engine(print)


@pytest.fixture(scope="module")
def project(client: docker.DockerClient) -> Iterator[str]:
    """The name of a compose project that has a network, two images and a container, which was never started."""
    name = f"asked-{secrets.token_hex(3)}"
    labels = {"com.docker.compose.project": name, "com.docker.compose.service": "web", "Id": '"Id":"'}
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    client.api.import_image_from_data(empty.getvalue(), f"{name}-web", "1")
    client.images.get(f"{name}-web:1").tag(f"{name}-web", "2")
    container = client.containers.create(f"{name}-web:1", ["/none"], name=f"{name}-web-1", labels=labels)
    network = client.networks.create(f"{name}_default", labels=labels)
    yield name
    container.remove()
    network.remove()
    for tag in ("1", "2"):
        client.images.remove(f"{name}-web:{tag}")


@pytest.fixture(params=["curl", "docker alone", "a curl that knows no sockets"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A PATH with what hosts have."""
    for tool in TOOLS:
        found = shutil.which(tool)
        if found and (tool != "curl" or request.param == "curl"):
            (tmp_path / tool).symlink_to(found)
    if request.param.startswith("a curl"):
        (tmp_path / "curl").write_text("#!/bin/sh\nexit 2\n")
        (tmp_path / "curl").chmod(0o755)
    return tmp_path


def ask(fact: Fact[T], path: Path) -> T:
    done = subprocess.run(
        ["sh", "-c", script_of(fact)], env={"PATH": str(path)}, capture_output=True, text=True, check=False, timeout=60
    )
    return fact.parse(done.stdout, done.returncode)


def test_engine(client: docker.DockerClient, path: Path) -> None:
    seen = ask(DockerEngine(), path)
    assert seen.running
    assert seen.version == client.version()["Version"]
    assert seen.place == ""


def test_an_engine_elsewhere_is_asked_by_docker(client: docker.DockerClient, path: Path) -> None:
    script = script_of(DockerEngine())
    env = {"PATH": str(path), "DOCKER_HOST": "unix:///nowhere.sock"}
    done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert not DockerEngine().parse(done.stdout, done.returncode).running


def test_containers_and_images_of_a_project(project: str, path: Path) -> None:
    [container] = ask(ProjectContainers(project), path)
    assert (container.name, container.service, container.state) == (f"{project}-web-1", "web", "created")
    assert ask(ProjectContainers(f"{project}-other"), path) == ()
    assert ask(ProjectImages(project), path) == {f"{project}-web:1", f"{project}-web:2"}
    assert ask(ProjectImages(f"{project}-other"), path) == frozenset()


@pytest.fixture(scope="module")
def running(client: docker.DockerClient, programs: None) -> Iterator[str]:
    """A compose project of four containers that run, each with another answer to how it is."""
    name = f"runs-{secrets.token_hex(3)}"
    client.api.import_image_from_data(tiny_image(), name, "1")
    checks = {
        "well": {"test": ["CMD", "sh", "-c", "exit 0"], "interval": SECOND},
        "ill": {"test": ["CMD", "sh", "-c", "exit 1"], "interval": SECOND, "retries": 1},
        "young": {"test": ["CMD", "sh", "-c", "exit 0"], "interval": 3600 * SECOND},
        "unasked": None,
    }
    try:
        for service, check in checks.items():
            client.containers.run(
                f"{name}:1", ["sh", "-c", "sleep 600"], name=f"{name}-{service}-1", detach=True, network_mode="none",
                healthcheck=check, labels={
                    "com.docker.compose.project": name, "com.docker.compose.service": service,
                    "com.docker.compose.config-hash": f"hash-{service}", "com.docker.compose.oneoff": "False",
                    "said": '"State":"exited"',
                },
            )  # fmt: skip
        for service, health in (("well", "healthy"), ("ill", "unhealthy")):
            for _ in range(200):
                if client.api.inspect_container(f"{name}-{service}-1")["State"]["Health"]["Status"] == health:
                    break
                time.sleep(0.1)
        yield name
    finally:
        for one in client.containers.list(all=True, filters={"label": f"com.docker.compose.project={name}"}):
            one.remove(force=True)
        client.images.remove(f"{name}:1", force=True)


SECOND = 1_000_000_000  # nanoseconds, as the API counts
SAME = ("id", "name", "service", "state", "health", "image", "config_hash", "oneoff")


def by_service(found: Iterable[Container]) -> dict[str, tuple[object, ...]]:
    return {one.service: tuple(getattr(one, name) for name in SAME) for one in found}


def inspected(client: docker.DockerClient, project: str) -> dict[str, tuple[object, ...]]:
    listed = client.containers.list(all=True, filters={"label": f"com.docker.compose.project={project}"})
    return by_service(Container.from_inspect(one.attrs) for one in listed)


def test_list_says_of_what_runs_what_inspect_says(client: docker.DockerClient, running: str, path: Path) -> None:
    seen = by_service(ask(ProjectContainers(running), path))
    assert seen == inspected(client, running)
    assert [seen[name][4] for name in ("well", "ill", "young", "unasked")] == ["healthy", "unhealthy", "starting", None]


@pytest.mark.parametrize("path", ["curl"], indirect=True)
def test_docker_is_not_started_for_containers_that_run(running: str, path: Path) -> None:
    (path / "docker").unlink()
    (path / "docker").write_text("#!/bin/sh\nexit 9\n")
    (path / "docker").chmod(0o755)
    assert len(ask(ProjectContainers(running), path)) == 4


def test_image_that_lost_its_name_and_a_container_that_ended(
    client: docker.DockerClient, running: str, path: Path
) -> None:
    client.images.get(f"{running}:1").tag(f"{running}", "kept")
    client.api.remove_image(f"{running}:1", force=True)
    try:
        assert {one.image for one in ask(ProjectContainers(running), path)} == {f"{running}:1"}
    finally:
        client.images.get(f"{running}:kept").tag(running, "1")
        client.api.remove_image(f"{running}:kept")
    client.containers.get(f"{running}-unasked-1").stop(timeout=0)
    try:
        seen = {one.service: (one.state, one.exit_code) for one in ask(ProjectContainers(running), path)}
        assert seen["unasked"] == ("exited", 137)
        assert by_service(ask(ProjectContainers(running), path)) == inspected(client, running)
    finally:
        client.containers.get(f"{running}-unasked-1").start()


def test_networks_of_a_project_and_of_others(client: docker.DockerClient, project: str, path: Path) -> None:
    seen = ask(Subnets("/srv/none", project), path)
    assert seen.own == (f"{project}_default",)
    bridge = client.networks.get("bridge").attrs["IPAM"]["Config"]
    assert seen.by["network bridge"] == tuple(one["Subnet"] for one in bridge)


def test_room_where_images_lie(client: docker.DockerClient, path: Path, tmp_path: Path) -> None:
    seen = ask(Space(str(tmp_path)), path)
    assert seen is not None
    assert set(seen) == {str(tmp_path), client.info()["DockerRootDir"]}
