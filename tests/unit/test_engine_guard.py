"""The guard of a host: armed before a switch, confirmed, or put back by its watchdog. Shell and watchdog are real."""

from __future__ import annotations

import json
import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.engine import room
from deployer.engine.guard import Guard, Heart
from deployer.engine.lease import take_lease
from deployer.engine.steps import render_steps
from deployer.errors import CommandError, ConnectError, FencedError, LockHeldError, RollbackError
from deployer.facts.lock import LockHolder, RolloutState
from deployer.model.action import Action, Script
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


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(room, "SYSTEMD", "/nonexistent")
    host = Host(tmp_path / "it's a shop")
    yield host
    for remote in host.opened:
        remote.close()
    (host.room / "armed").unlink(missing_ok=True)
    eventually(lambda: host.watchdog() is None)


# the course of a rollout ----------------------------------------------------------------------------------------


def test_open_rollout_is_written_down(host: Host) -> None:
    host.guard()
    assert host.state() == OpenRollout(**ROLLOUT, phase=Phase.PREPARED)  # type: ignore[arg-type]
    assert host.events == ["rollout begun"]
    assert host.watchdog() is None


def test_confirmed_host_keeps_the_new_release(host: Host) -> None:
    guard = host.switched()
    assert (host.phase, guard.armed, host.has("armed")) == (Phase.SWITCHING, True, True)
    guard.make_ready(host.remote)
    guard.confirm()
    guard.dismiss()
    assert (host.phase, guard.armed, host.has("armed")) == (Phase.SWITCHED, False, False)
    eventually(lambda: host.watchdog() is None)
    host.time_is_up()
    host.wake_watchdog()
    assert (host.serving, host.undone()) == ("new", 0)
    assert host.events == ["rollout begun", "armed", "ready", "confirmed"]


def test_confirmation_goes_over_a_connection_of_its_own(host: Host) -> None:
    guard = host.switched()

    def unreachable() -> LocalRemote:
        raise ConnectError("no route to the host", host="web1")

    with pytest.raises(ConnectError):
        guard.make_ready(unreachable)
    guard.confirm()  # which was not made ready
    assert (host.phase, host.has("armed")) == (Phase.SWITCHING, True)
    count = len(host.opened)
    guard.make_ready(host.remote)
    assert len(host.opened) == count + 1
    guard.dismiss()


def test_host_that_was_not_switched_needs_no_confirmation(host: Host) -> None:
    guard = host.guard()
    guard.make_ready(host.remote)
    guard.confirm()
    assert (host.phase, host.events) == (Phase.PREPARED, ["rollout begun"])


def test_closed_rollout_leaves_only_the_journal(host: Host) -> None:
    guard = host.switched()
    guard.close("rolled back")
    assert {path.name for path in host.room.iterdir()} == {"journal.jsonl", "lock.1"}
    assert host.phase is None
    eventually(lambda: host.watchdog() is None)
    assert host.events[-1] == "rolled back"


def test_paused_rollout_waits_for_as_long_as_it_takes(host: Host) -> None:
    guard = host.switched()
    guard.pause("web1: `it` said \"$(touch pwned)\"\nand more; 'x'")
    state = host.state()
    assert state is not None
    assert (state.phase, state.paused) == (Phase.SWITCHING, True)
    assert state.stage == "web1: `it` said \"$(touch pwned)\" and more; 'x'"
    assert not host.has("pwned")
    eventually(lambda: host.watchdog() is None)
    host.time_is_up()
    host.wake_watchdog()
    assert (host.serving, host.undone(), host.watchdog()) == ("new", 0, None)


def test_rollout_that_is_taken_up_stands_as_it_was_left(host: Host) -> None:
    guard = host.switched()
    guard.open({**ROLLOUT, "run": "b2"}, again=True)
    state = host.state()
    assert state is not None
    assert (state.phase, state.run, state.previous) == (Phase.SWITCHING, "b2", "old")
    assert host.has("armed")


def test_new_rollout_never_forgets_an_armed_undo(host: Host) -> None:
    guard = host.switched()
    with pytest.raises(CommandError):
        guard.open(ROLLOUT, again=False)
    assert (host.phase, host.has("armed")) == (Phase.SWITCHING, True)


def test_disk_that_is_full_arms_nothing(host: Host) -> None:
    guard = host.guard()
    (host.room / "undo").mkdir()  # cannot be written, as if
    (host.room / "undo" / "x").touch()
    with pytest.raises(CommandError, match="could not be noted"):
        guard.arm()
    assert (guard.armed, host.has("armed"), host.phase) == (False, False, Phase.PREPARED)


