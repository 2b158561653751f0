"""A hundred thousand files cost no more programs than a hundred, and a large file no more memory than a small one.

By default the numbers are small enough for any run; SYNC=all takes 100,000 files, and 2 GB.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sync_host import Host, OnPath

from deployer.model.connection import Endpoint
from deployer.transport.local import LocalRemote

ALL = os.environ.get("SYNC") == "all"
FILES = 100_000 if ALL else 5_000
MANY, FEW = FILES, FILES // 10
LARGE = 2 << 30 if ALL else 300 << 20  # bytes
MB = 1 << 20
PROGRAMS = [
    "tar", "gzip", "sha256sum", "find", "stat", "cat", "mv", "rm", "mkdir", "sync", "grep", "head", "base64",
    "readlink", "dd", "wc", "chmod", "touch", "awk", "sed", "cut", "tr", "xargs", "cp", "sh", "tee",
]  # fmt: skip


def counting(folder: Path) -> None:
    """Programs that say in a log that they were started."""
    (folder / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} >>{folder}/log\nexec {shutil.which(name)} "$@"\n')
        program.chmod(0o755)


def cost(folder: Path, files: int) -> dict[str, Any]:
    """What a first sync of so many files costs, and a second one after one has changed; with a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        return _cost(folder, files)


def _cost(folder: Path, files: int) -> dict[str, Any]:
    source = folder / "source"
    for number in range(files):
        if number % 500 == 0:
            (source / f"{number}").mkdir(parents=True)
        (source / f"{number - number % 500}/{number}").write_text(f"{number}")
    (source / "compose.yaml").write_text("services: {}\n")
    counting(folder)
    remote: Any = OnPath(LocalRemote(Endpoint(name="web1", address="localhost", local=True)), folder / "bin")
    host = Host(remote, folder / "srv" / "shop", source)
    before, cpu = remote.traffic(), time.process_time()
    host.deploy()
    (source / "0/0").write_text("changed")
    sent = host.sent(host.deploy)
    cpu = time.process_time() - cpu
    kept = sum(path.stat().st_nlink == 2 for path in (host.root / "current/project").rglob("*") if path.is_file())
    assert kept == files  # all but the changed one, and compose.yaml
    after = remote.traffic()
    remote.close()
    programs = Counter((folder / "log").read_text().split())
    names = sum(len(f"project/{path.relative_to(source)}") + 1 for path in source.rglob("*") if path.is_file())
    return {"programs": programs, "execs": after.execs - before.execs, "cpu": cpu, "sent": sent, "names": names}


def test_ten_times_the_files_are_no_more_programs_and_ten_times_the_work(tmp_path: Path) -> None:
    few, many = cost(tmp_path / "few", FEW), cost(tmp_path / "many", MANY)
    for name in ("sh", "cp"):  # a command line holds 100 kB of names and more
        assert many["programs"].pop(name) <= few["programs"].pop(name) + many["names"] // 100_000
    assert many["programs"] == few["programs"], "a program for each file would be the end"
    assert many["programs"]["tar"] == 2
    assert many["execs"] == few["execs"]
    assert many["sent"] < few["sent"] + 2 * MANY  # bytes: what is there already goes without saying, but for its mode
    assert many["cpu"] < 20 * few["cpu"]


RUN = """\
import json, resource, sys
from pathlib import Path
from sync_host import Host
from deployer.engine.sync import apply_sync
from deployer.model.connection import Endpoint
from deployer.transport.local import LocalRemote
host = Host(LocalRemote(Endpoint(name="web1", address="localhost", local=True)), Path(sys.argv[1]), Path(sys.argv[2]))
(action,) = host.plan()
half = action.tree.size // 2
def stop(done):
    if done >= half:
        raise KeyboardInterrupt
try:
    apply_sync(host.remote, action, on_bytes=stop)
except KeyboardInterrupt:
    pass
(action,) = host.plan()
apply_sync(host.remote, action)
assert host.leftovers() == []
host.remote.close()
peaks = [resource.getrusage(who).ru_maxrss * 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps(peaks))
"""


def peaks(folder: Path, size: int) -> tuple[int, int]:
    """The most memory that we, and any program of the host, had in use for a file of that size: sent in two goes."""
    source, root = folder / "source", folder / "srv" / "shop"
    source.mkdir(parents=True)
    (source / "compose.yaml").write_text("services: {}\n")
    with (source / "large").open("wb") as large:
        large.write(os.urandom(3 * MB))
        large.truncate(size)
    argv = [sys.executable, "-c", RUN, str(root), str(source)]
    done = subprocess.run(argv, cwd=Path(__file__).parent, check=True, capture_output=True, text=True)
    (found,) = root.glob("releases/*/project/large")
    assert found.stat().st_size == size
    ours, theirs = json.loads(done.stdout)
    shutil.rmtree(folder)
    return ours, theirs


def test_a_large_file_needs_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    small, large = peaks(tmp_path / "small", 4 * MB), peaks(tmp_path / "large", LARGE)
    assert large[0] < small[0] + 16 * MB
    assert large[1] < small[1] + 16 * MB
