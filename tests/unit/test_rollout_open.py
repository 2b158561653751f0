"""A rollout that an earlier run has left open: whether it stands in the way, can be finished, can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.engine.start import refuse_interrupted
from deployer.errors import ExitCode, InterruptedRolloutError, PausedRolloutError
from deployer.model.release import Installed, Release
from deployer.model.rollout import OpenRollout, Phase
from deployer.rollout.choose import NoReleaseError, choose_open


def has(*names: str, current: str | None = "r1") -> Installed:
    releases = {name: Release(id=name, project="shop", root="/srv/shop") for name in names}
    return Installed(root="/srv/shop", current=current, releases=releases)


def left(phase: str, **rest: Any) -> OpenRollout:
    told = {"run": "x", "release": "r2", "previous": "r1", "by": "ann@laptop", "since": "monday", "staged": True}
    return OpenRollout(phase=Phase(phase), **{**told, **rest})


FLEET = {name: has("r1", "r2") for name in "abc"}


def all_are(phase: str, **rest: Any) -> dict[str, OpenRollout]:
    return {name: left(phase, **rest) for name in FLEET}


# in the way -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "phases",
    [("prepared", "prepared", "prepared"), ("undone", "prepared", "undone"), ("broken", "undone", "undone")],
)
def test_what_switched_nothing_or_went_back_is_no_obstacle(phases: tuple[str, ...]) -> None:
    refuse_interrupted("prod", FLEET, {name: left(phase) for name, phase in zip("abc", phases, strict=True)})


def test_nothing_open_is_no_obstacle() -> None:
    refuse_interrupted("prod", FLEET, {})


@pytest.mark.parametrize(
    "phases",
    [("switching", "prepared", "prepared"), ("switched", "switching", "prepared"), ("switched", "undone", "undone")],
)
def test_half_done_is_told_with_where_each_host_stands(phases: tuple[str, ...]) -> None:
    with pytest.raises(InterruptedRolloutError) as caught:
        refuse_interrupted("prod", FLEET, {name: left(phase) for name, phase in zip("abc", phases, strict=True)})
    where = f"a {phases[0]}, b {phases[1]}, c {phases[2]}"
    assert str(caught.value) == f"the rollout of r2 by ann@laptop since monday was interrupted: {where}"
    assert caught.value.hint == "finish it: deploy resume prod; or undo it: deploy abort prod"
    assert caught.value.exit_code is ExitCode.MIXED


def test_host_on_which_it_never_began_is_told_too() -> None:
    with pytest.raises(InterruptedRolloutError, match="a switching, b not begun, c not begun"):
        refuse_interrupted("prod", FLEET, {"a": left("switching")})


def test_what_cannot_be_finished_is_not_offered_to_be() -> None:
    with pytest.raises(InterruptedRolloutError) as caught:
        refuse_interrupted("prod", FLEET, {"a": left("switching", staged=False)})
    assert caught.value.hint == "undo it: deploy abort prod"


def test_paused() -> None:
    with pytest.raises(PausedRolloutError, match="is paused") as caught:
        refuse_interrupted("prod", FLEET, {"a": left("switching", paused=True), "b": left("prepared", paused=True)})
    assert "deploy promote prod" in str(caught.value.hint)
    assert caught.value.exit_code is ExitCode.PAUSED


def test_confirmed_everywhere_and_not_closed_is_no_obstacle() -> None:
    fleet = {name: has("r1", "r2", current="r2") for name in "abc"}
    refuse_interrupted("prod", fleet, all_are("switched"))
    refuse_interrupted("prod", fleet, {"c": left("switched")})


@pytest.mark.parametrize("which", ["c on another one", "paused", "a not confirmed"])
def test_confirmed_almost_everywhere_is(which: str) -> None:
    fleet = {name: has("r1", "r2", current="r2") for name in "abc"}
    rollouts = all_are("switched")
    if which == "c on another one":
        fleet["c"] = has("r1", "r2")
        del rollouts["c"]
    elif which == "paused":
        rollouts = all_are("switched", paused=True)
    else:
        rollouts["a"] = left("switching")
    with pytest.raises(InterruptedRolloutError):
        refuse_interrupted("prod", fleet, rollouts)


# to be finished -------------------------------------------------------------------------------------------------


def test_finishing_brings_its_release_to_all_hosts() -> None:
    rollouts = {"a": left("switched"), "b": left("undone")}
    assert {one.id for one in choose_open(FLEET, rollouts, undo=False).values()} == {"r2"}
    assert len(choose_open(FLEET, rollouts, undo=False)) == 3


def test_what_was_not_prepared_everywhere_cannot_be_finished() -> None:
    """Its images may not be built, its migration may not have run."""
    with pytest.raises(NoReleaseError, match="not prepared on every host") as caught:
        choose_open(FLEET, all_are("prepared", staged=False), undo=False)
    assert "deploy abort" in str(caught.value.hint)


def test_release_that_a_host_has_not_got() -> None:
    with pytest.raises(NoReleaseError, match="c: release r2 is not there yet"):
        choose_open({**FLEET, "c": has("r1")}, all_are("switching"), undo=False)


# to be undone ---------------------------------------------------------------------------------------------------


def test_undoing_needs_the_release_on_no_host() -> None:
    chosen = choose_open({"a": has("r1"), "b": has(current=None)}, {"a": left("prepared", staged=False)}, undo=True)
    assert {host: one.id for host, one in chosen.items()} == {"a": "r1"}


def test_undoing_what_has_been_completed_is_refused() -> None:
    """Some hosts have closed it: all had confirmed it by then."""
    fleet = {name: has("r1", "r2", current="r2") for name in "abc"}
    with pytest.raises(NoReleaseError, match="has been completed: a, b closed it") as caught:
        choose_open(fleet, {"c": left("switched")}, undo=True)
    assert "deploy rollback" in str(caught.value.hint)


def test_undoing_is_not_refused_because_other_hosts_had_the_release_before() -> None:
    """It was brought to one host that was added."""
    fleet = {"a": has("r2", current="r2"), "b": has("r2", current=None)}
    assert set(choose_open(fleet, {"b": left("switching", previous=None)}, undo=True)) == {"a", "b"}


def test_confirmed_everywhere_and_not_closed_can_still_be_undone() -> None:
    fleet = {name: has("r1", "r2", current="r2") for name in "abc"}
    assert len(choose_open(fleet, all_are("switched"), undo=True)) == 3


def test_release_to_go_back_to_is_gone() -> None:
    with pytest.raises(NoReleaseError, match="b: release r1, which served before, is not there any more"):
        choose_open({**FLEET, "b": has("r2")}, all_are("switching"), undo=True)


# which one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("undo", [True, False])
def test_nothing_is_open(undo: bool) -> None:
    with pytest.raises(NoReleaseError, match="no rollout is open on any host"):
        choose_open(FLEET, {}, undo=undo)


def test_different_ones_in_the_middle() -> None:
    with pytest.raises(NoReleaseError, match="hosts were left by different rollouts: r2, r3"):
        choose_open(FLEET, {"a": left("switching"), "b": left("switching", release="r3")}, undo=True)


def test_one_that_is_over_on_another_host_does_not_matter() -> None:
    rollouts = {"a": left("undone", release="r0"), "b": left("switching")}
    assert {one.id for one in choose_open(FLEET, rollouts, undo=False).values()} == {"r2"}
