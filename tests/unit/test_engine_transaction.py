"""A rollout as a transaction: what an earlier run has left, the commit, and leases of several hosts at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import DroppingRemote
from world import SWITCH_ALONE as SWITCH
from world import World, states

from deployer.engine.guard import Guard
from deployer.engine.lease import drop_lease, take_lease
from deployer.engine.ports import Session
from deployer.engine.run import execute
from deployer.errors import ConnectError, ExitCode
from deployer.model.action import Script
from deployer.model.connection import Endpoint
from deployer.model.event import Note, Retrying
from deployer.model.lock import Holder
from deployer.model.report import Report
from deployer.model.rollout import Phase
from deployer.rollout.choose import choose_open
from deployer.transport.local import LocalRemote

BEN = Holder(run="b2", who="ben@ci (pid 7)", since="2026-11-22T06:00:00Z", release="new")
BACK = """
    - hosts: all
      tasks:
        - {name: back, sh: {cmd: "echo {{ inventory_hostname }} back to {{ release.id }} >>{{ log }}", serves: true}}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, serves={"a": "r1", "b": "r1", "c": "r1"})


@pytest.fixture
def others() -> Iterator[list[LocalRemote]]:
    remotes: list[LocalRemote] = []
    yield remotes
    for remote in remotes:
        remote.close()


def local(name: str) -> LocalRemote:
    return LocalRemote(Endpoint(name=name, address="localhost", local=True))


def leave(world: World, others: list[LocalRemote], *, staged: bool = True, **hosts: str) -> None:
    """Let a run of somebody else have died: the phase on each host."""
    for name, phase in hosts.items():
        others.append(local(name))
        world.release_on(name, "new")
        lease = take_lease(others[-1], world.root(name), BEN, ttl=60, become=None)
        guard = Guard(
            remote=others[-1], become=None, lease=lease, holder=BEN, project="shop", confirm_timeout=300,
            undo=(Script(text=f"echo {name} by itself >>{world.folder}/log", label="undo", because="b"),),
        )  # fmt: skip
        guard.open({"run": BEN.run, "release": "new", "previous": "r1", "by": BEN.who, "since": ""}, again=False)
        if staged:
            guard.stage()
        if phase != "prepared":
            guard.arm()
        if phase == "switched":
            guard.make_ready(lambda name=name: local(name))  # type: ignore[misc]
            guard.confirm()
            guard.dismiss()
        if phase == "paused":
            guard.pause("batch 1 of 3")
        if phase == "undone":
            (Path(world.root(name)) / ".deploy/deadline").write_text("0\n")
            _until(lambda: phases(world)[name] == "undone")  # noqa: B023
        drop_lease(others[-1], lease, become=None)


def _until(look: Any) -> None:
    deadline = time.monotonic() + 15
    while not look() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert look()


def phases(world: World) -> dict[str, str]:
    """Host -> phase of an open rollout, and whether it is armed."""
    found = {}
    for name in world.names:
        room = Path(world.root(name), ".deploy")
        if (room / "phase").exists():
            found[name] = (room / "phase").read_text().split()[0] + (" armed" if (room / "armed").exists() else "")
    return found


def going_on(world: World, *, undo: bool = False, **options: Any) -> Report:
    session = world.session(SWITCH, back=BACK, **options)
    choose = lambda wanted, seen, left: choose_open(seen, left, undo=undo)  # noqa: E731
    return execute(replace(session, verb="abort" if undo else "resume", choose=choose, going_on=True, undoes=undo))


# what an earlier run has left -----------------------------------------------------------------------------------


def test_plain_run_does_not_touch_what_was_interrupted(world: World, others: list[LocalRemote]) -> None:
    leave(world, others, a="switching", b="prepared", c="prepared")
    report = world.run(SWITCH)
    assert (report.exit_code, world.log) == (ExitCode.MIXED, [])
    assert "a switching, b prepared, c prepared" in report.message
    assert report.hint == "finish it: deploy resume test; or undo it: deploy abort test"
    assert phases(world) == {"a": "switching armed", "b": "prepared", "c": "prepared"}
    Path(world.root("a"), ".deploy/armed").unlink()


