"""Docker facts, asked of a real shell: without Docker, and with a `docker` that prints what real ones print."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TypeVar

import pytest

from deployer.facts.docker import (
    DaemonJson,
    DockerEngine,
    DockerNetwork,
    DockerVolume,
    EngineSeen,
    NetworkSeen,
    VolumeSeen,
)
from deployer.protocols import Fact

T = TypeVar("T")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A PATH with a shell and nothing else in it."""
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    return tmp_path


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def ask(fact: Fact[T], folder: Path) -> T:
    script = fact.script().replace("/usr/", f"{folder}/usr/")  # this machine may have plugins of its own
    done = subprocess.run(
        ["sh", "-eu", "-c", script], capture_output=True, text=True, check=False, env={"PATH": str(folder)}
    )
    return fact.parse(done.stdout, done.returncode)


def test_without_docker_nothing_is_there(bin_folder: Path) -> None:
    assert ask(DockerEngine(), bin_folder) == EngineSeen()
    assert ask(DockerNetwork("web"), bin_folder) is None
    assert ask(DockerVolume("data"), bin_folder) is None


def test_running_engine_with_plugins(bin_folder: Path) -> None:
    program(
        bin_folder,
        "docker",
        'case "$1 $2" in\n'
        "'version --format') echo 26.1.5+dfsg1 ;;\n"
        "'compose version') echo 2.26.1-4 ;;\n"
        "'buildx version') echo github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3 ;;\n"
        "esac",
    )
    program(bin_folder, "systemctl", "echo enabled")
    assert ask(DockerEngine(), bin_folder) == EngineSeen(
        version="26.1.5+dfsg1", running=True, compose="2.26.1-4", buildx=True, unit="enabled"
    )


def test_stopped_engine_without_plugins(bin_folder: Path) -> None:
    program(
        bin_folder,
        "docker",
        'if [ "$1" = version ]; then echo; echo "Cannot connect to the Docker daemon" >&2; exit 1; fi\n'
        'echo "unknown flag: --short" >&2; exit 125',
    )
    program(bin_folder, "dockerd", "echo 'Docker version 20.10.24+dfsg1, build 5d6db84'")
    program(bin_folder, "systemctl", "echo disabled; exit 1")
    assert ask(DockerEngine(), bin_folder) == EngineSeen(version="20.10.24+dfsg1", unit="disabled")


def test_engine_that_does_not_let_us_in(bin_folder: Path) -> None:
    program(
        bin_folder,
        "docker",
        'if [ "$1" = version ]; then echo "permission denied while trying to connect" >&2; exit 1; fi\n'
        '[ "$1" = compose ] && echo v2.38.2',
    )
    assert ask(DockerEngine(), bin_folder) == EngineSeen(denied=True, compose="2.38.2")


def test_plugins_are_asked_themselves_where_docker_looks_for_them(bin_folder: Path) -> None:
    program(bin_folder, "docker", '[ "$1" = version ] || exit 1\necho 28.3.2')
    plugins = bin_folder / "usr" / "libexec" / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    program(plugins, "docker-compose", '[ "$*" = "version --short" ] && echo v2.38.2')
    program(plugins, "docker-buildx", "exit 1")
    assert ask(DockerEngine(), bin_folder) == EngineSeen(version="28.3.2", running=True, compose="2.38.2", buildx=True)


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("v2.38.2", "2.38.2"),
        ("2.26.1-4", "2.26.1-4"),
        ("Docker version 20.10.24+dfsg1, build 5d6db84", "20.10.24+dfsg1"),
        ("dev", "dev"),
        ("", None),
    ],
)
def test_versions(printed: str, version: str | None) -> None:
    assert DockerEngine().parse(f"running\n28.3.2\n{printed}\n\nnot-found\n", 0) == EngineSeen(
        version="28.3.2", running=True, compose=version
    )


NETWORK = '{"Name":"web","Driver":"bridge","Internal":false,"Attachable":true,"Labels":null}'
VOLUME = '{"Name":"my data","Driver":"local","Labels":{"a":"b"}}'


def test_network_is_described(bin_folder: Path) -> None:
    program(bin_folder, "docker", f"echo '{NETWORK}'")
    assert ask(DockerNetwork("web"), bin_folder) == NetworkSeen(attachable=True)


def test_network_whose_id_begins_like_the_name_is_another(bin_folder: Path) -> None:
    program(bin_folder, "docker", f"echo '{NETWORK}'")
    assert ask(DockerNetwork("4f"), bin_folder) is None


def test_volume_is_asked_for_by_its_very_name(bin_folder: Path) -> None:
    program(bin_folder, "docker", f'[ "$6" = "it\'s; data" ] || exit 1\necho \'{VOLUME}\'')
    assert ask(DockerVolume("it's; data"), bin_folder) is None
    program(bin_folder, "docker", f'[ "$6" = "my data" ] || exit 1\necho \'{VOLUME}\'')
    assert ask(DockerVolume("my data"), bin_folder) == VolumeSeen(labels={"a": "b"})


def test_daemon_json_is_raw_text() -> None:
    assert DaemonJson().parse("", 1) is None
    assert DaemonJson().parse("", 0) == ""
    assert DaemonJson().parse("{ broken", 0) == "{ broken"
