"""Fifty hosts at once: a busy sshd, a slow name server, a jump host that all go through."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sshd import Sshd, logged_in

from deployer.errors import AuthError, CommandTimeoutError, ConnectError
from deployer.model.connection import Endpoint
from deployer.transport.options import SshOptions
from deployer.transport.ssh import SshRemote

MakeSshd = Callable[..., Sshd]
MANY = 50


def all_in(count: int, endpoint: Endpoint, options: SshOptions) -> list[str]:
    """Connect that often at the same time; what each one answers."""
    remotes = [SshRemote(endpoint, options=options) for _ in range(count)]
    try:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda remote: remote.run("echo in").stdout, remotes))
    finally:
        for remote in remotes:
            remote.close()


def test_fifty_get_past_max_startups(make_sshd: MakeSshd) -> None:
    server = make_sshd(None, "MaxStartups 10:30:100\n")
    options = server.options(attempts=SshOptions().attempts)
    assert all_in(MANY, server.endpoint(), options) == ["in\n"] * MANY


def test_those_that_a_busy_sshd_drops_come_again(make_sshd: MakeSshd) -> None:
    server = make_sshd(None, "MaxStartups 2:100:2\n")
    options = server.options(attempts=SshOptions().attempts)
    assert all_in(12, server.endpoint(), options) == ["in\n"] * 12
    assert "drop connection" in (server.room / "log").read_text(), "nothing was dropped: the test shows nothing"


def test_fifty_get_through_one_jump_host(make_sshd: MakeSshd, tmp_path: Path) -> None:
    jump, host = make_sshd(None, "MaxStartups 10:30:100\n"), make_sshd(None, "MaxStartups 10:30:100\n")
    (tmp_path / "known").write_text(jump.known_hosts.read_text() + host.known_hosts.read_text())
    config = tmp_path / "config"
    config.write_text(
        f"Host jump\n HostName 127.0.0.1\n Port {jump.port}\n IdentityFile {jump.client_key}\n"
        f"Host *\n UserKnownHostsFile {tmp_path}/known\n"
    )
    endpoint = host.endpoint(ssh_options=(("ProxyJump", "jump"),))
    assert all_in(MANY, endpoint, SshOptions(ssh_config=(str(config),))) == ["in\n"] * MANY


def test_a_slow_name_server_costs_its_time_once(
    make_sshd: MakeSshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = make_sshd(None, "MaxStartups 10:30:100\n")
    (tmp_path / "known").write_text(f"[localhost]:{server.port} {server.public_key('ed25519')}\n")
    real = socket.getaddrinfo

    def slow(*arguments: Any, **more: Any) -> Any:
        time.sleep(3)
        return real(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    started = time.monotonic()
    endpoint = server.endpoint(address="localhost")
    options = server.options(known_hosts=(str(tmp_path / "known"),))
    assert all_in(16, endpoint, options) == ["in\n"] * 16
    assert time.monotonic() - started < 15, "one after the other they would take 48 s, in eights 6 s more"


def test_a_name_server_that_fails_for_a_moment_is_asked_again(
    make_sshd: MakeSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_sshd()
    real, failures = socket.getaddrinfo, iter([1, 2])

    def moody(*arguments: Any, **more: Any) -> Any:
        if next(failures, None):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", moody)
    assert all_in(1, server.endpoint(), server.options(attempts=4)) == ["in\n"]


def test_the_jump_host_that_is_in_the_way_is_named(make_sshd: MakeSshd, tmp_path: Path) -> None:
    jump, host = make_sshd(), make_sshd()
    config = tmp_path / "config"
    config.write_text(
        f"Host jump\n HostName 127.0.0.1\n Port {jump.port}\n User someone\n"
        f"Host *\n UserKnownHostsFile {jump.known_hosts}\n"
    )
    remote = SshRemote(
        host.endpoint(ssh_options=(("ProxyJump", "jump"),)), options=SshOptions(ssh_config=(str(config),), attempts=1)
    )
    with pytest.raises(AuthError, match=f"web1: someone@127.0.0.1:{jump.port} did not let us in"):
        remote.connect()
    config.write_text(config.read_text().replace(" User someone\n", f" IdentityFile {jump.client_key}\n"))
    host.stop()
    with pytest.raises(ConnectError, match=f"127.0.0.1:{host.port}: the jump host says: connect failed"):
        remote.connect()
    remote.close()


def test_a_small_max_sessions_costs_further_connections(make_sshd: MakeSshd) -> None:
    server = make_sshd(None, "MaxSessions 1\n")
    with logged_in(server) as remote:
        assert remote.run("echo one").stdout == "one\n"
        assert remote.traffic().connections == 1
        with ThreadPoolExecutor(6) as pool:
            streams = pool.map(lambda word: remote.stream(f"cat; sleep 0.5; echo {word}", [b"x"]).stdout, range(6))
            assert list(streams) == [f"x{word}\n" for word in range(6)]
        assert remote.run("echo two").stdout == "two\n"
        assert remote.traffic().connections in range(2, 8)
        with pytest.raises(CommandTimeoutError, match=r"still running after 0\.5 s"):
            remote.run("sleep 20", timeout=0.5)
        assert remote.run("echo three").stdout == "three\n"
        server.cut()
        time.sleep(0.5)
        assert remote.run("echo four").stdout == "four\n"
    deadline = time.monotonic() + 5
    while server.children() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.children() == []


def test_a_host_that_opens_no_session_at_all_is_told(make_sshd: MakeSshd) -> None:
    server = make_sshd(None, "MaxSessions 0\n")
    with logged_in(server) as remote, pytest.raises(ConnectError, match="the host opens no more sessions"):
        remote.run("true")
