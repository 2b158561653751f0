"""The kill matrix: a deployer that is killed at any of its exchanges leaves a fleet that is whole, or made whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from queue import SimpleQueue

import pytest
from lane import CONFIRM, LOCK_WAIT, MENDING, SLACK, Lane, note, open_lane
from seen import look, shown, wait_for_rest
from stage import Fleet
from table import ALL

from deployer.errors import ExitCode

LANES = int(os.environ.get("CHAOS_LANES", "4" if ALL else "2"))
SPREAD = 13
WAYS = ("watchdog", "resume", "watchdog", "abort")
CASES = range(SPREAD if not ALL else 200)  # more than there are exchanges: the rest is skipped


@dataclass
class Matrix:
    """All cases, at work on a few lanes; each test waits for its own."""

    lanes: list[Lane]
    exchanges: list[str]
    outcomes: dict[int, Future[str]]


@pytest.fixture(scope="module")
def matrix(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Matrix]:
    mine = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    asked = {item.callspec.params["case"] for item in mine if hasattr(item, "callspec")}
    lanes: SimpleQueue[Lane] = SimpleQueue()
    with ThreadPoolExecutor(LANES) as pool:
        made = list(pool.map(lambda number: open_lane(fleet, tmp_path_factory.mktemp(f"lane{number}")), range(LANES)))
        exchanges = made[0].exchanges()
        for lane in made:
            lanes.put(lane)
        steps = [(case, step) for case, step in enumerate(spread(len(exchanges))) if case in asked]
        outcomes = {case: pool.submit(_on_a_lane, lanes, case, step) for case, step in steps}
        yield Matrix(made, exchanges, outcomes)
        for future in outcomes.values():
            future.cancel()
    for lane in made:
        lane.project.end()


def spread(count: int) -> list[int]:
    """The exchanges at which it is killed, from 1: all, or some from the first to the last."""
    if ALL:
        return list(range(1, count + 1))
    return [1 + round(case * (count - 1) / (SPREAD - 1)) for case in range(SPREAD)]


def _on_a_lane(lanes: SimpleQueue[Lane], case: int, step: int) -> str:
    lane = lanes.get()
    try:
        return kill_and_mend(lane, case, step)
    finally:
        lanes.put(lane)


def kill_and_mend(lane: Lane, case: int, step: int) -> str:
    """One case, from a healthy fleet to a healthy fleet."""
    when, way = ("before", "after")[(case // len(WAYS)) % 2], WAYS[case % len(WAYS)]
    with lane.polling() as polls:
        old, about, killed_at = lane.killed(step, when)
        how = by_watchdog(lane, old) if way == "watchdog" else by_hand(lane, old, way)
        lane.sound()
    note("killed", step, f"{when} {about}; {way}", how, since=killed_at, polls=polls)
    return how


def by_watchdog(lane: Lane, old: str) -> str:
    """Nobody comes: the hosts are on the old release, all of them, or they were being confirmed."""
    seen, _ = wait_for_rest(lane.project, within=CONFIRM + SLACK + MENDING)
    current = {one.current for one in seen.values()}
    if len(current) == 1:
        how = "old release" if current == {old} else "new release"
        lane.sound()
        return how
    assert {one.phase for one in seen.values()} <= {"switched", "undone"}, shown(seen)
    said = lane.project.deploy(*LOCK_WAIT).exits(ExitCode.MIXED)
    assert "deploy resume lab" in said.output
    assert "deploy abort lab" in said.output
    lane.project.command("resume", "lab", *LOCK_WAIT).exits(ExitCode.OK)
    return "mixed, and said so; new release by resume"


def by_hand(lane: Lane, old: str, verb: str) -> str:
    """Somebody comes with `resume` or `abort`; where there is nothing to go on with, with a plain `deploy`."""
    before = look(lane.project)
    run = lane.project.command(verb, "lab", *LOCK_WAIT)
    if run.code == ExitCode.OK:
        seen = lane.sound(release=old if verb == "abort" else None)
        expected = old if verb == "abort" else next(one for one in reversed(seen["web1"].releases))
        assert {one.current for one in seen.values()} == {expected}, f"{run}\n{shown(seen)}"
        return "old release" if verb == "abort" else "new release"
    said = ("no rollout is open", "has been completed", "was not prepared", "is not there yet")
    assert any(words in run.output for words in said), f"{run}\n{shown(before)}"
    if "was not prepared" in run.output or "is not there yet" in run.output:
        lane.project.command("abort", "lab", *LOCK_WAIT).exits(ExitCode.OK)
        lane.sound(release=old)
    lane.deployed()
    lane.clean()
    return f"{verb} had nothing to do; new release by deploy"


@pytest.mark.parametrize("case", CASES)
def test_killed(matrix: Matrix, case: int) -> None:
    if ALL and case >= len(matrix.exchanges):
        pytest.skip(f"a deployment has {len(matrix.exchanges)} exchanges")
    matrix.outcomes[case].result()


def test_next_deployment_leaves_nothing_behind(matrix: Matrix) -> None:
    """After all cases, a plain deployment on each lane: no folder of a broken transfer, no open rollout is left."""
    wait(matrix.outcomes.values())
    assert len(matrix.exchanges) > 30
    for lane in matrix.lanes:
        lane.deployed()
        lane.sound()
        lane.clean()
