"""Applications that go wrong only while they are watched are caught, and those that do not are not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lane import Lane, note, open_lane
from stage import Fleet

from deployer.errors import ExitCode

# Answers after 0.3 s, and counts its answers.
PAGE = """\
#!/bin/sh
n=$(($(cat /tmp/answers 2>/dev/null || echo 0) + 1))
echo $n >/tmp/answers
sleep 0.3
echo "Content-Type: text/plain"
echo
echo "answer $n"
"""
CGI, SERVE = "www/cgi-bin/page", "serve.sh"
FAILS = "sleep 0.3\n[ $((n % 20)) -ne 7 ] || { echo 'Status: 500 no'; echo; exit; }\n"
FLAPS = "(sleep 6; while :; do rm /www/health; sleep 1.5; touch /www/health; sleep 3; done) &\nexec httpd"
Edit = tuple[str, str, str]  # file, what stands there, what shall stand there
WRONG: dict[str, tuple[Edit, ...]] = {
    "dies after 8 s": ((SERVE, "exec httpd", "(sleep 8; kill $$) &\nexec httpd"),),
    "answers 5 % with 500": ((CGI, "sleep 0.3\n", FAILS),),
    "is three times slower": ((CGI, "sleep 0.3", "sleep 0.9"),),
    "flaps": ((SERVE, "exec httpd", FLAPS), ("compose.yaml", "retries: 3\n", "retries: 1\n")),
}
HEALTHY = 20


@pytest.fixture(scope="module")
def lane(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A shop whose answers are judged while it bakes."""
    lane = open_lane(fleet, tmp_path_factory.mktemp("bake"))
    shop = lane.project
    (shop.folder / "www/cgi-bin").mkdir()
    shop.write("www/cgi-bin/page", PAGE)
    (shop.folder / "www/cgi-bin/page").chmod(0o755)
    shop.variables |= {"gate_bake": 12, "confirm_timeout": 60, "lock_ttl": 60}
    shop.web["gate_http"] = {
        "url": f"http://127.0.0.1:{lane.port}/cgi-bin/page", "requests": 5, "max_error_share": 0.02, "max_p95": 0.8,
    }  # fmt: skip
    shop.look_often()
    lane.deployed()
    yield lane
    shop.end()


@pytest.mark.parametrize("what", WRONG)
def test_what_goes_wrong_later_is_caught(lane: Lane, what: str) -> None:
    old, began = lane.project.release(), time.monotonic()
    with lane.polling() as polls, lane.new_release(), changed(lane, WRONG[what]):
        run = lane.project.deploy().exits(ExitCode.ROLLED_BACK)
    lane.sound(release=old)
    note("in the bake", list(WRONG).index(what), what, f"old release (exit {run.code})", since=began, polls=polls)


@contextmanager
def changed(lane: Lane, edits: tuple[Edit, ...]) -> Iterator[None]:
    for path, right, wrong in edits:
        lane.project.edit(path, right, wrong)
    yield
    for path, right, wrong in edits:
        lane.project.edit(path, wrong, right)


def test_what_is_healthy_is_not_caught(lane: Lane) -> None:
    lane.project.variables["rollout_serial"] = "100%"
    began = time.monotonic()
    with lane.polling() as polls:
        for _ in range(HEALTHY):
            lane.deployed()
    lane.sound()
    note("healthy", HEALTHY, "deployments in a row", "new release, each time", since=began, polls=polls)
