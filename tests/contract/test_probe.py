"""Requests that come from the host itself, and the Docker Engine behind it."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sshd import Sshd, free_port

from deployer.errors import AuthError, CommandError
from deployer.model.action import HttpCheck
from deployer.protocols import Remote
from deployer.transport.ssh import SshRemote


class Pages(http.server.BaseHTTPRequestHandler):
    """A page per path; says which Host it was asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/silent":
            self.server.silent.wait(8)  # type: ignore[attr-defined]
            return
        body = f"{self.headers['Host']} {self.path}".encode()
        self.send_response(503 if self.path == "/down" else 200)
        self.send_header("Content-Length", str(len(body)))
        if self.path in ("/parting", "/broken"):
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        if self.path == "/parting":
            time.sleep(0.2)  # the body comes in a packet of its own
        self.wfile.write(body[: 3 if self.path == "/broken" else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.silent = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.silent.set()  # type: ignore[attr-defined]
        server.shutdown()


def test_a_page_as_expected_is_none(remote: Remote, pages: int) -> None:
    url = f"http://localhost:{pages}/health?full=1"
    assert remote.probe().http(HttpCheck(url=url, contains=f"localhost:{pages} /health?full=1")) is None


def test_requests_cost_no_channel_for_commands(remote: Remote, pages: int) -> None:
    probe = remote.probe()
    assert all(probe.http(HttpCheck(url=f"http://127.0.0.1:{pages}/")) is None for _ in range(3))
    assert remote.traffic().execs == 0


def test_another_status_is_told(remote: Remote, pages: int) -> None:
    url = f"http://127.0.0.1:{pages}/down"
    assert remote.probe().http(HttpCheck(url=url)) == f"{url}: status 503, expected 200 (127.0.0.1:{pages} /down)"


def test_a_body_after_its_head_is_waited_for_though_the_connection_ends_with_it(remote: Remote, pages: int) -> None:
    check = HttpCheck(url=f"http://127.0.0.1:{pages}/parting", contains="/parting")
    assert [remote.probe().http(check) for _ in range(3)] == [None] * 3


def test_a_body_that_breaks_off_is_told(remote: Remote, pages: int) -> None:
    url = f"http://127.0.0.1:{pages}/broken"
    assert remote.probe().http(HttpCheck(url=url)) == f"{url}: the answer broke off"


def test_a_certificate_that_is_vouched_for_is_accepted(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    monkeypatch.setenv("SSL_CERT_FILE", str(encrypt(server, tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{server.server_address[1]}"
    try:
        for path in ("/parting", "/staying"):
            assert remote.probe().http(HttpCheck(url=url + path, contains=path)) is None
    finally:
        server.shutdown()
        server.server_close()


def encrypt(server: http.server.HTTPServer, folder: Path) -> Path:
    """Let a server speak TLS with a new certificate for 127.0.0.1, and say where that is."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=page"
    place = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words.split(), *place], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return certificate


def test_a_closed_port_is_told(remote: Remote) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    assert remote.probe().http(HttpCheck(url=url)) == f"{url}: connection refused"


def test_a_silent_server_is_given_up(remote: Remote, pages: int) -> None:
    url = f"http://127.0.0.1:{pages}/silent"
    assert remote.probe().http(HttpCheck(url=url)) == f"{url}: no answer within 5 s"


def test_a_certificate_that_nobody_vouches_for_is_told(remote: Remote, pages: int) -> None:
    said = remote.probe().http(HttpCheck(url=f"https://127.0.0.1:{pages}/"))
    assert said is not None
    assert "ssl" in said.lower() or "eof" in said.lower()


def test_the_control_machine_can_be_the_one_who_asks(remote: Remote, pages: int) -> None:
    """Nothing of it travels to the host."""
    url, nobody = f"http://127.0.0.1:{pages}/health", f"http://127.0.0.1:{free_port()}/"
    probe = remote.probe()
    remote.run("true")  # behind what a host tells unasked after a login, its other keys
    before = remote.traffic()
    assert probe.http(HttpCheck(url=url, asked_from="control", contains="/health")) is None
    assert probe.http(HttpCheck(url=nobody, asked_from="control")) == f"{nobody}: connection refused"
    assert remote.traffic() == before


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:80", "http://"])
def test_what_is_no_url_is_told(remote: Remote, url: str) -> None:
    assert remote.probe().http(HttpCheck(url=url)) == f"{url} is no http URL"


def test_where_forwarding_is_forbidden_the_hosts_curl_asks(make_sshd: Callable[..., Sshd], pages: int) -> None:
    server = make_sshd(None, "AllowTcpForwarding no\n")
    remote = SshRemote(server.endpoint(), options=server.options())
    base = f"http://127.0.0.1:{pages}"
    assert remote.probe().http(HttpCheck(url=f"{base}/x?y='", contains="/x?y='")) is None
    assert "status 503, expected 200" in (remote.probe().http(HttpCheck(url=f"{base}/down")) or "")
    assert remote.probe().http(HttpCheck(url=f"http://127.0.0.1:{free_port()}/")) is not None
    remote.close()


def test_a_host_without_docker_says_so(walled: Callable[[str], Sshd], tmp_path: Path) -> None:
    server = walled("dash")
    remote = SshRemote(server.endpoint(user="bare"), options=server.options())
    with pytest.raises(CommandError) as caught:
        remote.probe().containers("shop")
    assert str(caught.value).startswith("web1: ")
    with pytest.raises(AuthError):
        remote.probe(become="root").containers("shop")
    remote.close()
