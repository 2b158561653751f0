"""Makes an HTTP request: from the host itself, also to ports that only it can reach, or from here.

From the host, it travels through a forwarded connection and needs no program there; the host's curl is the fallback
where its sshd forbids forwarding.
"""

from __future__ import annotations

import http.client
import shlex
import socket
import ssl
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deployer.model.action import HttpCheck

if TYPE_CHECKING:
    from deployer.transport.remote import ShellRemote

TIMEOUT = 5.0  # seconds
LIMIT = 1 << 20  # bytes of an answer that are searched
SHOWN = 80  # characters of an answer that a message shows


def ask(remote: ShellRemote, check: HttpCheck) -> str | None:
    """None if the answer is as expected; else, in words, what came instead. Redirects are not followed."""
    url = urllib.parse.urlsplit(check.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        return f"{check.url} is no http URL"
    try:
        status, body = _fetch(remote.dial if check.asked_from == "host" else _dial_from_here, url)
    except PermissionError as forbidden:
        if check.asked_from == "control":
            return f"{check.url}: {_words(forbidden)}"
        return _ask_with_curl(remote, check)
    except TimeoutError:
        return f"{check.url}: no answer within {TIMEOUT:g} s"
    except (OSError, http.client.HTTPException) as fault:
        return f"{check.url}: {_words(fault)}"
    return judge(check, status, body)


def judge(check: HttpCheck, status: int, body: bytes) -> str | None:
    """None if status and text are as expected; else the difference."""
    text = body.decode(errors="replace")
    start = " ".join(text.split())[:SHOWN]
    if status != check.status:
        return f"{check.url}: status {status}, expected {check.status}" + (f" ({start})" if start else "")
    if check.contains is not None and check.contains not in text:
        return f"{check.url}: status {status}, but no {check.contains!r} in the answer ({start or 'empty'})"
    return None


def _dial_from_here(address: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection((address, port), timeout)


def _fetch(dial: Callable[[str, int, float], Any], url: urllib.parse.SplitResult) -> tuple[int, bytes]:
    port = url.port or (443 if url.scheme == "https" else 80)
    assert url.hostname
    sock: Any = dial(url.hostname, port, TIMEOUT)
    try:
        sock.settimeout(TIMEOUT)
        if url.scheme == "https":
            sock = _encrypted(sock, url.hostname)
        connection = http.client.HTTPConnection(url.hostname, port, timeout=TIMEOUT)
        connection.sock = sock
        path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
        host = url.netloc.rpartition("@")[2]
        connection.request("GET", path, headers={"Host": host, "User-Agent": "deployer", "Connection": "close"})
        with connection.getresponse() as answer:
            return answer.status, _body(answer)
    finally:
        sock.close()


def _body(answer: http.client.HTTPResponse) -> bytes:
    """As much of the body as is searched; raises IncompleteRead if the connection ends within that."""
    body = answer.read(LIMIT)
    if answer.length and len(body) < LIMIT:
        raise http.client.IncompleteRead(body, answer.length)
    return body


def _encrypted(sock: Any, hostname: str) -> Any:
    from urllib3.util.ssltransport import SSLTransport

    return SSLTransport(sock, ssl.create_default_context(), hostname)


def _ask_with_curl(remote: ShellRemote, check: HttpCheck) -> str | None:
    """The same question asked by the host's curl."""
    command = f"curl -sS -m {TIMEOUT:g} -w '\\n%{{http_code}}' {shlex.quote(check.url)}"
    result = remote.run(command, timeout=TIMEOUT * 3)
    if result.status == 127:
        return f"{check.url}: cannot be asked for: the host's sshd forbids forwarding, and it has no curl"
    if not result.ok:
        return f"{check.url}: {result.stderr.strip() or f'curl ended with {result.status}'}"
    body, _, status = result.stdout.rpartition("\n")
    return judge(check, int(status), body.encode())


def _words(fault: Exception) -> str:
    if isinstance(fault, ConnectionRefusedError):
        return "connection refused"
    if isinstance(fault, http.client.RemoteDisconnected):
        return "connected, but closed without an answer"
    if isinstance(fault, http.client.IncompleteRead):
        return "the answer broke off"
    return str(fault).lower() or type(fault).__name__