# the watchdog ---------------------------------------------------------------------------------------------------


def test_host_goes_back_by_itself_within_the_timeout_and_five_seconds(host: Host) -> None:
    host.switched(timeout=2)
    switched = time.monotonic()
    eventually(host.put_back)
    took = time.monotonic() - switched
    assert took >= 1
    assert took <= 7
    assert (host.serving, host.undone()) == ("old", 1)
    assert host.events[-2:] == ["watchdog fired", "watchdog: undone"]
    eventually(lambda: host.watchdog() is None)


def test_host_that_went_back_refuses_the_run_that_comes_too_late(host: Host) -> None:
    guard = host.switched(timeout=1)
    eventually(host.put_back)
    for late in (lambda: guard.make_ready(host.remote), lambda: guard.close("x"), lambda: guard.pause("x")):
        with pytest.raises(FencedError, match="has run out"):
            late()
    guard.dismiss()
    assert guard.lost
    assert (host.phase, host.serving) == (Phase.UNDONE, "old")


def test_firing_twice_does_no_harm(host: Host) -> None:
    host.switched(timeout=1)
    eventually(host.put_back)
    (host.room / "fired").touch()
    host.wake_watchdog()
    assert host.put_back()
    assert (host.serving, host.undone()) == ("old", 2)


def test_two_watchdogs_do_the_work_of_one(host: Host) -> None:
    host.switched(timeout=3)
    eventually(host.watchdog)
    first = host.watchdog()
    host.wake_watchdog()  # the other one is there: it ends at once
    assert host.watchdog() == first
    eventually(host.put_back)
    assert host.undone() == 1


def test_renewed_deadline_holds_it_off(host: Host) -> None:
    guard = host.switched(timeout=5)
    for _ in range(14):
        time.sleep(0.5)
        guard.beat()
    assert (host.serving, host.phase) == ("new", Phase.SWITCHING)
    eventually(host.put_back)


@pytest.mark.parametrize("text", ["", "soon", None])
def test_deadline_that_cannot_be_read_has_passed(host: Host, text: str | None) -> None:
    host.switched(timeout=60)
    (host.room / "deadline").unlink()
    if text is not None:
        (host.room / "deadline").write_text(text)
    eventually(host.put_back)


def test_watchdog_that_was_killed_in_the_middle_is_woken_by_the_next_run(host: Host) -> None:
    """The first try hangs; the one who does it is killed, as by a power cut, and nobody starts it again."""
    once = f"[ -e {host.quoted('slow')} ] || {{ touch {host.quoted('slow')}; sleep 60; }}"
    host.switched(timeout=1, undo=f"{once}\necho old >{host.quoted('serving')}")
    eventually((host.root / "slow").exists)
    pid = host.watchdog()
    assert pid
    os.killpg(pid, signal.SIGKILL)
    assert (host.has("fired"), host.phase) == (True, Phase.SWITCHING)
    with pytest.raises(LockHeldError, match="its own watchdog"):
        host.guard(BEN)
    eventually(host.put_back)
    assert host.serving == "old"


def test_undo_that_fails_is_tried_again(host: Host) -> None:
    count = host.quoted("count")
    script = f"echo x >>{count}; [ $(wc -l <{count}) -ge 3 ]; echo old >{host.quoted('serving')}"
    host.switched(timeout=1, undo=script)
    eventually(host.put_back)
    assert host.serving == "old"


