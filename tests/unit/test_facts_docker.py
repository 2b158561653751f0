"""Docker facts, asked of a real shell: without Docker, and with a `docker` that prints what real ones print."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TypeVar

import pytest
from fakes import script_of

from deployer.facts.docker import (
    DaemonJson,
    DockerEngine,
    DockerNetwork,
    DockerVolume,
    EngineSeen,
    LiveRestore,
    LiveRestoreSeen,
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
    (folder / name).unlink(missing_ok=True)  # a link to a tool of this machine's must never be written through
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def answers(server: str) -> str:
    """What `docker system dial-stdio` brings back when the engine is asked for a sign of life."""
    return f"printf 'HTTP/1.0 200 OK\\r\\nApi-Version: 1.45\\r\\nServer: {server} (linux)\\r\\n\\r\\nOK'"


def ask(fact: Fact[T], folder: Path) -> T:
    """Its answer where all files, but for temporary ones, are below a folder: this machine may have a Docker too."""
    script = re.sub(r"(?<![\w\"])/(?=(usr|var|snap|etc|lib|run)/)", f"{folder}/", script_of(fact))
    script = re.sub(r'"/(?=var/lib/dpkg/info)', f'"{folder}/', script)
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
        f"'system dial-stdio') {answers('Docker/26.1.5+dfsg1')} ;;\n"
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
        'if [ "$1" = system ]; then echo "Cannot connect to the Docker daemon" >&2; exit 1; fi\n'
        'echo "unknown flag: --short" >&2; exit 125',
    )
    program(bin_folder, "dockerd", "echo 'Docker version 20.10.24+dfsg1, build 5d6db84'")
    program(bin_folder, "systemctl", "echo disabled; exit 1")
    assert ask(DockerEngine(), bin_folder) == EngineSeen(version="20.10.24+dfsg1", unit="disabled")


def test_engine_that_does_not_let_us_in(bin_folder: Path) -> None:
    program(
        bin_folder,
        "docker",
        'if [ "$1" = system ]; then echo "permission denied while trying to connect" >&2; exit 1; fi\n'
        '[ "$1" = compose ] && echo v2.38.2',
    )
    assert ask(DockerEngine(), bin_folder) == EngineSeen(denied=True, compose="2.38.2")


def test_plugins_are_asked_themselves_where_docker_looks_for_them(bin_folder: Path) -> None:
    program(bin_folder, "docker", f'[ "$1" = system ] || exit 1\n{answers("Docker/28.3.2")}')
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
    assert DockerEngine().parse(f"running\nDocker/28.3.2\n{printed}\n\nnot-found\n", 0) == EngineSeen(
        version="28.3.2", running=True, compose=version
    )


def test_a_docker_that_is_podman_is_not_run(bin_folder: Path) -> None:
    for tool in ("head", "grep", "readlink"):
        (bin_folder / tool).symlink_to(shutil.which(tool) or "")
    program(bin_folder, "docker", 'touch "$0.ran"\nexec /usr/bin/podman "$@"')
    assert ask(DockerEngine(), bin_folder) == EngineSeen(place="podman")
    assert not (bin_folder / "docker.ran").exists()
    (bin_folder / "docker").unlink()
    program(bin_folder, "podman", 'touch "$0.ran"')
    (bin_folder / "docker").symlink_to("podman")
    assert ask(DockerEngine(), bin_folder) == EngineSeen(place="podman")
    assert not (bin_folder / "podman.ran").exists()


def test_an_engine_that_is_podmans_service_is_recognised(bin_folder: Path) -> None:
    program(bin_folder, "docker", f'[ "$1" = system ] || exit 1\n{answers("Libpod/5.4.2")}')
    assert ask(DockerEngine(), bin_folder) == EngineSeen(version="5.4.2", running=True, place="podman")


def test_a_snap_is_recognised_wherever_the_path_leads(bin_folder: Path) -> None:
    (bin_folder / "snap" / "bin").mkdir(parents=True)
    program(bin_folder / "snap" / "bin", "docker", "exit 1")
    assert ask(DockerEngine(), bin_folder) == EngineSeen(place="snap")


@pytest.mark.parametrize(
    ("names", "origin"),
    [
        ((), None),
        (("docker.io", "docker-cli", "containerd", "runc"), "distro"),
        (("containerd",), "distro"),
        (("docker-ce", "docker-ce-cli", "containerd.io"), "docker"),
        (("docker-ce", "docker-buildx"), "docker"),
    ],
)
def test_packages_say_where_docker_came_from(bin_folder: Path, names: tuple[str, ...], origin: str | None) -> None:
    info = bin_folder / "var" / "lib" / "dpkg" / "info"
    info.mkdir(parents=True)
    (info / "moby-engine.list").write_text("")  # removed, and not purged
    for name in names:
        (info / f"{name}.md5sums").write_text("")
    seen = ask(DockerEngine(), bin_folder)
    assert set(seen.packages) == set(names)
    assert seen.origin == origin


def test_packages_of_rpm_and_apk(bin_folder: Path) -> None:
    for tool in ("sed", "tr", "grep"):
        (bin_folder / tool).symlink_to(shutil.which(tool) or "")
    program(bin_folder, "rpm", "echo 'package docker.io is not installed'\nprintf 'docker-ce containerd.io '\nexit 2")
    assert ask(DockerEngine(), bin_folder).packages == ("docker-ce", "containerd.io")
    (bin_folder / "lib" / "apk" / "db").mkdir(parents=True)
    (bin_folder / "lib" / "apk" / "db" / "installed").write_text("P:musl\nP:docker-engine\nP:docker\n")
    assert ask(DockerEngine(), bin_folder).packages == ("docker", "docker-engine")


@pytest.mark.parametrize("link", ["runlevels/default/docker", "rc2.d/S01docker"])
def test_a_service_without_systemd(bin_folder: Path, link: str) -> None:
    (bin_folder / "etc" / "init.d").mkdir(parents=True)
    program(bin_folder / "etc" / "init.d", "docker", "")
    assert ask(DockerEngine(), bin_folder).unit == "disabled"
    (bin_folder / "etc" / link).parent.mkdir(parents=True)
    (bin_folder / "etc" / link).symlink_to(bin_folder / "etc" / "init.d" / "docker")
    assert ask(DockerEngine(), bin_folder).unit == "enabled"


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        ("true active 3\n", LiveRestoreSeen(enabled=True, swarm=True, containers=3)),
        ("false inactive 0\n", LiveRestoreSeen()),
        ("", LiveRestoreSeen()),
    ],
)
def test_whether_containers_go_on(printed: str, seen: LiveRestoreSeen) -> None:
    assert LiveRestore().parse(printed, 0) == seen


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
