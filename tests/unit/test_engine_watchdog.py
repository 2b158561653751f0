"""The watchdog of a host, which puts it back unless it is confirmed in time. Shell and watchdog are real."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded import BEN, ROLLOUT, Host, eventually, guarded

from deployer.engine import room
from deployer.engine.lease import take_lease
from deployer.errors import FencedError, LockHeldError, RollbackError
from deployer.facts.lock import LockHolder
from deployer.model.rollout import Phase


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(room, "SYSTEMD", "/nonexistent")
    with guarded(tmp_path / "it's a shop") as host:
        yield host


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
