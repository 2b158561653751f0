"""A real OpenSSH server on a loopback port, ended by its own process id.

Where this machine allows it, the server lives in a mount namespace of its own, with users, sudo rules and a `/bin/sh`
that exist nowhere else; otherwise it is a plain one that only who runs the tests can log in to.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deployer.model.connection import Endpoint
from deployer.transport.options import SshOptions
from deployer.transport.ssh import SshRemote

SUDO_PASSWORD = "correct horse; echo '$battery'"
NOISE = "echo 'welcome to the host'; printf 'no newline' >&2\n"
SH = {"dash": "/usr/bin/dash", "bash": "/bin/bash", "busybox": "/bin/busybox"}
USERS = {"free": 4241, "asker": 4242, "bare": 4243, "limited": 4244, "typist": 4245}
SUDOERS = """\
free ALL=(ALL) NOPASSWD: ALL
asker ALL=(ALL) ALL
limited ALL=(root) NOPASSWD: /usr/bin/true, /usr/bin/id -u
Defaults:typist requiretty
typist ALL=(ALL) NOPASSWD: ALL
"""
PAM = "auth required pam_unix.so\naccount required pam_unix.so\nsession optional pam_permit.so\n"


def can_wall() -> bool:
    """Whether this machine lets us have a mount namespace, and sudo is there."""
    if os.geteuid() or not shutil.which("sudo") or not shutil.which("unshare"):
        return False
    probe = ["unshare", "-m", "sh", "-c", "mount --bind /etc/passwd /etc/passwd"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", path], check=True)
    return path


@dataclass
class Sshd:
    """One server; `room` holds all its files."""

    room: Path
    binary: str
    sh: str | None = None  # the host's /bin/sh; None: a plain server, no users of its own
    extra: str = ""  # more lines for sshd_config
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.room.mkdir(parents=True)
        self.room.chmod(0o755)
        self.client_key = make_key(self.room / "client")
        for kind in ("ed25519", "ecdsa", "rsa"):
            make_key(self.room / f"host_{kind}", kind)
        self.known_hosts = self.room / "known_hosts"
        self.trust("ed25519")

    def public_key(self, kind: str) -> str:
        """Type and base64, as in known_hosts."""
        return " ".join((self.room / f"host_{kind}.pub").read_text().split()[:2])

    def trust(self, kind: str) -> None:
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self.public_key(kind)}\n")

    def endpoint(self, **changes: object) -> Endpoint:
        values: dict[str, object] = {
            "name": "web1",
            "address": "127.0.0.1",
            "port": self.port,
            "user": "root" if self.sh else None,
            "key_file": str(self.client_key),
        }
        return Endpoint(**{**values, **changes})  # type: ignore[arg-type]

    def options(self, **changes: object) -> SshOptions:
        values: dict[str, object] = {"known_hosts": (str(self.known_hosts),), "ssh_config": (), "attempts": 2}
        return SshOptions(**{**values, **changes})  # type: ignore[arg-type]

    def start(self) -> Sshd:
        config = self._config()
        command = [self.binary, "-D", "-e", "-f", str(config)]
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        if self.sh:
            command = ["unshare", "-m", "sh", "-c", self._wall() + ' exec "$@"', "sh", *command]
        with (self.room / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._await_port()
        return self

    def stop(self) -> None:
        """End the listener; connections that are open stay."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def end(self) -> None:
        """End the listener and every connection that it serves. Again: does nothing."""
        if self.process is None:
            return
        self.cut()
        self.stop()

    def cut(self) -> None:
        """End every connection that it serves now, at once; the listener stays."""
        for pid in self.children():
            with suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.kill(pid, signal.SIGKILL)

    def children(self) -> list[int]:
        """Process ids of the connections' servers."""
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def _config(self) -> Path:
        (self.room / "authorized_keys").write_bytes((self.room / "client.pub").read_bytes())
        keys = "".join(f"HostKey {self.room}/host_{kind}\n" for kind in ("ed25519", "ecdsa", "rsa"))
        path = self.room / "sshd_config"
        path.write_text(
            f"{self.extra}Port {self.port}\nListenAddress 127.0.0.1\n{keys}"
            f"AuthorizedKeysFile {self.room}/authorized_keys\n"
            "UsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
        )
        return path

    def _wall(self) -> str:
        """Shell that gives the server users, sudo rules and an `sh` of its own."""
        etc = self.room / "etc"
        home = self.room / "home"
        for folder in (etc / "sudoers.d", home):
            folder.mkdir(parents=True)
        (home / ".bashrc").write_text(NOISE)
        lines = [f"{name}:x:{uid}:{uid}::{home}:/bin/bash\n" for name, uid in USERS.items()]
        (etc / "passwd").write_text(Path("/etc/passwd").read_text() + "".join(lines))
        (etc / "group").write_text(Path("/etc/group").read_text() + "".join(f"{n}:x:{u}:\n" for n, u in USERS.items()))
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=SUDO_PASSWORD, capture_output=True, text=True, check=True
        ).stdout.strip()
        (etc / "shadow").write_text(
            Path("/etc/shadow").read_text() + "".join(f"{name}:{hashed}:20000:0:99999:7:::\n" for name in USERS)
        )
        (etc / "shadow").chmod(0o640)
        rules = etc / "sudoers.d" / "deploy"
        rules.write_text(SUDOERS)
        rules.chmod(0o440)
        mounts = [f"mount --bind {etc}/{name} /etc/{name}" for name in ("passwd", "group", "shadow", "sudoers.d")]
        (etc / "pam").write_text(PAM)
        mounts.append(f"mount --bind {etc}/pam /etc/pam.d/sshd")
        mounts.append(f"mount --bind {SH[self.sh or '']} $(readlink -f /bin/sh)")
        return "set -e; " + "; ".join(mounts) + ";"

    def _await_port(self) -> None:
        for _ in range(100):
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"sshd did not start: {(self.room / 'log').read_text()}")


@contextmanager
def logged_in(server: Sshd, options: dict[str, object] | None = None, **changes: object) -> Iterator[SshRemote]:
    remote = SshRemote(server.endpoint(**changes), options=server.options(**(options or {})))
    try:
        yield remote
    finally:
        remote.close()
