"""Questions to a real Docker Engine from a shell, through curl and without it: the same answers, and docker's own."""

from __future__ import annotations

import io
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import docker
import pytest
from fakes import script_of

from deployer.facts.containers import ProjectContainers, ProjectImages
from deployer.facts.docker import DockerEngine
from deployer.facts.space import Space
from deployer.facts.strangers import Subnets
from deployer.lab.engine import ensure_engine
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


def test_networks_of_a_project_and_of_others(client: docker.DockerClient, project: str, path: Path) -> None:
    seen = ask(Subnets("/srv/none", project), path)
    assert seen.own == (f"{project}_default",)
    bridge = client.networks.get("bridge").attrs["IPAM"]["Config"]
    assert seen.by["network bridge"] == tuple(one["Subnet"] for one in bridge)


def test_room_where_images_lie(client: docker.DockerClient, path: Path, tmp_path: Path) -> None:
    seen = ask(Space(str(tmp_path)), path)
    assert seen is not None
    assert set(seen) == {str(tmp_path), client.info()["DockerRootDir"]}
