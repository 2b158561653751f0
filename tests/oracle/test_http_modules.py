"""`uri`, `get_url` and `wait_for` against a server: what they register and write is what Ansible's do."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_modules import Both

FILE = b"the file\n"
LOGIN = "Basic " + base64.b64encode(b"ann:s3cret").decode()


class Answering(BaseHTTPRequestHandler):
    """Answers as its paths say; what it was sent comes back."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_GET  # noqa: N815

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        if path == "/private" and self.headers.get("Authorization") != LOGIN:
            self.say(401, b"who are you?\n")
        elif path.startswith("/status/"):
            self.say(int(path.rpartition("/")[2]), b"as asked\n")
        elif path == "/moved":
            self.say(302, b"", Location="/file")
        elif path in ("/file", "/private"):
            self.say(200, FILE)
        else:
            told = {"method": self.command, "path": self.path, "body": sent.decode(), "x": self.headers.get("X-Told"),
                    "type": self.headers.get("Content-Type")}  # fmt: skip
            self.say(200, json.dumps(told).encode(), type_="application/json")

    def say(self, status: int, body: bytes, *, type_: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": type_, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def both(ansible: Any, tmp_path: Path) -> Both:
    return Both(ansible, tmp_path)


def test_requests(both: Both, url: str) -> None:
    def call(path: str, **args: Any) -> tuple[str, dict[str, Any]]:
        return "uri", {"url": url + path, **args}

    login = {"url_username": "ann", "url_password": "s3cret", "force_basic_auth": True}
    calls = [
        call("/file"), call("/file", return_content=True), call("/json", return_content=True),
        call("/status/404"), call("/status/404", status_code=404), call("/status/204", status_code=[200, 204]),
        call("/status/500", status_code=[200, 204], return_content=True),
        call("/moved", return_content=True), call("/moved", follow_redirects="none", status_code=302),
        call("/echo", method="POST", body={"a": [1, "é"]}, body_format="json", return_content=True),
        call("/echo", method="PUT", body="plain text", return_content=True),
        call("/echo", method="POST", body={"a": "b c", "d": "e&f"}, body_format="form-urlencoded", return_content=True),
        call("/echo?q=1", headers={"X-Told": "yes"}, return_content=True), call("/file", method="HEAD"),
        call("/echo", method="DELETE", return_content=True),
        call("/private"), call("/private", return_content=True, **login),
        call("/file", creates="/etc"), call("/file", removes="/no/such/path"),
    ]  # fmt: skip
    both.calls_alone(calls, "status", "content", "json", "url", "content_type", "redirected")


def test_downloads(both: Both, url: str) -> None:
    digest = hashlib.sha256(FILE).hexdigest()

    def call(path: str, name: str, **args: Any) -> tuple[str, dict[str, Any]]:
        return "get_url", {"url": url + path, "dest": f"{{{{ root }}}}/{name}", **args}

    for side in (both.ours, both.theirs):
        (side.root / "folder").mkdir(parents=True)
    calls = [
        call("/file", "one", mode="0600"), call("/file", "one", mode="0600"), call("/file", "one", mode="0644"),
        call("/file", "two", checksum=f"sha256:{digest}"), call("/file", "two", checksum=f"sha256:{digest}"),
        call("/file", "three", checksum=f"sha256:{'0' * 64}"), call("/file", "folder"), call("/file", "folder"),
        call("/moved", "four"), call("/status/404", "five"), call("/file", "no/such/folder"),
        call("/json", "one"), call("/json?other", "one", force=True),
        call("/private", "six", url_username="ann", url_password="s3cret", force_basic_auth=True),
    ]  # fmt: skip
    both.calls(calls, "dest", "status_code")


def test_waiting(both: Both, url: str) -> None:
    port = int(url.rpartition(":")[2])
    calls = [
        ("wait_for", {"port": port, "timeout": 5}), ("wait_for", {"path": "/etc/passwd", "timeout": 5}),
        ("wait_for", {"path": "/etc/passwd", "search_regex": "^root:", "timeout": 5}),
        ("wait_for", {"path": "/etc/passwd", "search_regex": "^nobody-at-all:", "timeout": 1}),
        ("wait_for", {"path": "/no/such", "state": "absent", "timeout": 5}),
        ("wait_for", {"port": 1, "timeout": 1, "msg": "not there"}), ("wait_for", {"port": 1, "state": "stopped"}),
    ]  # fmt: skip
    both.calls_alone(calls, "port", "path", "search_regex")
