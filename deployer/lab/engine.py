"""The Docker Engine that carries the lab: the one that answers, else one that we install and start."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import docker
from docker.errors import DockerException

from deployer.errors import LabError
from deployer.lab.daemon import SOCKET, daemon_pid, log_tail, start_daemon, stop_daemon
from deployer.lab.lock import alone
from deployer.lab.privilege import Say, ensure_commands, run_as_root

_NEEDED = {"dockerd": "docker.io", "mmdebstrap": "mmdebstrap"}  # the second now, to lock dpkg once
_PATIENCE = 90.0  # seconds; a daemon that was killed first ends the containers that it finds


def ensure_engine(say: Say) -> docker.DockerClient:
    """Return a client of this machine's Docker Engine; install and start one if none answers."""
    client = answering_engine()
    if client is not None:
        return client
    _refuse_where_impossible()
    with alone("engine"):
        client = answering_engine()
        if client is None:
            ensure_commands(_NEEDED, say)
            say("starting dockerd")
            _start()
            client = _wait_for_engine()
    return client


def stop_engine() -> bool:
    """End the dockerd that `ensure_engine` started by hand, never another; False if there is none."""
    return stop_daemon()


def answering_engine() -> docker.DockerClient | None:
    """Return a client of the engine that DOCKER_HOST or the usual socket names, if it answers."""
    if not os.environ.get("DOCKER_HOST") and not _is_taken(SOCKET):  # a client that finds nobody leaks its socket
        return None
    try:
        client = docker.from_env(timeout=300)  # asks for the API version, so a dead socket fails here
        client.ping()
    except DockerException:
        return None
    return client


def _refuse_where_impossible() -> None:
    if os.environ.get("DOCKER_HOST"):
        raise LabError("no Docker Engine answers at DOCKER_HOST", hint="start it, or unset DOCKER_HOST")
    if not sys.platform.startswith("linux"):
        raise LabError("lab hosts need Linux: their addresses are reached directly", hint="use the Vagrantfile")
    if _is_taken(SOCKET):  # a second dockerd would take the socket away from the first
        raise LabError(
            f"{SOCKET} is in use, but no Docker Engine answers us", hint="may you use it? usermod -aG docker $USER"
        )


def _is_taken(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
    return True


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        run_as_root(["systemctl", "start", "docker"])
    else:
        start_daemon()


def _wait_for_engine() -> docker.DockerClient:
    deadline = time.monotonic() + _PATIENCE
    grace = time.monotonic() + 3
    while time.monotonic() < deadline:
        client = answering_engine()
        if client is not None:
            return client
        if time.monotonic() > grace and daemon_pid() is None:
            break  # it has started and ended
        time.sleep(0.1)
    raise LabError(f"dockerd does not answer\n{log_tail()}", hint="does its socket belong to another group?")
