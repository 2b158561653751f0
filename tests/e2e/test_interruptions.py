"""A deployment that is stopped on its way: by a signal, by another run, by a host that loses its power."""

from __future__ import annotations

import signal

from background import running, until_switched
from host_state import untouched
from put_back import Standing, is_locked, put_back
from stage import NAMES, WEB
from story import Project
from waiting import eventually

from deployer.errors import ExitCode

PAGE = "www/index.html"
WATCHED = ("-e", "gate_bake=7")  # time to interrupt it


def test_stopped_before_any_change(breakable: Project) -> None:
    """The signal comes while hosts are being connected to: one of them answers only after it."""
    breakable.write(PAGE, "never seen\n")
    slow = breakable.host("web2").container
    with untouched(breakable.fleet.hosts.values()):
        slow.pause()
        try:
            with running(breakable, "--output=json") as deploy:
                eventually(lambda: "RunStarted" in deploy.output)
                deploy.signal(signal.SIGINT)
                slow.unpause()
                deploy.exits(ExitCode.INTERRUPTED)
        finally:
            slow.reload()
            if slow.status == "paused":
                slow.unpause()


def test_stopped_while_the_first_host_proves_itself(breakable: Project) -> None:
    breakable.write(PAGE, "seen on nobody's screen\n")
    before = breakable.release()
    with put_back(breakable, "web1"), running(breakable, *WATCHED) as deploy:
        until_switched(breakable, "web1", before)
        deploy.signal(signal.SIGTERM)
        deploy.exits(ExitCode.ROLLED_BACK)


def test_stopped_while_the_last_hosts_prove_themselves(breakable: Project) -> None:
    """web1 serves the new release already: it goes back too."""
    breakable.write(PAGE, "seen on web1\n")
    before = breakable.release()
    with put_back(breakable, *NAMES), running(breakable, *WATCHED) as deploy:
        until_switched(breakable, "web2", before)
        assert breakable.current()["web1"] != before
        deploy.signal(signal.SIGINT)
        deploy.exits(ExitCode.ROLLED_BACK)


def test_locked_while_it_runs_and_after_it_was_killed(breakable: Project) -> None:
    """Another run changes nothing and says who is at it; after `deploy unlock` the dead run's half is undone."""
    breakable.write(PAGE, "second\n")
    before = breakable.release()
    with running(breakable, "-e", "gate_bake=40") as deploy:
        until_switched(breakable, "web1", before)
        standing = Standing.of(breakable)
        refused = breakable.deploy().exits(ExitCode.LOCKED)
        assert f"(pid {deploy.process.pid})" in refused.output
        assert Standing.of(breakable) == standing
        deploy.signal(signal.SIGKILL)
        deploy.process.wait()
    assert all(is_locked(breakable, name) for name in NAMES)
    breakable.deploy().exits(ExitCode.LOCKED)
    breakable.command("unlock", "lab", "--yes").exits(ExitCode.OK)
    assert not any(is_locked(breakable, name) for name in NAMES)
    undone_by_hand(breakable, before)
    breakable.deployed()
    assert breakable.serving() == dict.fromkeys(WEB, "second")


def undone_by_hand(project: Project, before: str) -> None:
    """A rollout that nobody has ended is in the way until `deploy abort` undoes it."""
    refused = project.deploy().exits(ExitCode.MIXED)
    assert "deploy abort lab" in refused.output
    project.command("abort", "lab").exits(ExitCode.OK)
    assert project.current() == dict.fromkeys(NAMES, before)
    assert project.container("web1", "web").image.endswith(before.lower())


def test_a_second_signal_stops_at_once_and_says_what_to_do(breakable: Project) -> None:
    breakable.write(PAGE, "third\n")
    before = breakable.release()
    with running(breakable, *WATCHED) as deploy:
        until_switched(breakable, "web1", before)
        deploy.signal(signal.SIGINT)
        eventually(lambda: "SIGINT" in deploy.output)
        deploy.signal(signal.SIGINT)
        deploy.exits(ExitCode.MIXED)
    assert "deploy status" in deploy.output
    breakable.command("unlock", "lab", "--yes").exits(ExitCode.OK)
    undone_by_hand(breakable, before)


def test_host_loses_power_while_it_proves_itself(breakable: Project) -> None:
    """The others go back, it is named; once it has power again, it goes back by itself."""
    breakable.write(PAGE, "dark\n")
    before, page = breakable.release(), breakable.serving()
    dying = breakable.host("web2")
    try:
        with (
            put_back(breakable, "web1", "db1", lost=["web2"]),
            running(breakable, *WATCHED, "-e", "confirm_timeout=30") as deploy,
        ):
            until_switched(breakable, "web2", before)
            dying.kill()
            deploy.exits(ExitCode.MIXED)
    finally:
        dying.start()
    assert "web2 is broken" in deploy.output
    eventually(lambda: is_back(breakable, "web2", before), within=120, what="web2 is back on its own")
    assert breakable.release() == before
    assert breakable.serving() == page


def is_back(project: Project, host: str, release: str) -> bool:
    web = [one for one in project.containers(host) if one.service == "web"]
    return [one.image.endswith(release.lower()) and one.is_well for one in web] == [True]
