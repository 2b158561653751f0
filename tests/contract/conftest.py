"""Every Remote there is, each on something real: this machine's sh, and sshd with three kinds of sh behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sshd import SH, Sshd, can_wall
from sync_host import Host, OnPath

from deployer.errors import LabError
from deployer.lab.privilege import ensure_commands
from deployer.model.connection import Endpoint
from deployer.protocols import Remote
from deployer.transport.connect import remote_for

MakeSshd = Callable[..., Sshd]
NotRun = Callable[[str], NoReturn]
PROGRAMS = {"sshd": "openssh-server", "sudo": "sudo", "openssl": "openssl", SH["busybox"]: "busybox"}


@pytest.fixture(scope="session")
def programs(not_run: NotRun) -> None:
    """What the servers are made of, installed where it is missing."""
    try:
        ensure_commands(PROGRAMS, print)
    except LabError as error:
        not_run(f"{error} (hint: {error.hint})")


@pytest.fixture(scope="session")
def sshd_binary(programs: None) -> str:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin") or ""


@pytest.fixture(scope="session")
def make_sshd(sshd_binary: str) -> Iterator[MakeSshd]:
    """Makes servers, and ends them with the session. Not below pytest's own folder: other users must look in."""
    made: list[Sshd] = []
    base = Path(tempfile.mkdtemp(prefix="sshd-"))
    base.chmod(0o755)

    def make(sh: str | None = None, extra: str = "") -> Sshd:
        made.append(Sshd(base / str(len(made)), sshd_binary, sh, extra).start())
        return made[-1]

    yield make
    for server in made:
        server.end()
    shutil.rmtree(base)


@pytest.fixture(scope="session")
def walled(make_sshd: MakeSshd, not_run: NotRun) -> Callable[[str], Sshd]:
    """The server behind one kind of sh, with users of its own; made once a session."""
    servers: dict[str, Sshd] = {}

    def get(sh: str) -> Sshd:
        if not can_wall():
            not_run("this machine allows us no mount namespace")
        if sh not in servers:
            servers[sh] = make_sshd(sh)
        return servers[sh]

    return get


@pytest.fixture(scope="session")
def server(programs: None, walled: Callable[[str], Sshd], make_sshd: MakeSshd) -> Sshd:
    """A server for tests that are about SSH alone."""
    return walled("dash") if can_wall() else make_sshd()


@pytest.fixture(params=["local", "ssh-dash", "ssh-bash", "ssh-busybox"])
def remote(request: pytest.FixtureRequest) -> Iterator[Remote]:
    """Each Remote in turn, closed at the end."""
    kind, _, sh = request.param.partition("-")
    if kind == "local":
        made = remote_for(Endpoint(name="web1", address="localhost", local=True))
    else:
        server = request.getfixturevalue("walled")(sh)
        made = remote_for(server.endpoint(user="free"), server.options())
    yield made
    made.close()


@pytest.fixture
def make_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Host]]:
    """Makes a host with an empty project: how it is reached and whose shell it has, as in ssh-busybox.

    With busybox's shell, all its programs are busybox's.
    """
    made: list[Host] = []

    def make(kind: str) -> Host:
        way, _, sh = kind.partition("-")
        remote: Any = remote_for(Endpoint(name="web1", address="localhost", local=True))
        if way == "ssh":
            server = request.getfixturevalue("walled")(sh)
            remote = remote_for(server.endpoint(), server.options())
        if sh == "busybox":
            request.getfixturevalue("programs")
            (tmp_path / "bin").mkdir()
            subprocess.run([SH["busybox"], "--install", "-s", str(tmp_path / "bin")], check=True)
            remote = OnPath(remote, tmp_path / "bin")
        (tmp_path / "source").mkdir()
        made.append(Host(remote, tmp_path / "srv it's" / "shop", tmp_path / "source"))
        return made[-1]

    yield make
    for host in made:
        host.remote.close()
