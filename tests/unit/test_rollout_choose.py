"""Which release a run means, for the fleet as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.errors import ExitCode
from deployer.model.release import Installed, Release
from deployer.rollout.choose import NoReleaseError, choose_previous, choose_release


def release(name: str, digest: str = "d", **rest: Any) -> Release:
    return Release(id=name, project="shop", root="/srv/shop", digest=digest, **rest)


def has(current: str | None = None, *, healthy: str = "", failed: str = "", **digests: str) -> Installed:
    return Installed(
        root="/srv/shop",
        current=current,
        releases={name: release(name, digest) for name, digest in digests.items()},
        healthy=frozenset(healthy.split()),
        failed=frozenset(failed.split()),
    )


def ids(chosen: dict[str, Release]) -> dict[str, str]:
    return {host: one.id for host, one in chosen.items()}


# the wanted one -------------------------------------------------------------------------------------------------


def test_unchanged_fleet_keeps_its_release_as_it_is_there() -> None:
    now = has("r1", r1="same")
    chosen = choose_release({"a": release("new", "same", by="ben")}, {"a": now})
    assert chosen == {"a": now.releases["r1"]}


def test_other_content_is_a_new_release() -> None:
    wanted = {"a": release("new", "other")}
    assert choose_release(wanted, {"a": has("r1", r1="same")}) == wanted


def test_clock_that_is_behind_makes_no_release_of_the_past() -> None:
    """Ids tell which release came after which, on whichever machine they were made."""
    wanted = {"a": release("20260101T000000Z-new", "other"), "b": release("20260101T000000Z-new", "other")}
    seen = {"a": has("x", x="1", **{"20260101T000959Z-abc": "2"}), "b": has()}
    assert ids(choose_release(wanted, seen)) == dict.fromkeys("ab", "20260101T001000Z-new")


@pytest.mark.parametrize("there", ["20251231T235959Z-abc", "99999999T999999-no", "r1"])
def test_later_clock_keeps_its_time(there: str) -> None:
    wanted = {"a": release("20260101T000000Z-new", "other")}
    assert choose_release(wanted, {"a": has(there, **{there: "1"})}) == wanted


def test_two_releases_of_one_second_come_one_after_the_other() -> None:
    wanted = {"a": release("20261231T235959Z-aaa", "other")}
    seen = {"a": has("20261231T235959Z-bbb", **{"20261231T235959Z-bbb": "1"})}
    assert ids(choose_release(wanted, seen)) == {"a": "20270101T000000Z-aaa"}


def test_first_release() -> None:
    wanted = {"a": release("new"), "b": release("new")}
    assert choose_release(wanted, {"a": has(), "b": has()}) == wanted


def test_same_files_with_another_environment_on_one_host_is_a_new_release_for_all() -> None:
    wanted = {"a": release("new", "same"), "b": release("new", "env-changed")}
    seen = {"a": has("r1", r1="same"), "b": has("r1", r1="before")}
    assert ids(choose_release(wanted, seen)) == {"a": "new", "b": "new"}


def test_added_host_gets_the_fleets_release() -> None:
    wanted = {"a": release("new", "same"), "b": release("new", "same", by="ben")}
    chosen = choose_release(wanted, {"a": has("r1", r1="same"), "b": has()})
    assert ids(chosen) == {"a": "r1", "b": "r1"}
    assert chosen["b"].by == "ben"


def test_hosts_may_differ_in_digest_under_one_name() -> None:
    wanted = {"a": release("new", "of-web"), "b": release("new", "of-worker")}
    seen = {"a": has("r1", r1="of-web"), "b": has("r1", r1="of-worker")}
    assert ids(choose_release(wanted, seen)) == {"a": "r1", "b": "r1"}


def test_mixed_fleet_settles_on_the_one_that_serves_this_content() -> None:
    wanted = {"a": release("new", "two"), "b": release("new", "two")}
    seen = {"a": has("r1", r1="one"), "b": has("r2", r1="one", r2="two")}
    assert ids(choose_release(wanted, seen)) == {"a": "r2", "b": "r2"}


def test_second_candidate_where_the_first_is_taken() -> None:
    wanted = {"a": release("new", "x"), "b": release("new", "x")}
    seen = {"a": has("r1", r1="x"), "b": has("r2", r1="something else", r2="x")}
    assert ids(choose_release(wanted, seen)) == {"a": "r2", "b": "r2"}


def test_content_that_is_there_but_does_not_serve_is_a_new_release() -> None:
    assert ids(choose_release({"a": release("new", "old")}, {"a": has("r2", r1="old", r2="x")})) == {"a": "new"}


def test_failed_release_is_not_taken_again() -> None:
    wanted = {"a": release("new", "same"), "b": release("new", "same")}
    seen = {"a": has("r1", r1="same"), "b": has(failed="r1", r1="same")}
    assert ids(choose_release(wanted, seen)) == {"a": "new", "b": "new"}


def test_link_to_a_release_that_is_gone_is_a_new_release() -> None:
    assert ids(choose_release({"a": release("new", "same")}, {"a": has("r1")})) == {"a": "new"}


# the one to go back to ------------------------------------------------------------------------------------------


def test_back_to_the_newest_that_was_healthy_on_all() -> None:
    seen = {
        "a": has("r4", healthy="r1 r2 r3 r4", r1="1", r2="2", r3="3", r4="4"),
        "b": has("r4", healthy="r1 r2 r4", r1="1", r2="2", r3="3", r4="4"),
    }
    assert ids(choose_previous(seen)) == {"a": "r2", "b": "r2"}


def test_twice_goes_further_back() -> None:
    first = has("r3", healthy="r1 r2 r3", r1="1", r2="2", r3="3")
    then = has("r2", healthy="r1 r2 r3", r1="1", r2="2", r3="3")
    assert ids(choose_previous({"a": first})) == {"a": "r2"}
    assert ids(choose_previous({"a": then})) == {"a": "r1"}


def test_never_back_to_one_that_was_put_back() -> None:
    seen = {"a": has("r3", healthy="r1 r2 r3", failed="r2", r1="1", r2="2", r3="3")}
    assert ids(choose_previous(seen)) == {"a": "r1"}


def test_never_back_to_one_that_was_pruned() -> None:
    assert ids(choose_previous({"a": has("r3", healthy="r1 r2 r3", r1="1", r3="3")})) == {"a": "r1"}


def test_nothing_serves_then_the_newest_healthy_one() -> None:
    assert ids(choose_previous({"a": has(None, healthy="r1 r2", r1="1", r2="2")})) == {"a": "r2"}


def test_named_one_need_not_have_been_healthy_nor_be_older() -> None:
    seen = {"a": has("r1", healthy="r1", r1="1", r2="2")}
    assert ids(choose_previous(seen, "r2")) == {"a": "r2"}


def test_release_comes_as_the_host_knows_it() -> None:
    seen = {"a": has("r2", healthy="r1 r2", r1="of-a", r2="x"), "b": has("r2", healthy="r1 r2", r1="of-b", r2="x")}
    assert {host: one.digest for host, one in choose_previous(seen).items()} == {"a": "of-a", "b": "of-b"}


def test_named_one_that_a_host_does_not_have() -> None:
    seen = {"a": has("r2", r1="1", r2="2"), "b": has("r2", r2="2")}
    with pytest.raises(NoReleaseError) as caught:
        choose_previous(seen, "r1")
    assert str(caught.value) == "b: release r1 is not there"
    assert caught.value.hint == "a has r2, r1; b has r2; name one with --to RELEASE"
    assert caught.value.exit_code is ExitCode.ROLLED_BACK


def test_nothing_to_go_back_to() -> None:
    with pytest.raises(NoReleaseError, match="no earlier release was healthy on every host") as caught:
        choose_previous({"a": has("r1", healthy="r1", r1="1"), "b": has()})
    assert caught.value.hint == "a has r1; b has no release; name one with --to RELEASE"