def test_plain_run_goes_over_what_went_back_by_itself_and_says_so(world: World, others: list[LocalRemote]) -> None:
    leave(world, others, a="undone", b="prepared")
    report = world.run(SWITCH)
    assert (report.exit_code, phases(world)) == (ExitCode.OK, {})
    (note,) = world.of(Note)
    assert note.host == "a"
    assert note.message.startswith("the rollout of new by ben@ci (pid 7) was not confirmed here: the host went back")


def test_resume_finishes_it_everywhere(world: World, others: list[LocalRemote]) -> None:
    leave(world, others, a="switched", b="switching", c="prepared")
    report = going_on(world)
    assert (report.exit_code, phases(world)) == (ExitCode.OK, {})
    assert world.log == ["a up", "b up", "c up"]


def test_resume_that_fails_puts_back_also_what_the_first_run_had_confirmed(
    world: World, others: list[LocalRemote]
) -> None:
    leave(world, others, a="switched", b="undone", c="prepared")
    world.log.clear()
    (world.dir("b") / "broken").touch()
    report = going_on(world)
    assert sorted(world.log[3:]) == ["a back to r1", "b back to r1"]
    assert states(report) == {"a": "rolled back", "b": "rolled back", "c": "untouched"}
    assert (report.exit_code, phases(world)) == (ExitCode.ROLLED_BACK, {})


def test_resume_arms_again_what_was_switched_before_it_does_anything(world: World, others: list[LocalRemote]) -> None:
    """If it dies too, no host stays alone with the new release."""
    leave(world, others, a="switched", b="paused", c="prepared")
    seen: list[dict[str, str]] = []

    class Looking(DroppingRemote):
        def run(self, script: str, **rest: Any) -> Any:
            if "a up" in script:
                seen.append(phases(world))
            return super().run(script, **rest)

    world.remotes = {"a": Looking("a")}
    going_on(world)
    assert seen == [{"a": "switching armed", "b": "switching armed", "c": "prepared"}]


@pytest.mark.parametrize("policy", ["rollback", "batch", "halt"])
def test_abort_undoes_it_everywhere_whatever_the_policy_for_failures(
    world: World, others: list[LocalRemote], policy: str
) -> None:
    leave(world, others, a="switched", b="switching", c="prepared")
    report = going_on(world, undo=True, on_failure=policy)
    assert sorted(world.log) == ["a back to r1", "b back to r1"]
    assert (report.exit_code, phases(world)) == (ExitCode.OK, {})


def test_abort_of_what_has_switched_nothing_only_closes_it(world: World, others: list[LocalRemote]) -> None:
    leave(world, others, a="prepared", b="prepared")
    report = going_on(world, undo=True)
    assert (report.exit_code, world.log, phases(world)) == (ExitCode.OK, [], {})


def test_one_that_all_have_confirmed_is_closed_by_the_next_run(world: World, others: list[LocalRemote]) -> None:
    leave(world, others, a="switched", b="switched", c="switched")
    for name in world.names:
        link = Path(world.root(name), "current")
        link.unlink()
        link.symlink_to("releases/new")
    report = world.run(SWITCH.replace("serves: true", "serves: false"))
    assert (report.exit_code, phases(world)) == (ExitCode.OK, {})


# the commit -----------------------------------------------------------------------------------------------------


def confirmations(world: World, how: Any) -> Session:
    """A session in which the new connection to each host is made by `how`."""
    session = world.session(SWITCH, back=BACK)
    targets = [replace(one, fresh=lambda name=one.name: how(name)) for one in session.targets]  # type: ignore[misc]
    return replace(session, targets=tuple(targets))


def test_no_host_is_confirmed_before_all_have_answered_anew(world: World) -> None:
    def fresh(name: str) -> LocalRemote:
        if name == "b":
            raise ConnectError("no route to the host", host="b")
        return local(name)

    report = execute(confirmations(world, fresh))
    assert [line for line in world.log if "back" in line] == ["c back to r1", "b back to r1", "a back to r1"]
    assert states(report) == dict.fromkeys("abc", "rolled back")
    assert report.exit_code is ExitCode.ROLLED_BACK
    for name in world.names:
        assert '"event":"confirmed"' not in Path(world.root(name), ".deploy/journal.jsonl").read_text()


def test_host_that_cannot_be_confirmed_takes_the_others_back_with_it(world: World) -> None:
    report = execute(
        confirmations(world, lambda name: DroppingRemote(name, '"event":"confirmed"' if name == "b" else "never"))
    )
    assert states(report) == dict.fromkeys("abc", "rolled back")
    assert (report.exit_code, phases(world)) == (ExitCode.ROLLED_BACK, {})


