"""What is special about a host over SSH: its key, who is let in, what it costs, and what happens when it goes away."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slow_link import delayed
from sshd import SUDO_PASSWORD, Sshd, free_port, make_key

from deployer.errors import AuthError, CommandTimeoutError, ConnectError, HostKeyError
from deployer.transport.ssh import SshRemote

Walled = Callable[[str], Sshd]


@contextmanager
def logged_in(server: Sshd, options: dict[str, object] | None = None, **changes: object) -> Iterator[SshRemote]:
    remote = SshRemote(server.endpoint(**changes), options=server.options(**(options or {})))
    try:
        yield remote
    finally:
        remote.close()


def refused(server: Sshd, known_hosts: Path | str, **changes: object) -> HostKeyError:
    with (
        logged_in(server, {"known_hosts": (str(known_hosts),)}, **changes) as remote,
        pytest.raises(HostKeyError) as caught,
    ):
        remote.connect()
    return caught.value


def fingerprint(server: Sshd, kind: str) -> str:
    command = ["ssh-keygen", "-l", "-f", str(server.room / f"host_{kind}.pub")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1]


class TestHostKeys:
    def test_an_unknown_key_is_refused_with_its_fingerprint(self, server: Sshd, tmp_path: Path) -> None:
        error = refused(server, tmp_path / "none")
        expected = f"127.0.0.1 port {server.port} shows the ssh-ed25519 key {fingerprint(server, 'ed25519')}"
        assert str(error) == f"web1: {expected}, which is not known"
        assert error.hint == "check the fingerprint, then: deploy hosts trust <inventory>"

    def test_the_host_is_refused_before_anyone_logs_in(self, server: Sshd, tmp_path: Path) -> None:
        before = (server.room / "log").read_text()
        refused(server, tmp_path / "none")
        time.sleep(0.2)
        assert "Accepted" not in (server.room / "log").read_text()[len(before) :]
        assert "Failed" not in (server.room / "log").read_text()[len(before) :]

    def test_a_changed_key_names_the_line_that_knows_another(self, server: Sshd, tmp_path: Path) -> None:
        other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
        known = tmp_path / "known"
        known.write_text(f"# mine\n[127.0.0.1]:{server.port} {other}")
        error = refused(server, known)
        assert f"but {known}:2 knows ssh-ed25519 SHA256:" in str(error)
        assert "--replace" in (error.hint or "")

    def test_a_revoked_key_is_refused_even_if_known(self, server: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        key = server.public_key("ed25519")
        known.write_text(f"[127.0.0.1]:{server.port} {key}\n@revoked * {key}\n")
        assert f"which {known}:2 revokes" in str(refused(server, known))

    def test_a_hashed_name_is_understood(self, server: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.write_text(f"[127.0.0.1]:{server.port} {server.public_key('ed25519')}\n")
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
        assert "127.0.0.1" not in known.read_text()
        with logged_in(server, {"known_hosts": (str(known),)}) as remote:
            assert remote.run("echo in").stdout == "in\n"

    def test_a_line_for_another_port_does_not_count(self, server: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.write_text(f"[127.0.0.1]:{server.port + 1} {server.public_key('ed25519')}\n")
        assert "which is not known" in str(refused(server, known))

    def test_bad_lines_and_authorities_do_not_drop_the_file(self, server: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        key = server.public_key("ed25519")
        known.write_text(
            f"rubbish\n@cert-authority *.example.org {key}\nx ssh-rsa !!!\n[127.0.0.1]:{server.port} {key}\n"
        )
        with logged_in(server, {"known_hosts": (str(known),)}) as remote:
            assert remote.run("true").ok

    @pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
    def test_the_host_is_asked_for_the_kind_of_key_that_is_known(self, server: Sshd, tmp_path: Path, kind: str) -> None:
        known = tmp_path / "known"
        known.write_text(f"[127.0.0.1]:{server.port} {server.public_key(kind)}\n")
        with logged_in(server, {"known_hosts": (str(known),)}) as remote:
            assert remote.run("true").ok

    def test_files_of_the_endpoint_count_too(self, server: Sshd) -> None:
        with logged_in(server, {"known_hosts": ()}, known_hosts=(str(server.known_hosts),)) as remote:
            assert remote.run("true").ok


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
            for pid in server.children():
                subprocess.run(["kill", "-9", str(pid)], check=True)
            thread.join(10)
            assert failures[0][0] == "web1: the connection was lost"
            assert failures[0][1] - lost < 3
            assert remote.run("echo again").stdout == "again\n"
            assert remote.traffic().connections == 2

    def test_a_stream_on_a_lost_connection_is_an_error(self, make_sshd: Callable[..., Sshd]) -> None:
        server = make_sshd()

        def source() -> Iterator[bytes]:
            yield b"x" * 1000
            for pid in server.children():
                subprocess.run(["kill", "-9", str(pid)], check=True)
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
            remote.run("head -c 100000 /dev/zero")
            after = remote.traffic()
            remote.stream("cat >/dev/null", [b"x" * 100_000])
            sent = remote.traffic().bytes_out - after.bytes_out
        assert 100_000 <= after.bytes_in - before.bytes_in < 110_000
        assert 0 < after.bytes_out - before.bytes_out < 5000
        assert 100_000 <= sent < 110_000

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


class TestBecome:
    def test_who_is_that_user_already_needs_no_sudo(self, walled: Walled) -> None:
        with logged_in(walled("dash"), user="root") as remote:
            assert remote.run("id -un", become="root").stdout == "root\n"
            assert remote.traffic().execs == 1

    @pytest.mark.parametrize("sh", ["dash", "bash", "busybox"])
    def test_sudo_gives_another_user_and_home(self, walled: Walled, sh: str) -> None:
        with logged_in(walled(sh), user="free") as remote:
            assert remote.run('id -un; echo "$HOME"', become="root").stdout == "root\n/root\n"
            assert remote.run("id -un", become="nobody").stdout == "nobody\n"
            assert remote.stream("id -un; cat", [b"text"], become="root").stdout == "root\ntext"

    def test_what_outlives_its_deadline_as_root_is_ended(self, walled: Walled) -> None:
        with logged_in(walled("dash"), user="free") as remote:
            with pytest.raises(CommandTimeoutError):
                remote.run("sleep 65431", become="root", timeout=0.7)
            assert remote.run("ps ax | grep -c '[s]leep 65431'", become="root").stdout == "0\n"

    def test_a_password_that_is_asked_for_and_not_given_is_said(self, walled: Walled) -> None:
        with logged_in(walled("dash"), user="asker") as remote:
            with pytest.raises(AuthError, match="web1: sudo asks for a password to become root") as caught:
                remote.run("true", become="root")
            assert "ansible_become_password" in (caught.value.hint or "")
            assert remote.run("id -un").stdout == "asker\n"
            with pytest.raises(AuthError, match="sudo asks for a password"):
                remote.stream("cat", [b"x"], become="root")

    def test_a_password_is_given_once(self, walled: Walled) -> None:
        with logged_in(walled("dash"), user="asker", become_password=SUDO_PASSWORD) as remote:
            assert remote.run("id -un", become="root").stdout == "root\n"
            assert remote.run("id -un; cat", become="root").stdout == "root\n"
            assert remote.stream("id -un; cat", [b"data"], become="root").stdout == "root\ndata"
            assert remote.run("cat /proc/[0-9]*/cmdline | grep -c '[b]attery'", become="root").stdout == "0\n"

    def test_a_wrong_password_is_said_without_repeating_it(self, walled: Walled) -> None:
        with (
            logged_in(walled("dash"), user="asker", become_password="wrong-horse") as remote,
            pytest.raises(AuthError, match="did not accept the password for root") as caught,
        ):
            remote.run("true", become="root")
        assert "wrong-horse" not in str(caught.value) + str(caught.value.hint)

    def test_a_password_that_nobody_asks_for_reaches_no_program(self, walled: Walled) -> None:
        with logged_in(walled("dash"), user="free", become_password=SUDO_PASSWORD) as remote:
            result = remote.run("id -un; cat", become="root")
            assert (result.stdout, result.stderr) == ("root\n", "")
            assert remote.stream("cat", [b"data"], become="root").stdout == "data"

    def test_a_user_without_rights_is_told(self, walled: Walled) -> None:
        with (
            logged_in(walled("dash"), user="bare", become_password=SUDO_PASSWORD) as remote,
            pytest.raises(AuthError, match="root"),
        ):
            remote.run("true", become="root")
