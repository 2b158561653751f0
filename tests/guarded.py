"""A host in a folder, with a rollout on it, for tests of the guard and the watchdog. Shell and watchdog are real."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer.engine.guard import Guard
from deployer.engine.lease import take_lease
from deployer.facts.lock import RolloutState
from deployer.model.action import Script
from deployer.model.connection import Endpoint
from deployer.model.lock import Holder
from deployer.model.rollout import OpenRollout, Phase
from deployer.transport.local import LocalRemote

ANN = Holder(run="a1", who="ann@laptop (pid 1)", since="2026-11-22T06:30:00Z", release="new")
BEN = Holder(run="b2", who="ben@ci (pid 7)", since="2026-11-22T06:31:00Z", release="r9")
ROLLOUT = {"run": "a1", "release": "new", "previous": "old", "by": "ann@laptop", "since": "2026-11-22T06:30:00Z"}


def eventually(look: Callable[[], Any], within: float = 40.0) -> Any:
    deadline = time.monotonic() + within
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert seen, "not in time"
    return seen


class Host:
    """A host in a folder: its project serves what the file `serving` says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opened: list[LocalRemote] = []
        root.mkdir()
        self.serve("old")

    @property
    def room(self) -> Path:
        return self.root / ".deploy"

    @property
    def serving(self) -> str:
        return (self.root / "serving").read_text().strip()

    def serve(self, release: str) -> None:
        (self.root / "serving").write_text(release)

    def remote(self) -> LocalRemote:
        self.opened.append(LocalRemote(Endpoint(name="web1", address="localhost", local=True)))
        return self.opened[-1]

    def guard(self, holder: Holder = ANN, *, timeout: int = 60, undo: str = "") -> Guard:
        """A rollout of `holder` on this host, open; its undo lets it serve `old`."""
        lease = take_lease(self.remote(), str(self.root), holder, ttl=60, become=None)
        text = undo or f"echo old >{self.quoted('serving')}; echo undone >>{self.quoted('undone')}"
        guard = Guard(
            remote=self.remote(), become=None, lease=lease, holder=holder, project="shop", confirm_timeout=timeout,
            undo=(Script(text=text, label="go back", because="it was not confirmed"),),
        )  # fmt: skip
        guard.open(ROLLOUT, again=False)
        return guard

    def quoted(self, name: str) -> str:
        return shlex.quote(str(self.root / name))

    def switched(self, **rest: Any) -> Guard:
        """Armed and switched, not confirmed."""
        guard = self.guard(**rest)
        self.serve("new")  # first: a watchdog with a short deadline may fire at once
        guard.arm()
        return guard

    def time_is_up(self) -> None:
        """The deadline has passed, as the host's clock sees it."""
        (self.room / "deadline").write_text("0\n")

    def wake_watchdog(self) -> None:
        """Run the watchdog as a boot does; returns when it has nothing more to wait for."""
        self.remote().run(f"sh {self.quoted('.deploy/watchdog')}")

    def state(self) -> OpenRollout | None:
        fact = RolloutState(str(self.root))
        result = self.remote().run(fact.script())
        return fact.parse(result.stdout, result.status or 0)

    @property
    def phase(self) -> Phase | None:
        state = self.state()
        return state.phase if state else None

    @property
    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.room / "journal.jsonl").read_text().splitlines()]

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.journal]

    def undone(self) -> int:
        """How often it was put back."""
        path = self.root / "undone"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def has(self, name: str) -> bool:
        return (self.room / name).exists()

    def watchdog(self) -> int | None:
        """The process id of the watchdog that runs."""
        path = self.room / "watchdog.pid"
        pid = int(path.read_text().split()[0]) if path.exists() else None
        return pid if pid and Path(f"/proc/{pid}").exists() else None

    def put_back(self) -> bool:
        return not self.has("fired") and not self.has("armed") and self.phase is Phase.UNDONE


@contextmanager
def guarded(root: Path) -> Iterator[Host]:
    """A host that is left with no watchdog."""
    host = Host(root)
    yield host
    for remote in host.opened:
        remote.close()
    (host.room / "armed").unlink(missing_ok=True)
    eventually(lambda: host.watchdog() is None)