def test_new_connections_are_closed(world: World) -> None:
    made: list[LocalRemote] = []

    def fresh(name: str) -> LocalRemote:
        made.append(local(name))
        return made[-1]

    assert execute(confirmations(world, fresh)).exit_code is ExitCode.OK
    assert len(made) == 3
    for remote in made:
        with pytest.raises(ConnectError, match="closed"):
            remote.run("true")


# leases ---------------------------------------------------------------------------------------------------------


def test_lock_that_is_waited_for(world: World) -> None:
    lock = world.lock("b")

    def end() -> None:
        time.sleep(0.5)
        (lock / "released").touch()

    thread = threading.Thread(target=end)
    thread.start()
    report = world.run(SWITCH, lock_wait=20)
    thread.join()
    assert report.exit_code is ExitCode.OK
    assert all("ben@ci" in event.message for event in world.of(Retrying))


def test_what_another_run_did_while_this_one_waited_is_what_it_goes_back_to(world: World) -> None:
    lock = world.lock("c")
    (world.dir("c") / "broken").touch()

    def other_run() -> None:
        time.sleep(0.5)
        for name in world.names:
            Path(world.root(name), "current").unlink()
            world.install(name, "r2")
        (lock / "released").touch()

    thread = threading.Thread(target=other_run)
    thread.start()
    report = world.run(SWITCH, back=BACK, lock_wait=20)
    thread.join()
    assert world.log[3:] == ["c back to r2", "b back to r2", "a back to r2"]
    assert [one.before for one in report.outcomes] == ["r2"] * 3


def test_rollout_that_was_left_half_done_while_this_one_waited_is_not_trodden_on(
    world: World, others: list[LocalRemote]
) -> None:
    lock = world.lock("c")

    def other_run() -> None:
        time.sleep(0.5)
        leave(world, others, a="switching")
        (lock / "released").touch()

    thread = threading.Thread(target=other_run)
    thread.start()
    report = world.run(SWITCH, lock_wait=20)
    thread.join()
    assert (report.exit_code, world.log) == (ExitCode.MIXED, [])
    assert phases(world)["a"] == "switching armed"
    Path(world.root("a"), ".deploy/armed").unlink()


def test_of_several_runs_at_once_one_gets_all_hosts(tmp_path: Path) -> None:
    """None of them stops another by having some hosts first."""
    whole = World(folder=tmp_path, serves={"a": "r1", "b": "r1", "c": "r1"})
    sessions = []
    for number in range(4):
        world = World(folder=tmp_path, names=())
        world.names = ("a", "b", "c")
        session = world.session(SWITCH, back=BACK)
        sessions.append(replace(session, holder=replace(session.holder, run=f"run{number}")))
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda one=one: reports.append(execute(one))) for one in sessions]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(int(report.exit_code) for report in reports)
    assert codes[0] == ExitCode.OK
    assert set(codes) <= {ExitCode.OK, ExitCode.LOCKED}
    assert phases(whole) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else without being asked")
def test_task_of_another_user_is_done_under_the_same_lease(world: World) -> None:
    """Who cannot see the tool's room is no stranger to it."""
    report = world.run("""
        - hosts: a
          tasks:
            - {name: one, sh: "id -un", become: true, become_user: nobody}
    """)
    assert (report.exit_code, report.results[0].output) == (ExitCode.OK, "nobody")


def test_release_that_failed_and_still_is_the_current_one_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    world = World(folder=tmp_path, names=("a",))
    world.install("a", "r1")
    Path(world.root("a"), "current").unlink()
    world.install("a", "r2")
    Path(world.root("a"), "releases/r2/failed").touch()
    (world.dir("a") / "broken").touch()
    world.run(SWITCH, back=BACK)
    assert world.log[-1] == "a back to r1"


def test_phase_that_is_unknown_is_no_open_rollout(world: World, others: list[LocalRemote]) -> None:
    leave(world, others, a="prepared")
    Path(world.root("a"), ".deploy/phase").write_text("dancing\n")
    assert world.run(SWITCH).exit_code is ExitCode.OK
    assert Phase("undone") is Phase.UNDONE
