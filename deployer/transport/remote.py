"""What every Remote does the same way, whatever carries its bytes: run, stream, become, deadlines, ending.

A subclass says how a program is started on its host (`_execute`), how a port is reached from there, and who logged in.
"""

from __future__ import annotations

import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from deployer.errors import CommandTimeoutError, ConnectError, DeployerError
from deployer.model.connection import Endpoint, Result, Traffic
from deployer.protocols import OnBytes, OnLine, Probe
from deployer.transport.become import Become
from deployer.transport.meter import Meter
from deployer.transport.reply import PRELUDE, Reply, request, streamed
from deployer.transport.shell import Feed, OverdueError, Shell, await_beginning, converse, result_of
from deployer.transport.wire import Wire
from deployer.transport.wire_socket import WireSocket

KILL_TIMEOUT = 15.0  # seconds for the script that ends another one
KILL = """\
there() {{ kill -s 0 -- -{pid} 2>/dev/null || kill -s 0 {pid} 2>/dev/null; }}
end() {{ kill -s "$1" -- -{pid} 2>/dev/null || kill -s "$1" {pid} 2>/dev/null; }}
end TERM
n=0
while there && [ $n -lt 20 ]; do sleep 0.1 2>/dev/null || sleep 1; n=$((n + 1)); done
end KILL
exit 0
"""


class ShellRemote(ABC):
    """A host that is spoken to through `sh`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._meter = Meter()
        self._guard = threading.Lock()
        self._shells: dict[tuple[str | None, str], Shell] = {}  # by user and lane
        self._running: dict[Reply, str | None] = {}
        self._probes: list[Probe] = []
        self._closed = False

    @property
    def name(self) -> str:
        return self.endpoint.name

    @abstractmethod
    def connect(self, *, patience: float | None = None) -> None: ...

    @abstractmethod
    def login(self) -> str | None:
        """The user who is logged in; None if that cannot be known."""

    @abstractmethod
    def _execute(self, command: str, *, urgent: bool = False) -> Wire:
        """Start a command line on the host; `urgent` ones may use the last free channels."""

    @abstractmethod
    def dial(self, address: str, port: int, timeout: float) -> socket.socket | WireSocket:
        """A TCP connection made from the host itself. Raises OSError: PermissionError if the host forbids it."""

    @abstractmethod
    def check_connection(self) -> None:
        """Raise ConnectError if the connection is gone."""

    @abstractmethod
    def _disconnect(self) -> None: ...

    def run(
        self,
        script: str,
        *,
        become: str | None = None,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
        lane: str = "main",
    ) -> Result:
        """Run POSIX shell text in a user's long-lived shell of that lane; see `Remote.run`."""
        self.connect()
        who = self._who(become)
        shell = self._shell(who, lane)
        reply = Reply(on_line)
        with shell.lock, self._watched(reply, who.user, timeout):
            result = shell.answer(script, reply, timeout=timeout, kill=partial(self._kill, who=who))
        self._check_end(reply, who)
        return result

    def stream(
        self,
        script: str,
        source: Iterable[bytes],
        *,
        become: str | None = None,
        timeout: float = 3600.0,
        on_bytes: OnBytes | None = None,
    ) -> Result:
        """Run POSIX shell text with an input of its own; see `Remote.stream`.

        If `source` raises, the remote process group is ended before its input is: it never sees a complete one.
        """
        self.connect()
        who, reply, started = self._who(become), Reply(), time.monotonic()
        wire = who.start(self._execute, streamed(script, reply.nonce))
        try:
            with self._watched(reply, who.user, timeout), self._ended_on_failure(wire, reply, who):
                converse(wire, reply, Feed(source, on_bytes), deadline=started + timeout, close_input=True)
        finally:
            wire.close()
        self._check_end(reply, who)
        return result_of(reply, started)

    def probe(self, *, become: str | None = None) -> Probe:
        """The host's Docker Engine, over this connection."""
        from deployer.transport.docker_api import EngineProbe

        self.connect()
        probe = EngineProbe(self, become=become)
        self._probes.append(probe)
        return probe

    def start(self, program: str, *, become: str | None = None) -> Wire:
        """Start a program (shell words) on a channel of its own; whoever asked closes it."""
        self.connect()
        return self._who(become).start(self._execute, program)

    def refusal(self, become: str | None, said: str) -> DeployerError:
        """Why a program that was started never ran."""
        self.check_connection()
        return self._who(become).refused(said, self._execute)

    def traffic(self) -> Traffic:
        return self._meter.traffic()

    def renew(self) -> None:
        """Let the connection go, with whatever runs on it; the next call makes a new one."""
        self._let_go()

    def close(self) -> None:
        """End what runs, then the connection; a call in progress raises ConnectError."""
        if self._closed:
            return
        self._closed = True
        for reply, user in list(self._running.items()):
            if reply.out.pid and not reply.done:
                with suppress(DeployerError, OSError):
                    self._kill(reply.out.pid, who=self._who(user))
        self._let_go()

    def _let_go(self) -> None:
        with self._guard:
            probes, shells = self._probes, self._shells
            self._probes, self._shells = [], {}
        for probe in probes:
            probe.close()
        for shell in shells.values():
            shell.close()
        self._disconnect()

    def _who(self, become: str | None) -> Become:
        user = None if become == self.login() else become
        return Become(host=self.name, user=user, password=self.endpoint.become_password)

    def _shell(self, who: Become, lane: str) -> Shell:
        with self._guard:
            if (who.user, lane) not in self._shells:
                self._shells[who.user, lane] = Shell(partial(who.start, self._execute, "sh"))
            return self._shells[who.user, lane]

    @contextmanager
    def _watched(self, reply: Reply, user: str | None, timeout: float) -> Iterator[None]:
        """Known to `close` while it runs; a missed deadline becomes an error that names the host."""
        self._running[reply] = user
        try:
            yield
        except OverdueError:
            self.check_connection()
            raise CommandTimeoutError(f"still running after {timeout:g} s, so it was ended", host=self.name) from None
        finally:
            del self._running[reply]

    @contextmanager
    def _ended_on_failure(self, wire: Wire, reply: Reply, who: Become) -> Iterator[None]:
        try:
            yield
        except BaseException:
            await_beginning(wire, reply)
            if reply.out.pid and not reply.done:
                self._kill(reply.out.pid, who=who)
            raise

    def _check_end(self, reply: Reply, who: Become) -> None:
        """A reply that never began was refused, or the connection is lost; one that `close` ended is none."""
        if reply.done and not self._closed:
            return
        self.check_connection()
        if not reply.begun:
            raise who.refused(reply.noise(), self._execute)

    def _kill(self, pid: int, *, who: Become) -> None:
        """End a process group: ask, wait two seconds, force. Needs a channel of its own; a lost host is left alone."""
        with suppress(ConnectError, OverdueError):
            wire = who.start(partial(self._execute, urgent=True), "sh")
            reply = Reply()
            text = PRELUDE.encode() + request(KILL.format(pid=pid), reply.nonce)
            try:
                converse(wire, reply, Feed([text]), deadline=time.monotonic() + KILL_TIMEOUT)
            finally:
                wire.close()
