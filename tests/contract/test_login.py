"""Who is let in, and with what: OpenSSH's client and we are asked with the same ssh_config, and must agree."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sshd import SUDO_PASSWORD, Sshd, logged_in, make_key

from deployer.config.ssh_args import parse_ssh_args
from deployer.errors import AuthError, HostKeyError, RemoteError
from deployer.model.connection import Endpoint
from deployer.transport.key_files import KeyFileError, KeyFiles, _loaded
from deployer.transport.options import SshOptions
from deployer.transport.ssh import SshRemote

MakeSshd = Callable[..., Sshd]
PASSWORD = SUDO_PASSWORD
REFUSAL = re.compile("Failed password|PAM: Authentication failure")


@pytest.fixture(scope="module")
def host(make_sshd: MakeSshd) -> Sshd:
    """A server that trusts an authority for users beside its one key."""
    server = make_sshd()
    server.stop()
    make_key(server.room / "users")
    server.extra = f"TrustedUserCAKeys {server.room}/users.pub\n"
    return server.start()


@pytest.fixture(scope="module")
def passwords(make_sshd: MakeSshd) -> Sshd:
    """A server that takes passwords, as those sudo asks for."""
    return make_sshd("dash", "PasswordAuthentication yes\nKbdInteractiveAuthentication no\n")


@pytest.fixture(scope="module")
def asking(make_sshd: MakeSshd) -> Sshd:
    """A server that asks for passwords through PAM."""
    return make_sshd("dash", "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n")


@pytest.fixture(scope="module")
def both(make_sshd: MakeSshd) -> Sshd:
    """A server that wants a key and then a password."""
    return make_sshd("dash", "PasswordAuthentication yes\nAuthenticationMethods publickey,password\n")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """An ssh-agent; called with key files, it holds them."""
    done = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True)
    found = dict(re.findall(r"(SSH_\w+)=([^;]+);", done.stdout))
    monkeypatch.setenv("SSH_AUTH_SOCK", found["SSH_AUTH_SOCK"])

    def add(*keys: Path, passphrase: str = "") -> None:
        for key in keys:
            subprocess.run(
                ["ssh-add", "-q", str(key)],
                check=True,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "SSH_ASKPASS": str(_said(key.parent, passphrase)), "SSH_ASKPASS_REQUIRE": "force"},
            )

    yield add
    os.kill(int(found["SSH_AGENT_PID"]), signal.SIGTERM)


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """Writes an ssh_config that leads to a server by the name `shop`."""

    def write(server: Sshd, *lines: str) -> Path:
        path = tmp_path / "config"
        known = "" if "KnownHostsFile" in "".join(lines) else f" UserKnownHostsFile {server.known_hosts}\n"
        more = "".join(f" {line}\n" for line in lines)
        path.write_text(f"Host shop\n{more} HostName 127.0.0.1\n Port {server.port}\n{known}")
        return path

    return write


def _said(folder: Path, answer: str) -> Path:
    """A program that answers every question of ssh's."""
    path = folder / "askpass"
    (folder / "answer").write_text(f"{answer}\n")
    path.write_text(f"#!/bin/sh\ncat {folder}/answer\n")
    path.chmod(0o700)
    return path


def openssh(config: Path, host: str = "shop", answer: str | None = None) -> bool:
    """Whether `ssh -F config HOST true` gets in; without an answer nobody is asked."""
    environment = dict(os.environ)
    batch = ["-oBatchMode=yes"]
    if answer is not None:
        environment |= {"SSH_ASKPASS": str(_said(config.parent, answer)), "SSH_ASKPASS_REQUIRE": "force"}
        batch = ["-oNumberOfPasswordPrompts=1"]
    command = ["ssh", "-F", str(config), *batch, host, "true"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0


def ours(config: Path, host: str = "shop", keys: KeyFiles | None = None, **endpoint: object) -> RemoteError | None:
    """What keeps us out; None if we are in."""
    options = SshOptions(
        ssh_config=(str(config),), global_known_hosts=(), attempts=1, keys=keys or KeyFiles(), connect_timeout=20
    )
    remote = SshRemote(Endpoint(**{"name": "web1", "address": host, **endpoint}), options=options)  # type: ignore[arg-type]
    try:
        assert remote.run("echo in").stdout == "in\n"
    except RemoteError as error:
        return error
    finally:
        remote.close()
    return None


def agree(config: Path, *, let_in: bool, host: str = "shop") -> RemoteError | None:
    """Both are let in, or neither is."""
    error = ours(config, host)
    assert (error is None, openssh(config, host)) == (let_in, let_in), error
    return error


def authorize(server: Sshd, key: Path) -> None:
    with (server.room / "authorized_keys").open("a") as file:
        file.write(key.with_name(f"{key.name}.pub").read_text())


def locked(path: Path, passphrase: str, *flags: str) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path), *flags]
    subprocess.run(command, check=True)
    return path


