"""Asks a host's Docker Engine through the docker SDK, over the connection that is there already.

`docker system dial-stdio` joins a channel to the Engine's socket and is kept open: one exec serves all samples.
What the answers mean for a release is left to `rollout.health`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from deployer.errors import CommandError, DeployerError
from deployer.model.action import HttpCheck
from deployer.model.release import PROJECT_LABEL, Container
from deployer.transport.http_check import ask
from deployer.transport.remote import ShellRemote
from deployer.transport.wire import Wire
from deployer.transport.wire_socket import WireSocket

TIMEOUT = 15.0  # seconds for one answer
ENGINE = "http://engine:80"  # never resolved: the adapter below carries every request
OLDEST_API = "1.40"  # to ask which version the Engine speaks; the question itself has none
ONE_AT_A_TIME = 1

T = TypeVar("T")


class EngineProbe:
    """A host's Docker Engine and its HTTP endpoints, for a gate. One request at a time."""

    def __init__(self, remote: ShellRemote, *, become: str | None = None) -> None:
        self._remote = remote
        self._become = become
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._socket: WireSocket | None = None

    def containers(self, project: str) -> tuple[Container, ...]:
        """All containers of a compose project, by name; raises CommandError if the Engine does not answer."""
        with self._lock:
            return self._asked(lambda client: _containers(client, project))

    def logs(self, container: str, tail: int = 20) -> tuple[str, ...]:
        """A container's last lines, both streams in order of time."""
        with self._lock:
            text = self._asked(lambda client: client.logs(container, tail=tail))
        return tuple(text.decode(errors="replace").splitlines())

    def http(self, check: HttpCheck) -> str | None:
        """None if the answer is as expected; else what came instead."""
        return ask(self._remote, check)

    def close(self) -> None:
        """Let go of the connection's channel; the next question opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _asked(self, question: Callable[[docker.APIClient], T]) -> T:
        """The answer of the Engine; a failed question drops the channel, so that the next one starts anew."""
        try:
            return question(self._connected())
        except DeployerError:
            self.close()
            raise
        except APIError as fault:
            raise self._error(str(fault.explanation or fault)) from fault
        except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as fault:
            why = (self._socket.complaint() if self._socket else "") or _root(fault)
            self.close()
            self._remote.check_connection()
            raise self._error(why) from fault

    def _connected(self) -> docker.APIClient:
        if self._client is None:
            self._client = _client(self._join)
        return self._client

    def _join(self) -> WireSocket:
        """A socket to the Engine; what a login shell prints before is passed over."""
        mark = secrets.token_hex(8)
        program = f"sh -c 'echo {mark}; exec docker system dial-stdio'"
        wire = self._remote.start(program, become=self._become)
        said = _pass_over(wire, f"{mark}\n".encode())
        if said is not None:
            ended = wire.ended
            wire.close()
            late = self._error(f"nothing was heard of it for {TIMEOUT:g} s")
            raise self._remote.refusal(self._become, said) if ended or said else late
        self._socket = WireSocket(wire, TIMEOUT)
        return self._socket

    def _error(self, why: str) -> CommandError:
        absent = "docker: not found" in why or "docker: command not found" in why
        return CommandError(
            "Docker is not installed" if absent else f"the Docker Engine does not answer: {why}",
            status=None,
            host=self._remote.name,
            hint="install it: deploy provision <inventory>" if absent else "look at: systemctl status docker",
        )


def _containers(client: docker.APIClient, project: str) -> tuple[Container, ...]:
    listed = client.containers(all=True, filters={"label": f"{PROJECT_LABEL}={project}"})
    inspected = (_inspected(client, one["Id"]) for one in listed)
    return tuple(sorted((one for one in inspected if one), key=lambda one: one.name))


def _inspected(client: docker.APIClient, container_id: str) -> Container | None:
    """None if the container went away since it was listed."""
    try:
        return Container.from_inspect(client.inspect_container(container_id))
    except NotFound:
        return None


def _pass_over(wire: Wire, mark: bytes) -> str | None:
    """Read up to and with the mark; if it never comes, what came instead."""
    out = err = b""
    deadline = time.monotonic() + TIMEOUT
    while mark not in out:
        if wire.ended or time.monotonic() > deadline:
            return (err + out).decode(errors="replace")
        more_out, more_err = wire.receive(1.0)
        out, err = out + more_out, err + more_err
    wire.unread(out.split(mark, 1)[1])
    return None


def _root(fault: BaseException) -> str:
    """The innermost reason, in one line."""
    while fault.__context__ is not None:
        fault = fault.__context__
    return str(fault) or type(fault).__name__


def _client(join: Callable[[], WireSocket]) -> docker.APIClient:
    """An SDK client in the Engine's own API version, all of whose requests go through one joined socket."""
    adapter = _Adapter(join)
    version = _mounted(OLDEST_API, adapter).version(api_version=False)["ApiVersion"]
    return _mounted(version, adapter)


def _mounted(version: str, adapter: _Adapter) -> docker.APIClient:
    client = docker.APIClient(base_url=ENGINE, version=version, timeout=round(TIMEOUT))
    client.trust_env = False
    client.mount(ENGINE, adapter)
    return client


class _Connection(HTTPConnection):
    """An HTTP connection whose socket is a joined Wire."""

    def __init__(self, join: Callable[[], WireSocket]) -> None:
        super().__init__("engine", timeout=TIMEOUT)
        self._join = join

    def connect(self) -> None:
        self.sock: Any = self._join()

    @property
    def is_connected(self) -> bool:
        return self.sock is not None and not self.sock.ended

    @property
    def is_closed(self) -> bool:
        return self.sock is None


class _Pool(urllib3.HTTPConnectionPool):
    def __init__(self, join: Callable[[], WireSocket]) -> None:
        super().__init__("engine", timeout=TIMEOUT, maxsize=ONE_AT_A_TIME, block=True, retries=False)
        self._join = join

    def _new_conn(self) -> _Connection:
        return _Connection(self._join)


class _Adapter(HTTPAdapter):
    """Gives every request the same pool of one connection."""

    def __init__(self, join: Callable[[], WireSocket]) -> None:
        super().__init__()
        self._pool = _Pool(join)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _Pool:
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()
