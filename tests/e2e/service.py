"""A service with a password: a git repository, a token in JSON; it notes who has logged in."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from stage import Fleet


class Server(SimpleHTTPRequestHandler):
    """A git repository and a service, for those who log in."""

    folder = Path()
    token = ""
    seen: list[str] = []  # noqa: RUF012

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, directory=str(self.folder))

    def do_GET(self) -> None:
        login = self.headers.get("Authorization")
        if login is None or login.startswith("Bearer"):
            self._say(401, b"{}", login)
        elif self.path == "/json":
            self._say(200, json.dumps({"token": self.token, "sent": login}).encode(), login)
        else:
            self.seen.append(login)
            super().do_GET()

    def _say(self, status: int, body: bytes, login: str | None) -> None:
        self.seen.append(login or "")
        self.send_response(status)
        for name, value in {
            "WWW-Authenticate": "Basic realm=x", "Content-Type": "application/json", "Content-Length": str(len(body)),
        }.items():  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(room: Path, fleet: Fleet, token: str) -> Iterator[str]:
    """A server that this machine and the host reach."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    for argv in (["init", "-q", "work"], ["-C", "work", "commit", "-q", "--allow-empty", "-m", "x"],
                 ["clone", "-q", "--bare", "work", "repo.git"], ["-C", "repo.git", "update-server-info"]):  # fmt: skip
        subprocess.run([*git, *argv], cwd=room, check=True)
    Server.folder, Server.token, Server.seen = room, token, []
    address = str(fleet.lab.subnet[1])
    server = ThreadingHTTPServer((address, 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"{address}:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
