"""The lease: who gets it, who loses it, and what a host refuses. The shell is real, the host is a folder."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from deployer.engine import room
from deployer.engine.lease import (
    FENCED,
    WATCHDOG,
    admission,
    break_lease,
    drop_lease,
    fence,
    fenced,
    held,
    read_holder,
    renewal,
    take_lease,
)
from deployer.errors import CommandError, FencedError, LockHeldError
from deployer.model.connection import Endpoint
from deployer.model.lock import Holder, Lease
from deployer.transport.local import LocalRemote

ANN = Holder(run="a1", who="ann@laptop (pid 1)", since="2026-11-22T06:30:00Z", release="r1")
BEN = Holder(run="b2", who="ben@ci (pid 7)", since="2026-11-22T06:31:00Z", release="r2")


OPENED: list[LocalRemote] = []


def remote() -> LocalRemote:
    """This machine, by a shell of its own."""
    OPENED.append(LocalRemote(Endpoint(name="web1", address="localhost", local=True)))
    return OPENED[-1]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "it's a shop")


def take(root: str, holder: Holder = ANN, *, ttl: int = 60, after: Lease | None = None) -> Lease:
    return take_lease(remote(), root, holder, ttl=ttl, become=None, after=after)


def lock(lease: Lease) -> Path:
    return Path(lease.root, ".deploy", f"lock.{lease.token}")


def expire(lease: Lease) -> None:
    (lock(lease) / "expires").write_text(f"{int(time.time()) - 1}\n")


def refused(script: str) -> bool:
    """Whether the host refuses what stands behind this; anything but a refusal and a success is an error."""
    status = remote().run(f"{script}exit 0").status
    assert status in (0, FENCED)
    return status == FENCED


# taking ---------------------------------------------------------------------------------------------------------


def test_first_lease_makes_the_room_for_its_owner_alone(root: str) -> None:
    lease = take(root)
    assert lease == Lease(root=root, token=1, ttl=60)
    assert Path(root, ".deploy").stat().st_mode & 0o777 == 0o700
    assert read_holder((lock(lease) / "holder").read_text()) == ANN
    assert 55 <= int((lock(lease) / "expires").read_text()) - time.time() <= 61


def test_held_lease_is_not_given_and_its_holder_is_named(root: str) -> None:
    take(root)
    with pytest.raises(LockHeldError, match=r"web1: locked by ann@laptop \(pid 1\) since .* \(release r1\)"):
        take(root, BEN)


def test_lease_that_was_given_back_is_free(root: str) -> None:
    lease = take(root)
    assert drop_lease(remote(), lease, become=None)
    assert take(root, BEN).token == 2
    assert not drop_lease(remote(), lease, become=None)
    assert refused(fence(lease))


def test_expired_lease_is_free_and_tokens_grow(root: str) -> None:
    tokens = []
    for _ in range(12):
        lease = take(root)
        expire(lease)
        tokens.append(lease.token)
    assert tokens == list(range(1, 13))
    assert [path.name for path in Path(root, ".deploy").glob("lock.*")] == ["lock.12"]


def test_broken_lease_is_free_and_the_one_who_had_it_is_refused(root: str) -> None:
    lease = take(root)
    assert break_lease(remote(), root, become=None)
    assert refused(fence(lease))
    assert take(root, BEN).token == 2


def test_nothing_to_break(root: str) -> None:
    assert not break_lease(remote(), root, become=None)


@pytest.mark.parametrize("wait", [0.0, 0.02])
def test_of_twenty_at_once_exactly_one_wins(root: str, wait: float) -> None:
    expire(take(root))
    remotes = [remote() for _ in range(20)]

    def race(number: int) -> int | str:
        time.sleep(wait * (number % 3))
        try:
            return take_lease(remotes[number], root, ANN, ttl=60, become=None).token
        except LockHeldError as error:
            return error.message

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(race, range(20)))
    winners = [one for one in outcomes if isinstance(one, int)]
    assert len(winners) == 1, outcomes
    assert all(str(one).startswith("locked by ") for one in outcomes if one not in winners)
    assert not refused(fence(Lease(root=root, token=winners[0], ttl=60)))


def test_lease_that_is_just_being_taken_is_nobody_elses(root: str) -> None:
    """Its folder is there, its holder and its expiry are not yet."""
    Path(root, ".deploy/lock.5").mkdir(parents=True)
    with pytest.raises(LockHeldError, match="locked by another run"):
        take(root)
    os.utime(Path(root, ".deploy/lock.5"), (time.time() - 31,) * 2)
    assert take(root).token == 6


@pytest.mark.parametrize("text", ["", "nonsense\n"])
def test_expiry_that_cannot_be_read_locks_nobody_out_for_ever(root: str, text: str) -> None:
    lease = take(root)
    (lock(lease) / "expires").write_text(text)
    os.utime(lock(lease), (time.time() - 31,) * 2)
    assert take(root, BEN).token == 2


def test_room_that_cannot_be_made(root: str) -> None:
    Path(root).mkdir()
    Path(root, ".deploy").write_text("in the way")
    with pytest.raises(CommandError, match="the lock could not be taken") as caught:
        take(root)
    assert caught.value.hint


# the fence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", [fence, admission])
def test_good_lease_lets_a_script_in(root: str, gate: Callable[[Lease], str]) -> None:
    assert not refused(gate(take(root)))


@pytest.mark.parametrize("gate", [fence, admission, renewal])
def test_lease_that_has_run_out_is_refused_although_nobody_else_came(root: str, gate: Callable[[Lease], str]) -> None:
    lease = take(root)
    expire(lease)
    assert refused(gate(lease))


@pytest.mark.parametrize("gate", [fence, admission, renewal])
def test_lease_that_another_run_has_taken_over_is_refused(root: str, gate: Callable[[Lease], str]) -> None:
    lease = take(root)
    expire(lease)
    other = take(root, BEN)
    assert refused(gate(lease))
    assert not refused(gate(other))


@pytest.mark.parametrize("gate", [fence, admission])
def test_refusal_says_who_has_it_now(root: str, gate: Callable[[Lease], str]) -> None:
    lease = take(root)
    expire(lease)
    take(root, BEN)
    assert read_holder(remote().run(gate(lease)).stderr) == BEN


@pytest.mark.parametrize("gate", [fence, admission, renewal])
def test_room_that_is_gone_is_a_refusal(root: str, gate: Callable[[Lease], str]) -> None:
    assert refused(gate(Lease(root=root, token=1, ttl=60)))


def test_renewal_gives_the_whole_time_again(root: str) -> None:
    lease = take(root, ttl=100)
    (lock(lease) / "expires").write_text(f"{int(time.time()) + 2}\n")
    assert not refused(renewal(lease))
    assert int((lock(lease) / "expires").read_text()) - time.time() > 95


def test_script_of_the_run_goes_on_where_it_was(root: str) -> None:
    done = remote().run(f"cd /; {admission(take(root))}pwd; echo $-")
    assert done.stdout.split()[0] == "/"
    assert "e" not in done.stdout.split()[-1]


def test_only_the_hosts_own_clock_counts() -> None:
    """No script is told what time it is here: it asks `date` where it runs."""
    lease = Lease(root="/srv/shop", token=3, ttl=45)
    now = int(time.time())
    for text in (fence(lease), admission(lease), renewal(lease), room.prolonging("/srv/shop", 45)):
        assert "$(date +%s)" in text
        assert not [number for number in re.findall(r"\d{9,}", text) if abs(int(number) - now) < 10**8]


# what a dead run has left running -------------------------------------------------------------------------------


def running(lease: Lease, tmp_path: Path) -> Path:
    """A script under a lease that is still at work, as an orphan is; the file with its process id."""
    pid = tmp_path / "pid"
    ThreadPoolExecutor(1).submit(remote().run, f"{admission(lease)}(echo $$ >{pid}; sleep 30) &\nwait")
    deadline = time.monotonic() + 20
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert pid.read_text()
    return pid


def is_alive(pid: Path) -> bool:
    """Zombies are dead."""
    try:
        return Path(f"/proc/{int(pid.read_text())}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_new_lease_ends_what_an_older_one_has_left_running(root: str, tmp_path: Path) -> None:
    lease = take(root)
    pid = running(lease, tmp_path)
    expire(lease)
    assert is_alive(pid)
    take(root, BEN)
    assert not is_alive(pid)


def test_script_of_a_lost_connection_is_ended_by_the_next_one(root: str, tmp_path: Path) -> None:
    lease = take(root)
    pid = running(lease, tmp_path)
    assert not refused(admission(lease))
    assert not is_alive(pid)


def test_looking_and_renewing_end_nothing(root: str, tmp_path: Path) -> None:
    lease = take(root)
    pid = running(lease, tmp_path)
    assert not refused(fence(lease) + renewal(lease))
    assert is_alive(pid)
    assert not refused(admission(lease))


def test_process_id_that_was_given_out_again_is_nobody_of_ours(root: str) -> None:
    lease = take(root)
    (lock(lease) / "script").write_text(f"{os.getpid()} 1\n")
    expire(lease)
    take(root, BEN)  # and we are still here


# taking it anew -------------------------------------------------------------------------------------------------


def test_lost_lease_can_be_had_again_if_nobody_else_came(root: str) -> None:
    lease = take(root)
    expire(lease)
    again = take(root, after=lease)
    assert again.token == 2
    assert not refused(fence(again))


def test_lost_lease_cannot_be_had_again_once_somebody_else_had_one(root: str) -> None:
    lease = take(root)
    expire(lease)
    assert drop_lease(remote(), take(root, BEN), become=None)
    with pytest.raises(FencedError, match=r"was taken over by ben@ci .*\(release r2\)"):
        take(root, after=lease)


# the watchdog holds a host too ----------------------------------------------------------------------------------


def test_host_that_is_being_put_back_is_held_by_its_watchdog(root: str) -> None:
    lease = take(root)
    drop_lease(remote(), lease, become=None)
    Path(root, ".deploy/fired").touch()
    Path(root, ".deploy/watchdog").write_text("echo $$ >>woken\n")
    with pytest.raises(LockHeldError, match=f"locked by {WATCHDOG}"):
        take(root, BEN)


def test_watchdog_that_has_died_is_woken(root: str) -> None:
    """Where there is no systemd, nobody starts it after a reboot."""
    drop_lease(remote(), take(root), become=None)
    woken = Path(root, ".deploy/woken")
    Path(root, ".deploy/armed").touch()
    Path(root, ".deploy/watchdog").write_text("touch woken\n")
    take(root, BEN)
    deadline = time.monotonic() + 10
    while not woken.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert woken.exists()


def test_lease_buys_an_armed_host_some_time(root: str) -> None:
    drop_lease(remote(), take(root), become=None)
    Path(root, ".deploy/armed").touch()
    Path(root, ".deploy/deadline").write_text(f"{int(time.time())}\n")
    Path(root, ".deploy/watchdog").write_text("exit 0\n")
    take(root, BEN, ttl=50)
    assert int(Path(root, ".deploy/deadline").read_text()) - time.time() > 45


# words ----------------------------------------------------------------------------------------------------------


def test_errors_say_who() -> None:
    assert str(held("web1", BEN)) == "web1: locked by ben@ci (pid 7) since 2026-11-22T06:31:00Z (release r2)"
    assert "has run out" in str(fenced("web1", None))


def test_holder_that_cannot_be_read() -> None:
    assert read_holder(json.dumps(asdict(ANN))) == ANN
    assert read_holder("{}") is None
    assert read_holder("nonsense") is None
