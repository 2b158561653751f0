"""The Docker Engine of a host, asked over the connection that is there: needs an Engine on this machine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from sshd import Sshd
from tiny import tiny_image

from deployer.errors import CommandError, ConnectError
from deployer.transport.docker_api import PROJECT_LABEL
from deployer.transport.ssh import SshRemote

pytestmark = pytest.mark.e2e

LABEL, PROJECT, IMAGE = "deployer-contract", "contract-shop", "deployer-contract/tiny:1"
SPEAKS = "i=1; while [ $i -le 30 ]; do echo line $i; i=$((i+1)); done; sleep 0.3; echo last >&2; sleep 60"


def docker(*argv: str, given: bytes | None = None) -> str:
    done = subprocess.run(["docker", *argv], input=given, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def project(engine: None, programs: None) -> Iterator[str]:
    """Two running containers and a one-off that has failed, of one compose project."""
    docker("import", "-", IMAGE, given=tiny_image())
    labels = ["--label", LABEL, "--label", f"{PROJECT_LABEL}={PROJECT}", "--network", "none"]
    health = ["--health-cmd", "echo checked; exit 1", "--health-interval", "1s", "--health-retries", "1"]
    service = "com.docker.compose.service"
    try:
        docker("run", "-d", *labels, "--label", f"{service}=web", "--name", "contract-web", IMAGE, "sh", "-c", SPEAKS)
        docker(
            "run",
            "-d",
            *labels,
            *health,
            "--label",
            f"{service}=db",
            "--name",
            "contract-db",
            IMAGE,
            "sh",
            "-c",
            "sleep 60",
        )
        oneoff = ["--label", "com.docker.compose.oneoff=True", "--label", f"{service}=migrate"]
        docker("run", "-d", *labels, *oneoff, "--name", "contract-migrate", IMAGE, "sh", "-c", "exit 7")
        docker("wait", "contract-migrate")
        yield PROJECT
    finally:
        for name in docker("ps", "-aq", "--filter", f"label={LABEL}").split():
            docker("rm", "-f", name)
        docker("rmi", IMAGE)


@pytest.fixture
def host(walled: Callable[[str], Sshd]) -> Iterator[SshRemote]:
    server = walled("dash")
    remote = SshRemote(server.endpoint(user="free"), options=server.options())
    yield remote
    remote.close()


def test_all_containers_of_a_project_come_by_name(host: SshRemote, project: str) -> None:
    found = host.probe(become="root").containers(project)
    assert [(one.name, one.service, one.state, one.oneoff) for one in found] == [
        ("contract-db", "db", "running", False),
        ("contract-migrate", "migrate", "exited", True),
        ("contract-web", "web", "running", False),
    ]
    assert found[1].exit_code == 7
    assert found[2].health is None


def test_another_project_is_none_of_ours(host: SshRemote, project: str) -> None:
    assert host.probe(become="root").containers(project + "x") == ()


def test_all_samples_share_one_channel(host: SshRemote, project: str) -> None:
    probe = host.probe(become="root")
    for _ in range(20):
        assert len(probe.containers(project)) == 3
    assert (host.traffic().connections, host.traffic().execs) == (1, 1)


def test_the_last_lines_of_a_container(host: SshRemote, project: str) -> None:
    probe = host.probe(become="root")
    deadline = time.monotonic() + 15
    while "last" not in probe.logs("contract-web") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert probe.logs("contract-web", tail=3) == ("line 29", "line 30", "last")


def test_health_and_its_output_are_seen(host: SshRemote, project: str) -> None:
    probe = host.probe(become="root")
    deadline = time.monotonic() + 15
    while (db := probe.containers(project)[0]).health != "unhealthy" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (db.health, db.health_log) == ("unhealthy", "checked\n")


def test_a_container_that_does_not_exist_is_an_error_with_its_name(host: SshRemote, project: str) -> None:
    probe = host.probe(become="root")
    with pytest.raises(CommandError, match="no-such"):
        probe.logs("no-such")
    assert len(probe.containers(project)) == 3


def test_a_probe_that_was_closed_opens_again(host: SshRemote, project: str) -> None:
    probe = host.probe(become="root")
    probe.containers(project)
    probe.close()
    assert len(probe.containers(project)) == 3


def test_who_may_not_ask_the_engine_is_told(host: SshRemote, project: str) -> None:
    with pytest.raises(CommandError, match=r"web1: the Docker Engine does not answer: .*denied"):
        host.probe().containers(project)


def test_a_closed_remote_answers_no_more(host: SshRemote, project: str) -> None:
    probe = host.probe(become="root")
    probe.containers(project)
    host.close()
    with pytest.raises(ConnectError):
        probe.containers(project)
