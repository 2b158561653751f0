"""Limits of this machine's kernel that many hosts together run into."""

from __future__ import annotations

from pathlib import Path

from deployer.errors import LabError
from deployer.lab.privilege import Say, run_as_root

SETTING = "fs.inotify.max_user_instances"
_FILE = Path("/proc/sys/fs/inotify/max_user_instances")
_PER_HOST = 8  # systemd takes 5, D-Bus and containerd one each
_OTHERS = 128  # the kernel's default, for everything else on this machine


def instances_for(hosts: int, present: int) -> int | None:
    """Return what the limit has to be for so many hosts on this machine; None where what is set will do."""
    wanted = _OTHERS + _PER_HOST * hosts
    return wanted if hosts > 8 and present < wanted else None


def ensure_inotify(hosts: int, say: Say) -> None:
    """Raise the kernel's limit that otherwise keeps systemd from booting in the last of many hosts."""
    wanted = instances_for(hosts, int(_FILE.read_text()))
    if wanted is None:
        return
    say(f"raising {SETTING} to {wanted}")
    try:
        run_as_root(["sysctl", "--quiet", "--write", f"{SETTING}={wanted}"])
    except (LabError, OSError) as error:
        say(f"{SETTING} cannot be raised, some hosts may not boot: {error}")