def test_undo_that_never_works_is_given_up_and_said(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TRIES", 2)
    host.switched(timeout=1, undo="false")
    eventually(lambda: host.phase is Phase.BROKEN)
    assert host.events[-1] == "watchdog: broken"
    eventually(lambda: not host.has("fired"))
    take_lease(host.remote(), str(host.root), BEN, ttl=60, become=None)


def test_firing_takes_the_lock_away_and_ends_what_still_runs(host: Host) -> None:
    guard = host.switched()
    pid = host.root / "pid"
    script = f"{guard.prologue(None)}echo $$ >{host.quoted('pid')}; sleep 60; echo new >{host.quoted('serving')}"
    thread = threading.Thread(target=host.remote().run, args=(script,))
    thread.start()
    eventually(lambda: pid.exists() and pid.read_text())
    host.time_is_up()
    eventually(host.put_back)
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert host.serving == "old"
    fact = LockHolder(str(host.root))
    seen = host.remote().run(fact.script())
    assert fact.parse(seen.stdout, seen.status or 0) is None


@pytest.mark.parametrize("number", range(4))
def test_confirmed_in_the_moment_of_firing_one_of_them_wins(host: Host, number: int) -> None:
    """Whoever renames the file; never both, never none."""
    guard = host.switched(timeout=60)
    guard.make_ready(host.remote)
    eventually(host.watchdog)
    host.time_is_up()
    time.sleep(0.23 * number)
    try:
        guard.confirm()
    except (FencedError, RollbackError):
        eventually(host.put_back)
        assert (host.serving, host.undone()) == ("old", 1)
    else:
        time.sleep(1.5)
        assert (host.serving, host.undone(), host.phase) == ("new", 0, Phase.SWITCHED)
    finally:
        guard.dismiss()


def test_watchdog_that_has_begun_cannot_be_called_off(host: Host) -> None:
    """It has won, and has not yet come to take the lease away."""
    guard = host.guard()
    guard.arm()
    guard.witness = host.remote()
    pid = eventually(host.watchdog)
    os.kill(pid, signal.SIGKILL)
    (host.room / "armed").rename(host.room / "fired")
    for late in (
        guard.confirm,
        lambda: guard.close("x"),
        lambda: guard.pause("x"),
        lambda: guard.make_ready(host.remote),
    ):
        with pytest.raises(RollbackError, match="gone back by itself"):
            late()
    assert host.has("fired")
    (host.room / "fired").unlink()


def test_armed_again_after_a_confirmation(host: Host) -> None:
    guard = host.switched()
    guard.make_ready(host.remote)
    guard.confirm()
    guard.dismiss()
    guard.arm()
    host.time_is_up()
    eventually(host.put_back)
    assert host.serving == "old"


def test_first_release_needs_nothing_to_go_back_to(host: Host) -> None:
    guard = host.guard(undo="true", timeout=1)
    guard.open({**ROLLOUT, "previous": None}, again=False)
    guard.arm()
    eventually(host.put_back)


# the lease in it ------------------------------------------------------------------------------------------------


def test_heart_keeps_lease_and_deadline_alive(host: Host) -> None:
    guard = host.switched(timeout=6)
    for path in (host.room / "deadline", host.room / "lock.1/expires"):
        path.write_text(f"{int(time.time()) + 5}\n")
    with Heart([guard], 0.3):
        time.sleep(6.5)
        assert (host.serving, guard.lost) == ("new", False)
    eventually(host.put_back)


def test_heart_notices_that_the_lock_is_lost(host: Host) -> None:
    guard = host.guard()
    (host.room / "lock.1/released").touch()
    with Heart([guard], 0.1):
        eventually(lambda: guard.lost)


def test_lost_lease_is_had_again_to_go_back(host: Host) -> None:
    guard = host.switched(timeout=1)
    eventually(host.put_back)
    guard.beat()
    assert guard.lost
    guard.regain()
    assert (guard.lost, guard.lease.token) == (False, 2)
    guard.close("rolled back")
    assert host.phase is None


def test_lost_lease_is_not_had_again_from_somebody_else(host: Host) -> None:
    guard = host.guard()
    (host.room / "lock.1/released").touch()
    host.guard(BEN)
    guard.beat()
    with pytest.raises(FencedError, match="taken over by ben@ci"):
        guard.regain()
    with pytest.raises(FencedError, match="taken over by ben@ci"):
        guard.close("x")


def test_steps_are_written_down_before_and_after(host: Host) -> None:
    guard = host.guard()
    actions: list[Action] = [
        Script(text="true", label='it\'s "one" \\ $(step)', because="b"),
        Script(text="exit 3", label="two", because="b"),
        Script(text="true", label="never", because="b"),
    ]
    host.remote().run(render_steps(actions, "0123", prologue=guard.prologue(None), note=guard.note))
    lines = [(one["event"], one["title"], one.get("status")) for one in host.journal[1:]]
    first = 'it\'s "one" \\ $(step)'
    assert lines == [("begin", first, None), ("end", first, 0), ("begin", "two", None), ("end", "two", 3)]
    assert all(one["run"] == "a1" for one in host.journal)


def test_script_of_another_user_is_let_in_by_an_exchange_of_its_own(host: Host) -> None:
    """It cannot see the room: that is the lease owner's alone."""
    guard = host.guard()
    text = guard.prologue("nobody")
    assert str(host.room) not in text
    assert host.remote().run(f"{text}note x\necho done").stdout == "done\n"
    (host.room / "lock.1/released").touch()
    with pytest.raises(FencedError):
        guard.prologue("nobody")


def test_room_keeps_its_secrets(host: Host) -> None:
    host.switched()
    assert host.room.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in host.room.rglob("*")} == {0}
