"""What is special about a host over SSH: its key, who is let in, what it costs, and what happens when it goes away."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slow_link import delayed
from sshd import Sshd, free_port, logged_in, make_key

from deployer.errors import AuthError, ConnectError, HostKeyError
from deployer.transport.ssh import SshRemote

Walled = Callable[[str], Sshd]


class TestLogin:
    def test_a_key_that_is_not_authorized_is_told_with_what_was_tried(self, server: Sshd, tmp_path: Path) -> None:
        key = make_key(tmp_path / "stranger")
        with logged_in(server, key_file=str(key)) as remote, pytest.raises(AuthError) as caught:
            remote.connect()
        assert "did not let us in" in str(caught.value)
        assert str(key) in str(caught.value)
        assert f"ssh -p {server.port}" in (caught.value.hint or "")

    def test_a_key_file_that_is_not_there_is_named(self, server: Sshd) -> None:
        with logged_in(server, key_file="/none/id") as remote, pytest.raises(AuthError, match="no key file /none/id"):
            remote.connect()

    def test_an_encrypted_key_says_so(self, server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        path = tmp_path / "locked"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", path], check=True)
        with logged_in(server, key_file=str(path)) as remote, pytest.raises(AuthError, match="encrypted"):
            remote.connect()

    def test_ssh_config_completes_what_the_inventory_leaves_open(self, server: Sshd, tmp_path: Path) -> None:
        more = tmp_path / "more"
        more.write_text(f"Host shop\n  Port {server.port}\n  HostName 127.0.0.1\n")
        config = tmp_path / "config"
        config.write_text(
            f"Include {more}\nHost shop\n  IdentityFile {tmp_path}/missing\n  IdentityFile {server.client_key}\n"
        )
        options: dict[str, object] = {"ssh_config": (str(config),)}
        with logged_in(server, options, address="shop", port=None, key_file=None) as remote:
            assert remote.run("echo in").stdout == "in\n"

    def test_a_jump_host_is_gone_through_and_checked(
        self, server: Sshd, make_sshd: Callable[..., Sshd], tmp_path: Path
    ) -> None:
        jump = make_sshd()
        known = tmp_path / "known"
        known.write_text(server.known_hosts.read_text())
        config = tmp_path / "config"
        config.write_text(
            f"Host localhost\n  IdentityFile {jump.client_key}\n"
            f"Match host 127.0.0.1\n  ProxyJump localhost:{jump.port}\n"
        )
        options: dict[str, object] = {"ssh_config": (str(config),), "known_hosts": (str(known),)}
        with logged_in(server, options) as remote, pytest.raises(HostKeyError, match=f"localhost port {jump.port}"):
            remote.connect()
        with known.open("a") as file:
            file.write(f"[localhost]:{jump.port} {jump.public_key('ed25519')}\n")
        with logged_in(server, options) as remote:
            assert remote.run("echo $SSH_CONNECTION").stdout.startswith("127.0.0.1")
            assert len(jump.children()) == 1


class TestUnreachable:
    def test_a_refused_connection_is_tried_again_until_the_host_is_up(self, make_sshd: Callable[..., Sshd]) -> None:
        server = make_sshd()
        server.stop()
        threading.Timer(0.8, server.start).start()
        with logged_in(server, {"attempts": 6}) as remote:
            remote.connect()
            assert remote.run("echo up").stdout == "up\n"

    def test_a_closed_port_is_told(self, server: Sshd) -> None:
        port = free_port()
        with logged_in(server, port=port) as remote, pytest.raises(ConnectError, match="connection refused") as caught:
            remote.connect()
        assert str(port) in str(caught.value)

    def test_a_name_that_does_not_resolve_is_told(self, server: Sshd) -> None:
        with (
            logged_in(server, address="no.such.host.invalid") as remote,
            pytest.raises(ConnectError, match="does not resolve"),
        ):
            remote.connect()

    def test_a_silent_port_is_given_up_in_time(self, server: Sshd) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            started = time.monotonic()
            options: dict[str, object] = {"attempts": 1, "connect_timeout": 1.0}
            with logged_in(server, options, port=port) as remote, pytest.raises(ConnectError):
                remote.connect()
            assert time.monotonic() - started < 5


class TestLoss:
    def test_a_lost_connection_is_told_at_once_and_made_again(self, make_sshd: Callable[..., Sshd]) -> None:
        server = make_sshd()
        with logged_in(server) as remote:
            assert remote.run("echo 1").ok
            failures: list[tuple[str, float]] = []

            def work() -> None:
                try:
                    remote.run("sleep 30")
                except ConnectError as error:
                    failures.append((str(error), time.monotonic()))

            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(0.5)
            lost = time.monotonic()
            server.cut()
            thread.join(10)
            assert failures[0][0] == "web1: the connection was lost"
            assert failures[0][1] - lost < 3
            assert remote.run("echo again").stdout == "again\n"
            assert remote.traffic().connections == 2

    def test_a_stream_on_a_lost_connection_is_an_error(self, make_sshd: Callable[..., Sshd]) -> None:
        server = make_sshd()

        def source() -> Iterator[bytes]:
            yield b"x" * 1000
            server.cut()
            time.sleep(0.3)
            while True:
                yield b"x" * 100_000

        with logged_in(server) as remote, pytest.raises(ConnectError, match="lost"):
            remote.stream("cat >/dev/null", source())


class TestCost:
    def test_twenty_runs_are_one_connection_and_one_channel(self, server: Sshd) -> None:
        with logged_in(server) as remote:
            for number in range(20):
                assert remote.run(f"echo {number}").stdout == f"{number}\n"
            assert (remote.traffic().connections, remote.traffic().execs) == (1, 1)

    def test_becoming_another_user_is_one_channel_more(self, walled: Walled) -> None:
        with logged_in(walled("dash"), user="free") as remote:
            for _ in range(20):
                assert remote.run("id -un", become="root").stdout == "root\n"
                assert remote.run("id -un").stdout == "free\n"
            assert (remote.traffic().connections, remote.traffic().execs) == (1, 2)

    def test_a_run_is_one_round_trip(self, server: Sshd) -> None:
        with logged_in(server) as remote, delayed(server.port, 0.05) as port:
            server.known_hosts.write_text(
                server.known_hosts.read_text() + f"[127.0.0.1]:{port} {server.public_key('ed25519')}\n"
            )
            far = SshRemote(dataclasses.replace(remote.endpoint, port=port), options=server.options())
            far.run("true")
            times = []
            for _ in range(5):
                started = time.monotonic()
                far.run("true")
                times.append(time.monotonic() - started)
            far.close()
        assert 0.1 <= min(times) < 0.19

    def test_bytes_on_the_wire_are_counted(self, server: Sshd) -> None:
        with logged_in(server) as remote:
            remote.run("true")
            before = remote.traffic()
            remote.run("head -c 75000 /dev/urandom | base64 -w 0")
            after = remote.traffic()
            remote.stream("cat >/dev/null", [os.urandom(100_000)])
            sent = remote.traffic().bytes_out - after.bytes_out
        assert 75_000 <= after.bytes_in - before.bytes_in < 82_500
        assert 0 < after.bytes_out - before.bytes_out < 5000
        assert 100_000 <= sent < 110_000

    def test_what_is_alike_is_small_on_the_wire_also_after_what_is_not(self, server: Sshd) -> None:
        script = "".join(f"test -e /nowhere/{number} || :\n" for number in range(100))
        with logged_in(server) as remote:
            remote.run("true")
            sizes = []
            for text in (script, script):
                before = remote.traffic()
                assert remote.run(f"{text}seq 2000").stdout.endswith("\n2000\n")
                sizes.append(remote.traffic().bytes_out - before.bytes_out)
            remote.stream("cat >/dev/null", [os.urandom(200_000)])
            assert remote.run(f"{script}echo on").stdout == "on\n"
            received = remote.traffic().bytes_in
        assert sizes[0] < len(script) / 2
        assert sizes[1] < len(script) / 8
        assert received < 2 * len("".join(f"{number}\n" for number in range(1, 2001)))

    def test_new_keys_in_the_middle_of_a_connection_change_nothing(self, make_sshd: Callable[..., Sshd]) -> None:
        with logged_in(make_sshd(extra="RekeyLimit 300K\n")) as remote:
            for number in range(4):
                dense = os.urandom(500_000)
                found = remote.stream("sha256sum; seq 9000", [dense]).stdout
                assert found.startswith(f"{hashlib.sha256(dense).hexdigest()}  -\n1\n2\n")
                assert found.endswith("\n8999\n9000\n")
                assert remote.run(f"echo {number}; seq 9").stdout.startswith(f"{number}\n1\n")
            assert remote.traffic().connections == 1

    def test_nothing_is_compressed_where_ssh_config_says_no(self, server: Sshd, tmp_path: Path) -> None:
        path = tmp_path / "config"
        path.write_text("Compression no\n")
        remote = SshRemote(server.endpoint(), options=server.options(ssh_config=(str(path),)))
        try:
            remote.run("true")
            before = remote.traffic()
            remote.stream("cat", [b"x" * 100_000])
            after = remote.traffic()
        finally:
            remote.close()
        assert after.bytes_out - before.bytes_out >= 100_000
        assert after.bytes_in - before.bytes_in >= 100_000

    def test_a_host_that_compresses_nothing_is_taken_as_it_is(self, make_sshd: Callable[..., Sshd]) -> None:
        with logged_in(make_sshd(extra="Compression no\n")) as remote:
            assert remote.run("seq 3").stdout == "1\n2\n3\n"
            before = remote.traffic()
            assert remote.stream("cat", [b"x" * 100_000]).stdout == "x" * 100_000
            assert remote.traffic().bytes_out - before.bytes_out >= 100_000

    def test_more_streams_than_sshd_has_sessions_wait_their_turn(self, server: Sshd) -> None:
        with logged_in(server) as remote:
            remote.run("true")
            statuses: list[int | None] = []
            threads = [
                threading.Thread(target=lambda: statuses.append(remote.stream("cat; sleep 0.3", [b"x"]).status))
                for _ in range(14)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert statuses == [0] * 14
