"""The guard of a host: armed before a switch, confirmed, closed. Shell and watchdog are real."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded import BEN, ROLLOUT, Host, eventually, guarded

from deployer.engine import room
from deployer.engine.guard import Heart
from deployer.engine.steps import render_steps
from deployer.errors import CommandError, ConnectError, FencedError
from deployer.model.action import Action, Script
from deployer.model.rollout import OpenRollout, Phase
from deployer.transport.local import LocalRemote


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(room, "SYSTEMD", "/nonexistent")
    with guarded(tmp_path / "it's a shop") as host:
        yield host


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
