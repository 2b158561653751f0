"""A Docker daemon of our own, started by hand where no init runs, and what a killed one leaves behind."""

from __future__ import annotations

import contextlib
import grp
import os
import signal
import time
from pathlib import Path

from deployer.lab.privilege import run_as_root

HOME = Path("/var/lib/deployer-lab")  # its data and its log; outlives a restart of the machine
RUN = Path("/run/deployer-lab")  # its pid file and its containerd's room
LOG = HOME / "dockerd.log"
SOCKET = Path("/var/run/docker.sock")

_PID_FILE = RUN / "docker.pid"
_CONTAINERD_PID_FILE = RUN / "exec/containerd/containerd.pid"

# setsid: a Ctrl-C in the terminal that started it must not end every host in the lab
_START = """
mkdir -p "$1" "$2" && cd / && ulimit -n "$(ulimit -Hn)"
log=$3; shift 3
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin setsid dockerd "$@" </dev/null >>"$log" 2>&1 &
"""


def start_daemon() -> None:
    """Start dockerd, detached from us, unless ours runs; does not wait for it to answer."""
    if daemon_pid() is not None:
        return
    forget_dead(_PID_FILE, "dockerd")
    forget_dead(_CONTAINERD_PID_FILE, "containerd")
    options = ["--data-root", str(HOME / "docker"), "--exec-root", str(RUN / "exec")]
    options += ["--pidfile", str(_PID_FILE), "--host", f"unix://{SOCKET}", "--group", _own_group()]
    run_as_root(["sh", "-c", _START, "start", str(HOME), str(RUN), str(LOG), *options])


def stop_daemon() -> bool:
    """End the dockerd that we started and its containers; False if there is none."""
    pid = daemon_pid()
    if pid is None:
        return False
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while daemon_pid() == pid and time.monotonic() < deadline:
        time.sleep(0.1)
    if daemon_pid() == pid:
        _signal(pid, signal.SIGKILL)
    return True


def daemon_pid() -> int | None:
    """Return the pid of the dockerd that we started, if it runs."""
    return live_pid(_PID_FILE, "dockerd")


def has_own_data() -> bool:
    """Tell whether a daemon of ours was ever started here."""
    return (HOME / "docker").is_dir()


def live_pid(file: Path, program: str) -> int | None:
    """Return the pid in `file` if that process is `program`; numbers are reused after a restart."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(file.read_text())
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if Path(f"/proc/{pid}/comm").read_text().strip() == program and state not in "ZX":
            return pid
    return None


def forget_dead(file: Path, program: str) -> None:
    """Remove a pid file whose process is gone: its number may be somebody else's by now."""
    if file.exists() and live_pid(file, program) is None:
        run_as_root(["rm", "-f", str(file)])


def log_tail(lines: int = 8) -> str:
    """Return the last lines of the daemon's log."""
    try:
        return "\n".join(LOG.read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)


def _signal(pid: int, number: signal.Signals) -> None:
    if os.geteuid() == 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    else:
        run_as_root(["kill", f"-{number.value}", str(pid)])


def _own_group() -> str:
    return grp.getgrgid(os.getgid()).gr_name
