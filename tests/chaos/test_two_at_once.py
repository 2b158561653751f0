"""Two deployers, and one that sleeps past its lease: only one of them changes hosts."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from background import running
from lane import AFTER, BEFORE, CONFIRMING, LOCK_WAIT, Lane, Moment, note
from seen import shown
from story import Project

from deployer.errors import ExitCode
from deployer.lab.privilege import ensure_commands

MOMENTS = (BEFORE, CONFIRMING)


def twin(lane: Lane, room: Path) -> Project:
    """The same project, deployed by somebody else, who has a page of his own."""
    own = lane.project
    other = Project(
        fleet=own.fleet, name=own.name, room=room, source=own.folder, variables=own.variables, web=own.web, db=own.db
    )
    other.write("www/index.html", "of the other\n")
    return other


@pytest.mark.parametrize("patience", [(), LOCK_WAIT], ids=["at once", "one waits"])
def test_two_at_the_same_time(lane: Lane, tmp_path: Path, patience: tuple[str, ...]) -> None:
    other = twin(lane, tmp_path)
    page = lane.new_page()
    with ExitStack() as stack:
        began = time.monotonic()
        polls = stack.enter_context(lane.polling())
        both = [stack.enter_context(running(one, *patience)) for one in (lane.project, other)]
        codes = [one.ended() for one in both]
    assert sorted(codes) == ([0, 0] if patience else [0, 5]), "\n".join(one.output for one in both)
    seen = lane.at_rest()
    pages = {seen[name].page for name in lane.project.fleet.web}
    assert len(pages) == 1, shown(seen)
    assert pages <= ({page, "of the other"} if patience else {(page, "of the other")[codes.index(0)]})
    lane.pages[lane.project.release()] = pages.pop()
    lane.sound()
    how = "new release" if not patience else "both, one after the other"
    note("two at once", len(patience), " ".join(patience), how, since=began, polls=polls)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_run_that_slept_past_its_lease_changes_nothing_more(lane: Lane, moment: Moment) -> None:
    old = lane.project.release()
    with lane.polling() as polls, lane.new_release(), lane.at("web2", moment) as held:
        slept = time.monotonic()
        held.deploy.signal(signal.SIGSTOP)
        lane.at_rest()
        lane.sound(release=old)
        held.go()
        held.deploy.signal(signal.SIGCONT)
        code = held.deploy.ended()
    assert code in (ExitCode.ROLLED_BACK, ExitCode.MIXED), held.deploy.output
    lane.sound(release=old)
    note("slept", MOMENTS.index(moment), str(moment), "old release", since=slept, polls=polls)


def test_run_that_wakes_up_after_somebody_else_has_deployed(lane: Lane, tmp_path: Path) -> None:
    other = twin(lane, tmp_path)
    with lane.polling() as polls, lane.at("web2", BEFORE) as held:
        slept = time.monotonic()
        held.deploy.signal(signal.SIGSTOP)
        lane.at_rest()
        other.deploy(*LOCK_WAIT).exits(ExitCode.OK)
        newest = lane.project.release()
        lane.pages[newest] = "of the other"
        standing = lane.project.all_containers()
        held.go()
        held.deploy.signal(signal.SIGCONT)
        code = held.deploy.ended()
    assert code in (ExitCode.ROLLED_BACK, ExitCode.MIXED), held.deploy.output
    assert lane.project.all_containers() == standing
    lane.sound(release=newest)
    note("slept", len(MOMENTS), "somebody else deployed meanwhile", "the other's release", since=slept, polls=polls)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clock_that_is_wrong_by_ten_minutes(lane: Lane, tmp_path: Path, minutes: int) -> None:
    """Somebody whose clock is wrong finds the host taken, and then deploys; going back leads to what was before."""
    other, wrong = twin(lane, tmp_path), skewed(minutes)
    began = time.monotonic()
    with lane.polling() as polls:
        with lane.new_release(), lane.at("web1", AFTER) as held:
            other.command("lab", env=wrong).exits(ExitCode.LOCKED)
            held.go()
            held.deploy.exits(ExitCode.OK)
        first = lane.project.release()
        other.command("lab", *LOCK_WAIT, env=wrong).exits(ExitCode.OK)
        second = lane.project.release()
        lane.pages[second] = "of the other"
        assert second > first
        lane.sound()
        lane.project.rollback().exits(ExitCode.OK)
        lane.sound(release=first)
    note("wrong clock", minutes, f"{minutes:+d} minutes", "as ever", since=began, polls=polls)


def skewed(minutes: int) -> dict[str, str]:
    """The environment of a program that sees another time of day; what it measures is right."""
    ensure_commands({"faketime": "faketime"}, print)
    [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": f"{minutes:+d}m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
