"""Verdicts on a release, from samples of its containers over time."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.model.action import Watch
from deployer.model.release import Container, Release
from deployer.rollout.health import Healthy, Sample, Undecided, Unhealthy, Verdict, is_well, judge


def gate(*services: str, **rest: Any) -> Watch:
    release = Release(id="r1", project="shop", root="/srv/shop", services=services or ("web",))
    return Watch(release=release, because="test", **{"bake": 10.0, "patience": 60.0, **rest})


def web(state: str = "running", **rest: Any) -> Container:
    return Container(**{"id": "w1", "name": "shop-web-1", "service": "web", "state": state, **rest})


def db(state: str = "running", **rest: Any) -> Container:
    return Container(**{"id": "d1", "name": "shop-db-1", "service": "db", "state": state, **rest})


def at(seconds: float, *containers: Container, http: str | None = None) -> Sample:
    return Sample(at=seconds, containers=containers, http=http)


def test_nothing_seen_yet() -> None:
    assert judge([], gate()) == Undecided(waiting_for="the first look")


def test_healthy_after_baking() -> None:
    samples = [at(0, web()), at(5, web())]
    assert judge(samples, gate()) == Undecided(waiting_for="all healthy, 5 of 10 s watched")
    assert judge([*samples, at(10, web())], gate()) == Healthy(because="1 service healthy for 10 s")


def test_no_baking_wanted() -> None:
    assert judge([at(0, web(), db())], gate("db", "web", bake=0)) == Healthy(because="2 services healthy for 0 s")


def test_starting_then_healthy_bakes_from_when_it_was_healthy() -> None:
    samples = [at(0, web(health="starting")), at(30, web(health="starting")), at(40, web(health="healthy"))]
    assert judge(samples[:2], gate()) == Undecided(waiting_for="web is starting")
    assert isinstance(judge([*samples, at(49, web(health="healthy"))], gate()), Undecided)
    assert isinstance(judge([*samples, at(50, web(health="healthy"))], gate()), Healthy)


def test_late_but_in_time_may_bake_beyond_patience() -> None:
    samples = [at(0, web(health="starting")), at(59, web(health="healthy")), at(65, web(health="healthy"))]
    assert isinstance(judge(samples, gate()), Undecided)


def test_unhealthy_for_a_moment_between_two_looks() -> None:
    """The Engine remembers it: it had fallen before it was well, and that is no matter, but once more is."""
    before, again = web(health="healthy", fell_at=("10:00",)), web(health="healthy", fell_at=("10:00", "10:07"))
    assert isinstance(judge([at(0, before), at(10, before)], gate()), Healthy)
    assert judge([at(0, before), at(2, again)], gate()) == Unhealthy(
        because="web was unhealthy for a moment after it was healthy", container="shop-web-1"
    )


def test_checks_that_fail_in_a_row_are_a_fall_and_single_ones_are_not() -> None:
    def seen(*codes: int, retries: int) -> tuple[str, ...]:
        log = [{"ExitCode": code, "End": f"10:0{at}", "Output": ""} for at, code in enumerate(codes)]
        state = {"Status": "running", "Health": {"Status": "healthy", "Log": log}}
        config = {"Healthcheck": {"Retries": retries}}
        return Container.from_inspect({"Id": "x", "Name": "/x", "State": state, "Config": config}).fell_at

    assert seen(0, 1, 0, 1, 0, retries=1) == ("10:01", "10:03")
    assert seen(1, 1, 0, 1, 0, retries=2) == ("10:01",)
    assert seen(1, 1, 1, 1, 0, retries=0) == ("10:02",), "the Engine's default"
    assert seen(0, 1, 1, 0, 1, retries=3) == ()


def test_never_healthy_after_patience() -> None:
    samples = [at(0, web(health="starting")), at(60, web(health="starting"))]
    assert isinstance(judge(samples[:1], gate()), Undecided)
    assert judge(samples, gate()) == Unhealthy(because="web is starting after 60 s", container="shop-web-1")


def test_the_guilty_one_is_named_not_its_neighbour() -> None:
    samples = [at(60, db(health="healthy"), web(health="starting"))]
    assert judge(samples, gate("db", "web")) == Unhealthy(because="web is starting after 60 s", container="shop-web-1")


def test_unhealthy_is_final_at_once() -> None:
    verdict = judge([at(1, web(health="unhealthy", health_log="curl: (7)\n\nconnection refused \n\n"))], gate())
    assert verdict == Unhealthy(because="web is unhealthy: connection refused", container="shop-web-1")


def test_silent_health_check() -> None:
    verdict = judge([at(1, web(health="unhealthy"))], gate())
    assert verdict == Unhealthy(because="web is unhealthy: its health check says nothing", container="shop-web-1")


def test_crash_loop_is_told_as_one_though_docker_calls_it_unhealthy_between_two_starts() -> None:
    loop = [web("restarting", health="unhealthy", restarts=count, exit_code=3) for count in range(4)]
    verdict = judge([at(number, one) for number, one in enumerate(loop)], gate())
    because = "web restarted 3 times: it exits with status 3"
    assert verdict == Unhealthy(because=because, container="shop-web-1")


def test_unhealthy_is_told_in_one_short_line() -> None:
    verdict = judge([at(1, web(health="unhealthy", health_log="x" * 9_000))], gate())
    assert isinstance(verdict, Unhealthy)
    assert len(verdict.because) < 300


@pytest.mark.parametrize("state", ["exited", "dead"])
def test_ended_with_a_status(state: str) -> None:
    verdict = judge([at(0, web()), at(1, web(state, exit_code=3))], gate())
    assert verdict == Unhealthy(because="web ended with status 3", container="shop-web-1")


def test_service_that_ended_with_status_0_but_was_to_stay() -> None:
    verdict = judge([at(0, web()), at(1, web("exited", restart_policy="unless-stopped"))], gate())
    assert verdict == Unhealthy(because="web ended with status 0", container="shop-web-1")


def test_one_shot_that_ended_well() -> None:
    samples = [at(0, web("running")), at(1, web("exited")), at(11, web("exited"))]
    assert isinstance(judge(samples, gate()), Healthy)


def test_one_shot_that_ended_at_once_needs_no_running() -> None:
    assert isinstance(judge([at(0, web("exited", restart_policy="on-failure"))], gate(bake=0)), Healthy)


def test_dies_8_seconds_after_it_was_healthy() -> None:
    samples = [at(0, web(health="healthy")), at(8, web("exited", exit_code=137))]
    assert judge(samples, gate()) == Unhealthy(because="web ended with status 137", container="shop-web-1")


def test_restarts_once_after_it_was_healthy() -> None:
    samples = [at(0, web()), at(8, web(restarts=1, exit_code=1))]
    assert judge(samples, gate()) == Unhealthy(
        because="web restarted 1 times: it exits with status 1", container="shop-web-1"
    )


def test_is_replaced_after_it_was_healthy() -> None:
    samples = [at(0, web()), at(8, web(id="w2", restarts=1))]
    assert isinstance(judge(samples, gate()), Unhealthy)


def test_becomes_starting_again_after_it_was_healthy() -> None:
    samples = [at(0, web(health="healthy")), at(8, web(health="starting"))]
    assert judge(samples, gate()) == Unhealthy(because="web is starting, 8 s after it was healthy")


def test_container_disappears_after_it_was_healthy() -> None:
    assert judge([at(0, web()), at(8)], gate()) == Unhealthy(because="web has no container, 8 s after it was healthy")


def test_two_restarts_while_its_database_starts_are_forgiven() -> None:
    samples = [
        at(0, web("restarting")), at(2, web(restarts=1)), at(4, web("restarting", restarts=2)),
        at(6, web(restarts=2, health="healthy")), at(16, web(restarts=2, health="healthy")),
    ]  # fmt: skip
    assert isinstance(judge([at(0, web("restarting")), at(4, web("restarting", restarts=2))], gate()), Undecided)
    assert isinstance(judge([at(0, web("restarting")), *samples[3:]], gate()), Healthy)


def test_crash_loop() -> None:
    samples = [at(0, web("restarting")), at(6, web("restarting", restarts=3, exit_code=1))]
    assert judge(samples, gate()) == Unhealthy(
        because="web restarted 3 times: it exits with status 1", container="shop-web-1"
    )


def test_restarting_forever_slowly_is_never_healthy() -> None:
    verdict = judge([at(0, web("restarting")), at(60, web("restarting", restarts=1))], gate())
    assert verdict == Unhealthy(because="web is restarting after 60 s", container="shop-web-1")


def test_restarts_of_a_long_life_before_do_not_count() -> None:
    samples = [at(0, db(restarts=17), web()), at(10, db(restarts=17), web())]
    assert isinstance(judge(samples, gate("db", "web")), Healthy)


def test_restarts_of_a_container_that_came_later_count_from_when_it_was_seen() -> None:
    samples = [at(0), at(1, web(restarts=5)), at(2, web(restarts=5)), at(11, web(restarts=5))]
    assert isinstance(judge(samples, gate()), Healthy)


def test_crash_loop_of_a_container_that_came_later() -> None:
    samples = [at(0), at(1, web("restarting")), at(9, web("restarting", restarts=3))]
    assert isinstance(judge(samples, gate()), Unhealthy)


def test_missing_container() -> None:
    samples = [at(0, db()), at(60, db())]
    assert judge(samples[:1], gate("db", "web")) == Undecided(waiting_for="web has no container")
    assert judge(samples, gate("db", "web")) == Unhealthy(because="web has no container after 60 s")


def test_one_off_containers_count_for_nothing() -> None:
    assert isinstance(judge([at(0, web(oneoff=True))], gate()), Undecided)
    ended = web("exited", id="m1", exit_code=1, oneoff=True)
    assert isinstance(judge([at(0, web(), ended), at(10, web(), ended)], gate()), Healthy)


def test_containers_of_services_that_are_not_watched_count_for_nothing() -> None:
    samples = [at(0, web(), db("exited", exit_code=1)), at(10, web(), db(health="unhealthy", restarts=9))]
    assert isinstance(judge(samples, gate("web")), Healthy)


def test_every_container_of_a_service_counts() -> None:
    two = web(id="w2", name="shop-web-2", health="starting")
    assert judge([at(60, web(health="healthy"), two)], gate()) == Unhealthy(
        because="web is starting after 60 s", container="shop-web-2"
    )


def test_http_check_fails_then_is_fine() -> None:
    samples = [at(0, web(), http="status 502"), at(3, web()), at(13, web())]
    assert judge(samples[:1], gate()) == Undecided(waiting_for="the HTTP check: status 502")
    assert isinstance(judge(samples, gate()), Healthy)


def test_http_check_fails_while_baking() -> None:
    verdict = judge([at(0, web()), at(8, web(), http="status 500")], gate())
    assert verdict == Unhealthy(because="the HTTP check: status 500, 8 s after it was healthy")


def test_http_check_never_fine() -> None:
    samples = [at(0, web(), http="refused"), at(60, web(), http="refused")]
    assert judge(samples, gate()) == Unhealthy(because="the HTTP check: refused after 60 s")


def test_nothing_to_watch_is_healthy() -> None:
    release = Release(id="r1", project="shop", root="/srv/shop")
    assert isinstance(judge([at(0)], Watch(release=release, bake=0, because="test")), Healthy)


@pytest.mark.parametrize(
    ("container", "well"),
    [
        (web(), True),
        (web(health="healthy"), True),
        (web(health="starting"), False),
        (web(health="unhealthy"), False),
        (web("exited"), True),
        (web("exited", restart_policy="always"), False),
        (web("exited", exit_code=1), False),
        (web("paused"), False),
        (web("created"), False),
        (web("dead"), False),
    ],
)
def test_well(container: Container, well: bool) -> None:
    assert is_well(container) is well


def test_verdict_is_one_of_three() -> None:
    verdicts: list[Verdict] = [judge([at(0, web())], gate(bake=0)), judge([], gate()), judge([at(99)], gate())]
    assert [type(one) for one in verdicts] == [Healthy, Undecided, Unhealthy]
