"""One host of a lab, as somebody with the keys to the machine room sees it: without SSH."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import field

from docker.errors import APIError
from docker.models.containers import Container
from docker.models.networks import Network

from deployer.errors import LabError
from deployer.frozen import dataclass
from deployer.lab.privilege import as_root

_BOOT_PATIENCE = 90.0  # seconds
_ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")
_KEYS = "cat /etc/ssh/ssh_host_*_key.pub"


@dataclass(frozen=True, kw_only=True)
class LabHost:
    """A container that boots systemd and runs sshd; all that is done to it is real."""

    name: str
    address: str
    port: int
    container: Container = field(repr=False)
    network: Network = field(repr=False)

    def exec(self, command: str | Sequence[str]) -> tuple[int, str]:
        """Run an argv, or a line of shell, as root on the host; return its status and its output, both streams.

        The host's namespaces are entered: the Engine's own exec loses output when it is busy, and costs much more.
        Raises LabError if the host has no power.
        """
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        self.container.reload()
        pid = self.container.attrs["State"]["Pid"]
        if not pid:
            raise LabError(f"cannot run {argv[0]}: the host has no power", host=self.name)
        enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"]
        done = subprocess.run(
            as_root([*enter, "env", "-i", *_ENVIRONMENT, *argv]),
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout.decode(errors="replace")

    def is_running(self) -> bool:
        """Tell whether the host has power."""
        self.container.reload()
        return str(self.container.status) == "running"

    def wait_ready(self, patience: float = _BOOT_PATIENCE) -> None:
        """Return once sshd greets and systemd has finished booting; raises LabError if they do not."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._greets() and self._state() in ("running", "degraded"):
                return
            if not self.is_running():
                break
            time.sleep(0.1)
        raise LabError(f"does not boot; its log ends with\n{self._log_tail()}", host=self.name)

    def reboot(self) -> None:
        """Shut the host down in order and boot it again; returns when it is ready."""
        self.container.restart(timeout=60)
        self.wait_ready()

    def kill(self) -> None:
        """Take the power away: nothing on the host gets to say goodbye."""
        if self.is_running():
            self.container.kill()
            self.container.wait()

    def start(self) -> None:
        """Give the power back; returns when the host is ready."""
        try:
            self.container.start()
        except APIError as error:
            raise LabError(f"cannot be started: {error.explanation}", host=self.name) from error
        self.wait_ready()

    def disconnect(self) -> None:
        """Pull the network cable: connections hang, nothing is told to either side."""
        self.network.disconnect(self.container, force=True)

    def connect(self) -> None:
        """Plug the cable in again, with the same address."""
        self.network.connect(self.container, ipv4_address=self.address)

    def host_keys(self) -> list[str]:
        """Return the host's public keys as lines for a known_hosts file."""
        status, output = self.exec(_KEYS)
        if status:
            raise LabError(f"has no host keys: {output.strip()}", host=self.name)
        names = ",".join(self._known_as(name) for name in (self.address, self.name))
        return [f"{names} {' '.join(line.split()[:2])}" for line in output.splitlines()]

    def _known_as(self, name: str) -> str:
        return name if self.port == 22 else f"[{name}]:{self.port}"

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.address, self.port), timeout=2) as connection:
                connection.settimeout(5)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _state(self) -> str:
        try:
            return self.exec(["timeout", "60", "systemctl", "is-system-running", "--wait"])[1].strip()
        except LabError:  # it has just stopped, or has not begun
            return ""

    def _log_tail(self) -> str:
        return bytes(self.container.logs(tail=8)).decode(errors="replace").strip()
