"""Who else is on a machine: a user without rights, who looks at what programs are called with, at files, at images."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_state import ask

from deployer.lab.host import LabHost

NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"
LOOK = "while :; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '; echo; sleep 0.05; done"
PLACES = "/etc /srv /root /home /opt /usr/local /tmp /var/tmp /var/log /var/lib /run /dev/shm"


@contextmanager
def watching_here(log: Path) -> Iterator[None]:
    """Notes what a user without rights sees of all processes of this machine, the lab hosts' among them."""
    with log.open("wb") as output:
        watch = subprocess.Popen([*NOBODY.split(), "sh", "-c", LOOK], stdout=output, start_new_session=True)
    try:
        yield
    finally:
        subprocess.run(["kill", "--", f"-{watch.pid}"], check=False)
        watch.wait()


@contextmanager
def watching(host: LabHost) -> Iterator[None]:
    """The same on a host; it is in the host's /run/seen."""
    ask(host, f"setsid {NOBODY} sh -c {shlex.quote(LOOK)} >/run/seen 2>/dev/null & echo $! >/run/seen.pid")
    try:
        yield
    finally:
        host.exec("kill -- -$(cat /run/seen.pid)")


def readable_on(host: LabHost, patterns: str, *, as_user: str = NOBODY, places: str = PLACES) -> list[str]:
    """The files of a host in which a user can find one of these texts."""
    host.container.reload()
    write = f"umask 022; cat >/run/patterns <<'END_OF_PATTERNS'\n{patterns}END_OF_PATTERNS\n"
    search = f"{as_user} grep -rslaF --devices=skip --exclude=patterns -f /run/patterns {places}"
    _, found = host.exec(f"{write}{search}; rm /run/patterns")
    return found.split()


def readable_here(folders: tuple[Path, ...], patterns: Path, since: float) -> list[str]:
    """Files of this machine, newer than that, that others may read and that hold one of these texts."""
    newer = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
    find = ["find", *map(str, folders), "-xdev", "-type", "f", "-newermt", newer, "-perm", "-o=r", "-size", "-4M"]
    grep = ["-exec", "grep", "-laF", "-f", str(patterns), "{}", "+"]
    done = subprocess.run([*find, *grep], capture_output=True, text=True, check=False)
    return done.stdout.split()


def in_images(host: LabHost) -> str:
    """What all images of a host say of themselves, and how they were made."""
    inspect = "docker image ls --all --quiet | sort -u | xargs -r docker image inspect"
    history = "docker image ls --all --quiet | sort -u | xargs -r -n 1 docker history --no-trunc"
    return ask(host, f"{inspect}; {history}")