class TestKeys:
    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    def test_each_kind_from_a_file_and_from_an_agent(
        self, host: Sshd, config: Callable[..., Path], agent: Callable[..., None], tmp_path: Path, kind: str
    ) -> None:
        key = make_key(tmp_path / kind, kind)
        authorize(host, key)
        agree(config(host, f"IdentityFile {key}"), let_in=True)
        agree(config(host), let_in=False)
        agent(key)
        agree(config(host), let_in=True)
        agree(config(host, "IdentityAgent none"), let_in=False)

    def test_an_older_format_is_read(self, host: Sshd, config: Callable[..., Path], tmp_path: Path) -> None:
        key = tmp_path / "pem"
        command = ["ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", str(key)]
        subprocess.run(command, check=True)
        authorize(host, key)
        agree(config(host, f"IdentityFile {key}"), let_in=True)

    def test_all_files_are_tried_in_turn(self, host: Sshd, config: Callable[..., Path], tmp_path: Path) -> None:
        wrong = [make_key(tmp_path / f"wrong{number}") for number in range(3)]
        lines = [f"IdentityFile {key}" for key in (*wrong, tmp_path / "none", host.client_key)]
        agree(config(host, *lines), let_in=True)

    def test_too_many_keys_are_told_and_only_the_named_ones_can_be_offered(
        self, host: Sshd, config: Callable[..., Path], agent: Callable[..., None], tmp_path: Path
    ) -> None:
        agent(*(make_key(tmp_path / f"wrong{number}") for number in range(7)))
        error = agree(config(host, f"IdentityFile {host.client_key}"), let_in=False)
        assert "IdentitiesOnly yes" in (error.hint if error and error.hint else "")
        agree(config(host, f"IdentityFile {host.client_key}", "IdentitiesOnly yes"), let_in=True)

    def test_a_named_key_of_the_agent_goes_first(
        self, host: Sshd, config: Callable[..., Path], agent: Callable[..., None], tmp_path: Path
    ) -> None:
        agent(*(make_key(tmp_path / f"wrong{number}") for number in range(7)), host.client_key)
        agree(config(host), let_in=False)
        agree(config(host, f"IdentityFile {host.client_key}"), let_in=True)

    def test_a_public_key_names_one_of_the_agents(
        self, host: Sshd, config: Callable[..., Path], agent: Callable[..., None], tmp_path: Path
    ) -> None:
        agent(*(make_key(tmp_path / f"wrong{number}") for number in range(7)), host.client_key)
        public = tmp_path / "yubikey.pub"
        public.write_bytes((host.room / "client.pub").read_bytes())
        agree(config(host, f"IdentityFile {public}", "IdentitiesOnly yes"), let_in=True)

    def test_an_agent_at_another_socket(
        self, host: Sshd, config: Callable[..., Path], agent: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent(host.client_key)
        monkeypatch.setenv("MY_AGENT", os.environ["SSH_AUTH_SOCK"])
        socket = os.environ["SSH_AUTH_SOCK"]
        monkeypatch.delenv("SSH_AUTH_SOCK")
        agree(config(host), let_in=False)
        agree(config(host, f"IdentityAgent {socket}"), let_in=True)
        agree(config(host, "IdentityAgent $MY_AGENT"), let_in=True)


class TestPassphrases:
    def test_it_is_asked_once_for_all_hosts(self, host: Sshd, config: Callable[..., Path], tmp_path: Path) -> None:
        key = locked(tmp_path / "locked", "open sesame")
        authorize(host, key)
        asked: list[str] = []

        def ask(question: str) -> str:
            asked.append(question)
            return "open sesame"

        path, keys = config(host, f"IdentityFile {key}"), KeyFiles(ask)
        errors: list[RemoteError | None] = []
        threads = [threading.Thread(target=lambda: errors.append(ours(path, keys=keys))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == [None] * 6
        assert asked == [f"Passphrase of the key {key}"]
        assert openssh(path, answer="open sesame")

    def test_a_wrong_one_is_asked_for_thrice_and_never_shown(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        key = locked(tmp_path / "locked", "open sesame")
        authorize(host, key)
        answers = iter(["wrong-1", "wrong-2", "wrong-3", "open sesame"])
        error = ours(config(host, f"IdentityFile {key}"), keys=KeyFiles(lambda _: next(answers)))
        assert isinstance(error, AuthError)
        assert f"{key} is encrypted, and the passphrase is wrong" in str(error)
        assert "wrong-" not in f"{error} {error.hint}"
        assert next(answers) == "open sesame"

    def test_nobody_is_asked_where_a_key_without_one_opens(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        key = locked(tmp_path / "locked", "open sesame")
        lines = [f"IdentityFile {key}", f"IdentityFile {host.client_key}"]
        assert ours(config(host, *lines), keys=KeyFiles(lambda _: pytest.fail("asked"))) is None

    def test_nobody_is_asked_where_an_agent_holds_the_key(
        self, host: Sshd, config: Callable[..., Path], agent: Callable[..., None], tmp_path: Path
    ) -> None:
        key = locked(tmp_path / "locked", "open sesame")
        authorize(host, key)
        agent(key, passphrase="open sesame")
        key.with_name("locked.pub").unlink()
        path = config(host, f"IdentityFile {key}", "IdentitiesOnly yes")
        assert ours(path, keys=KeyFiles(lambda _: pytest.fail("asked"))) is None
        assert openssh(path)

    def test_batch_mode_asks_nobody(self, host: Sshd, config: Callable[..., Path], tmp_path: Path) -> None:
        key = locked(tmp_path / "locked", "open sesame")
        authorize(host, key)
        path = config(host, f"IdentityFile {key}", "BatchMode yes")
        error = ours(path, keys=KeyFiles(lambda _: pytest.fail("asked")))
        assert "is encrypted" in str(error)
        assert "ssh-add" in (error.hint if error and error.hint else "")

    def test_the_inventory_may_give_it(self, host: Sshd, config: Callable[..., Path], tmp_path: Path) -> None:
        key = locked(tmp_path / "locked", "open sesame", "-m", "PEM")
        authorize(host, key)
        assert ours(config(host), key_file=str(key), key_passphrase="open sesame") is None
        assert "the passphrase is wrong" in str(ours(config(host), key_file=str(key), key_passphrase="other"))


class TestCertificates:
    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    def test_beside_the_key_named_and_in_an_agent(
        self, host: Sshd, config: Callable[..., Path], agent: Callable[..., None], tmp_path: Path, kind: str
    ) -> None:
        key = certified(host, make_key(tmp_path / kind, kind))
        agree(config(host, f"IdentityFile {key}"), let_in=True)
        certificate = Path(f"{key}-cert.pub").rename(tmp_path / "elsewhere.pub")
        agree(config(host, f"IdentityFile {key}"), let_in=False)
        agree(config(host, f"IdentityFile {key}", f"CertificateFile {certificate}"), let_in=True)
        agent(key)
        agree(config(host), let_in=False)
        agree(config(host, f"CertificateFile {certificate}"), let_in=True)
        certificate.rename(f"{key}-cert.pub")
        agent(key)
        agree(config(host), let_in=True)

    @pytest.mark.parametrize("flags", [["-n", "nobody"], ["-V", "20200101:20210101"]])
    def test_for_another_user_or_time(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path, flags: list[str]
    ) -> None:
        key = certified(host, make_key(tmp_path / "key"), *flags)
        agree(config(host, f"IdentityFile {key}"), let_in=False)


def certified(server: Sshd, key: Path, *flags: str) -> Path:
    names = [] if "-n" in flags else ["-n", os.environ.get("USER", "root")]
    command = ["ssh-keygen", "-q", "-s", str(server.room / "users"), "-I", "user", *names, *flags, f"{key}.pub"]
    subprocess.run(command, check=True, capture_output=True)
    return key


class TestPasswords:
    @pytest.mark.parametrize("kind", ["passwords", "asking"])
    def test_the_right_one_opens_and_a_wrong_one_is_told(
        self, request: pytest.FixtureRequest, config: Callable[..., Path], kind: str
    ) -> None:
        server = request.getfixturevalue(kind)
        path = config(server, "User free")
        assert ours(path, password=PASSWORD) is None
        assert openssh(path, answer=PASSWORD)
        before = len(REFUSAL.findall((server.room / "log").read_text()))
        error = ours(path, password="wrong-horse")
        assert isinstance(error, AuthError)
        assert "tried the password" in str(error)
        assert "ansible_password" in (error.hint or "")
        assert "wrong-horse" not in f"{error} {error.hint}"
        assert len(REFUSAL.findall((server.room / "log").read_text())) - before == 1, "one refusal is enough"
        assert not openssh(path, answer="wrong-horse")

    @pytest.mark.parametrize("kind", ["passwords", "asking"])
    def test_without_one_the_message_says_what_the_host_takes(
        self, request: pytest.FixtureRequest, config: Callable[..., Path], kind: str
    ) -> None:
        error = ours(config(request.getfixturevalue(kind), "User free", "PubkeyAuthentication no"))
        wanted = {"passwords": "password", "asking": "keyboard-interactive"}[kind]
        assert re.search(rf"it takes (publickey or )?{wanted}", str(error))

    def test_a_key_and_a_password(self, both: Sshd, config: Callable[..., Path]) -> None:
        path = config(both, "User free", f"IdentityFile {both.client_key}")
        assert ours(path, password=PASSWORD) is None
        assert openssh(path, answer=PASSWORD)
        error = ours(path)
        assert "it takes password" in str(error)
        assert "--ask-pass" in (error.hint if error and error.hint else "")

    def test_passwords_may_be_forbidden(self, passwords: Sshd, config: Callable[..., Path]) -> None:
        path = config(passwords, "User free", "PasswordAuthentication no")
        assert ours(path, password=PASSWORD) is not None
        assert not openssh(path, answer=PASSWORD)

    def test_it_is_never_sent_to_a_host_whose_key_has_changed(
        self, passwords: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
        known = tmp_path / "known"
        known.write_text(f"# mine\n[127.0.0.1]:{passwords.port} {other}")
        lines = ("User stranger", f"UserKnownHostsFile {known}", "StrictHostKeyChecking no")
        before = (passwords.room / "log").read_text()
        error = ours(config(passwords, *lines), password=PASSWORD)
        assert isinstance(error, HostKeyError)
        assert f"{known}:2 knows ssh-ed25519" in str(error)
        assert "stranger" not in (passwords.room / "log").read_text()[len(before) :]


class TestHostKeys:
    def test_a_new_key_is_added_only_where_that_is_said(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        lines = [f"IdentityFile {host.client_key}", f"UserKnownHostsFile {tmp_path}/known"]
        for word in ("yes", "ask"):
            agree(config(host, *lines, f"StrictHostKeyChecking {word}"), let_in=False)
        assert not (tmp_path / "known").exists()
        for word in ("accept-new", "no"):
            agree(config(host, *lines, f"StrictHostKeyChecking {word}"), let_in=True)
            assert ours(config(host, *lines, "StrictHostKeyChecking yes")) is None
            (tmp_path / "known").unlink()
        agree(config(host, *lines[:1], "UserKnownHostsFile /dev/null", "StrictHostKeyChecking no"), let_in=True)

    def test_an_added_key_is_one_that_openssh_knows(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        lines = [f"IdentityFile {host.client_key}", f"UserKnownHostsFile {tmp_path}/known"]
        assert ours(config(host, *lines, "StrictHostKeyChecking accept-new")) is None
        assert openssh(config(host, *lines, "StrictHostKeyChecking yes"))

    def test_an_alias_stands_for_the_address(self, host: Sshd, config: Callable[..., Path], tmp_path: Path) -> None:
        (tmp_path / "known").write_text(f"cluster {host.public_key('ed25519')}\n")
        lines = [f"IdentityFile {host.client_key}", f"UserKnownHostsFile {tmp_path}/known"]
        agree(config(host, *lines), let_in=False)
        agree(config(host, *lines, "HostKeyAlias Cluster"), let_in=True)

    def test_the_global_file_counts_beside_the_users(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        lines = [f"IdentityFile {host.client_key}", "UserKnownHostsFile none"]
        agree(config(host, *lines), let_in=False)
        agree(config(host, *lines, f"GlobalKnownHostsFile {host.known_hosts}"), let_in=True)

    def test_a_revoked_key_is_refused_wherever_the_line_is(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        (tmp_path / "revoked").write_text(f"@revoked * {host.public_key('ed25519')}\n")
        lines = [f"IdentityFile {host.client_key}", f"UserKnownHostsFile {host.known_hosts}"]
        error = agree(config(host, *lines, f"GlobalKnownHostsFile {tmp_path}/revoked"), let_in=False)
        assert f"{tmp_path}/revoked:1 revokes" in str(error)


class TestWays:
    def test_a_chain_of_jump_hosts_each_with_its_own_options(
        self, host: Sshd, make_sshd: MakeSshd, tmp_path: Path
    ) -> None:
        first, second = make_sshd(), make_sshd()
        path = tmp_path / "config"
        path.write_text(
            "".join(
                f"Host {name}\n HostName 127.0.0.1\n Port {server.port}\n UserKnownHostsFile {server.known_hosts}\n"
                f" IdentityFile {server.client_key}\n"
                for name, server in (("shop", host), ("first", first), ("second", second))
            )
            + "Match originalhost shop\n ProxyJump first,second\n"
        )
        agree(path, let_in=True)
        path.write_text(
            path.read_text().replace("ProxyJump first,second", "ProxyJump second")
            + "Match originalhost second\n ProxyJump first\n"
        )
        before = [(server.room / "log").read_text().count("Accepted") for server in (first, second)]
        agree(path, let_in=True)
        after = [(server.room / "log").read_text().count("Accepted") for server in (first, second)]
        assert [now - then for now, then in zip(after, before, strict=True)] == [2, 2]

    def test_jump_hosts_in_a_circle_are_told(self, host: Sshd, tmp_path: Path) -> None:
        path = tmp_path / "config"
        path.write_text("Host a\n ProxyJump b\nHost b\n ProxyJump c\nHost c\n ProxyJump b\n")
        assert "circle" in str(ours(path, "a"))

    def test_the_inventorys_ssh_arguments_may_name_a_jump_host(
        self, host: Sshd, config: Callable[..., Path], make_sshd: MakeSshd
    ) -> None:
        jump = make_sshd()
        path = config(host, f"IdentityFile {host.client_key}")
        path.write_text(
            f"{path.read_text()}Host jump\n HostName 127.0.0.1\n Port {jump.port}\n"
            f" UserKnownHostsFile {jump.known_hosts}\n IdentityFile {jump.client_key}\n"
        )
        assert ours(path, ssh_options=(("ProxyJump", "jump"),)) is None
        assert (jump.room / "log").read_text().count("Accepted") == 1

    def test_a_command_is_gone_through_by_the_users_shell(
        self, host: Sshd, config: Callable[..., Path], tmp_path: Path
    ) -> None:
        relay = tmp_path / "relay"
        relay.write_text(
            "import os, socket, sys, threading\n"
            "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
            "def up():\n"
            "    while data := os.read(0, 65536): s.sendall(data)\n"
            "    s.shutdown(socket.SHUT_WR)\n"
            "threading.Thread(target=up, daemon=True).start()\n"
            "while data := s.recv(65536): os.write(1, data)\n"
        )
        lines = [f"IdentityFile {host.client_key}", f"ProxyCommand python3 {relay} %h %p 2>{tmp_path}/log"]
        agree(config(host, *lines), let_in=True)
        assert (tmp_path / "log").read_text() == ""
        left = "?"
        for _ in range(50):  # ssh does not wait for its own one
            left = subprocess.run(["pgrep", "-f", str(relay)], capture_output=True, text=True, check=False).stdout
            if not left:
                break
            time.sleep(0.1)
        assert left == ""

    def test_ssh_itself_may_be_the_command(self, host: Sshd, config: Callable[..., Path], make_sshd: MakeSshd) -> None:
        jump = make_sshd()
        through = jump.room / "config"
        through.write_text(f"Host *\n IdentityFile {jump.client_key}\n UserKnownHostsFile {jump.known_hosts}\n")
        command = f"ssh -F {through} -W %h:%p -q -p {jump.port} 127.0.0.1"
        path = config(host, f"IdentityFile {host.client_key}")
        arguments = parse_ssh_args(f"-o ProxyCommand='{command}' -o ControlMaster=auto -C")
        for _ in range(2):
            assert ours(path, ssh_options=arguments) is None
        assert (jump.room / "log").read_text().count("Accepted") == 2
        deadline = time.monotonic() + 5
        while jump.children() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert jump.children() == [], "the command ends with the connection"

    def test_a_command_that_fails_is_told_with_what_it_says(self, host: Sshd, config: Callable[..., Path]) -> None:
        error = agree(config(host, "ProxyCommand sh -c 'echo no way >&2; exit 1'"), let_in=False)
        assert "the ProxyCommand says: no way" in str(error)

    def test_ipv6(self, make_sshd: MakeSshd, config: Callable[..., Path], tmp_path: Path) -> None:
        server = make_sshd(None, "ListenAddress ::1\n")
        (tmp_path / "known").write_text(f"[::1]:{server.port} {server.public_key('ed25519')}\n")
        path = tmp_path / "config"
        path.write_text(
            f"Host six\n HostName ::1\nHost *\n Port {server.port}\n"
            f" IdentityFile {server.client_key}\n UserKnownHostsFile {tmp_path}/known\n"
        )
        agree(path, let_in=True, host="::1")
        agree(path, let_in=True, host="six")
        with (tmp_path / "known").open("a") as file:
            file.write(f"[127.0.0.1]:{server.port} {server.public_key('ed25519')}\n")
        path.write_text(f"Host shop\n HostName 127.0.0.1\n ProxyJump [::1]:{server.port}\n{path.read_text()}")
        agree(path, let_in=True)

    def test_root_logs_in(self, passwords: Sshd) -> None:
        with logged_in(passwords, user="root") as remote:
            assert remote.run("id -u").stdout == "0\n"


class TestAlgorithms:
    @pytest.mark.parametrize(
        ("serves", "asks"),
        [("Ciphers aes256-cbc", "Ciphers +aes256-cbc"), ("MACs hmac-md5", "MACs +hmac-md5")],
    )
    def test_old_ones_are_spoken_only_if_asked_for(
        self, make_sshd: MakeSshd, config: Callable[..., Path], serves: str, asks: str
    ) -> None:
        ciphers = "" if serves.startswith("Ciphers") else "Ciphers aes128-ctr\n"
        server = make_sshd(None, f"{serves}\n{ciphers}")
        key = f"IdentityFile {server.client_key}"
        agree(config(server, key), let_in=False)
        agree(config(server, key, asks), let_in=True)


@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_keys_without_a_comment_are_read(tmp_path: Path, passphrase: str) -> None:
    """What stands after such a key is sometimes nothing at all."""
    for number in range(12):
        path = tmp_path / f"key{number}"
        command = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", passphrase, "-C", "", "-f", str(path)]
        subprocess.run(command, check=True)
        loaded = _loaded(str(path), passphrase or None)
        assert not isinstance(loaded, KeyFileError), loaded
        assert loaded.get_base64() == path.with_suffix(".pub").read_text().split()[1]
