"""Questions that a host asks beside the password, such as for a code: a person's, at the terminal."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest
from sshd import make_key

from deployer.errors import AuthError
from deployer.model.connection import Endpoint
from deployer.transport.key_files import Ask, KeyFiles
from deployer.transport.options import SshOptions
from deployer.transport.ssh import SshRemote


@dataclass
class Asking(paramiko.ServerInterface):
    """Lets in whoever knows the password and the code."""

    answers: list[list[str]] = field(default_factory=list)

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive"

    def check_auth_interactive(self, username: str, submethods: str) -> paramiko.InteractiveQuery:
        return paramiko.InteractiveQuery("", "", ("Password: ", False), ("Verification code: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.answers.append([str(answer) for answer in responses])
        return paramiko.AUTH_SUCCESSFUL if responses == ["word", "123456"] else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


@dataclass
class Host:
    port: int
    options: Callable[[Ask | None], SshOptions]
    asking: Asking

    def connect(self, ask: Ask | None, password: str | None) -> None:
        endpoint = Endpoint(name="web1", address="127.0.0.1", port=self.port, user="me", password=password)
        remote = SshRemote(endpoint, options=self.options(ask))
        try:
            remote.connect()
        finally:
            remote.close()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """An SSH server of paramiko's: sshd would need a module of PAM that asks."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    key = make_key(tmp_path / "host")
    asking, transports = Asking(), []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {key.with_suffix('.pub').read_text()}")

        def serve() -> None:
            connection, _ = listener.accept()
            transport = paramiko.Transport(connection)
            transports.append(transport)
            transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(key)))
            transport.start_server(event=threading.Event(), server=asking)

        thread = threading.Thread(target=serve)
        thread.start()

        def options(ask: Ask | None) -> SshOptions:
            return SshOptions(known_hosts=(str(tmp_path / "known"),), ssh_config=(), attempts=1, keys=KeyFiles(ask))

        yield Host(port, options, asking)
        thread.join()
    for transport in transports:
        transport.close()


def test_the_code_is_asked_of_a_person_and_the_password_is_not(host: Host) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "123456"

    host.connect(ask, "word")
    assert asked == ["web1: Verification code:"]
    assert host.asking.answers == [["word", "123456"]]


def test_without_a_person_the_question_is_named_and_nothing_is_answered(host: Host) -> None:
    with pytest.raises(AuthError, match="the host asks `Verification code:`, and nobody is there to answer") as caught:
        host.connect(None, "word")
    assert "word`" not in str(caught.value)
    assert host.asking.answers == []


def test_a_password_that_nobody_gave_is_asked_of_nobody(host: Host) -> None:
    with pytest.raises(AuthError, match="the host asks `Password:`, and no password was given"):
        host.connect(pytest.fail, None)
    assert host.asking.answers == []
