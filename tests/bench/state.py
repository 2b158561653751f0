"""What the hosts themselves say: which version they serve, which files they have. A tool's word counts for nothing."""

from __future__ import annotations

import hashlib
import math
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from bench.errors import NotReachedError
from bench.hosts import Endpoint
from bench.project import version_text
from deployer.lab.host import LabHost

PATIENCE = 20.0  # seconds after a tool has ended well
_DIGEST = "cd {folder} && find . -type f ! -name .env -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"


def served(address: str, port: int) -> str:
    """The page that answers there; what went wrong in place of a page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}:{port}/version.py", timeout=5) as answer:
            return str(answer.read().decode(errors="replace"))
    except (OSError, HTTPException) as error:  # the server may be replaced in the middle of its answer
        return f"no page: {error}"


def await_version(hosts: Sequence[Endpoint], port: int, version: str, patience: float = PATIENCE) -> None:
    """Return once all hosts serve a version; raises NotReachedError for one that still does not after `patience`."""
    deadline = time.monotonic() + patience
    _await_all(hosts, port, version, lambda: deadline, pause=0.02)


@contextmanager
def until_served(hosts: Sequence[Endpoint], port: int, version: str) -> Iterator[Callable[[], float]]:
    """While the block runs, the hosts are asked; what it is given waits, and says when all of them have served it.

    That is a time of time.perf_counter. Raises NotReachedError for a host that does not a while after the block asked.
    """
    deadline = math.inf

    def watch() -> float:
        _await_all(hosts, port, version, lambda: deadline, pause=0.1)
        return time.perf_counter()

    def wait() -> float:
        nonlocal deadline
        deadline = time.monotonic() + PATIENCE
        return seen.result()

    with ThreadPoolExecutor(max_workers=1) as pool:
        seen = pool.submit(watch)
        try:
            yield wait
        finally:
            deadline = min(deadline, time.monotonic() + PATIENCE)


def _await_all(
    hosts: Sequence[Endpoint], port: int, version: str, deadline: Callable[[], float], *, pause: float
) -> None:
    def one(host: Endpoint) -> None:
        while (found := served(host.host, port)) != version_text(version):
            if time.monotonic() >= deadline():
                raise NotReachedError(host.name, version_text(version), found)
            time.sleep(pause)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(one, hosts))


def digest(folder: Path) -> str:
    """One sum over the paths and the contents of a folder, as the hosts' own programs would make it."""
    total = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file())
    for name, path in sorted((f"./{path.relative_to(folder)}".encode(), path) for path in files):
        with path.open("rb") as stream:
            total.update(f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  ".encode() + name + b"\n")
    return total.hexdigest()


def check_trees(hosts: Sequence[LabHost], folder: str, expected: str) -> None:
    """Raise NotReachedError for a host whose folder (shell words) has other files or contents."""

    def check(host: LabHost) -> None:
        _, output = host.exec(_DIGEST.format(folder=folder))
        found = output.split()[0] if output.split() else ""
        if found != expected:
            raise NotReachedError(host.name, expected, output.strip())

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(check, hosts))
