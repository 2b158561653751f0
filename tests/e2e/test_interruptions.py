"""A deployment that is stopped on its way: by a signal, by another run, by a host that loses its power."""

from __future__ import annotations

import signal

import pytest
from background import running, until_switched
from host_state import untouched
from put_back import Standing, is_locked, put_back
from stage import NAMES, WEB
from story import Project
from waiting import eventually

from deployer.errors import ExitCode

PAGE = "www/index.html"
WATCHED = ("-e", "gate_bake=10")  # time to interrupt it


def test_stopped_before_any_change(breakable: Project) -> None:
    """The signal comes while hosts are being connected to: one of them answers only after it."""
    breakable.write(PAGE, "never seen\n")
    slow = breakable.host("web2").container
    with untouched(breakable.fleet.hosts.values()):
        slow.pause()
        try:
            with running(breakable, "--json") as deploy:
                eventually(lambda: "RunStarted" in deploy.output)
                deploy.signal(signal.SIGINT)
                slow.unpause()
                deploy.exits(ExitCode.INTERRUPTED)
        finally:
            slow.reload()
            if slow.status == "paused":
                slow.unpause()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_the_first_host_proves_itself(breakable: Project, number: signal.Signals) -> None:
    breakable.write(PAGE, f"{number.name}\n")
    before = breakable.release()
    with put_back(breakable, "web1"), running(breakable, *WATCHED) as deploy:
        until_switched(breakable, "web1", before)
        deploy.signal(number)
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
    """Another run changes nothing and says who is at it; `deploy unlock` ends the lock of the dead."""
    breakable.write(PAGE, "second\n")
    before = breakable.release()
    with running(breakable, *WATCHED) as deploy:
        until_switched(breakable, "web1", before)
        standing = Standing.of(breakable)
        refused = breakable.deploy().exits(ExitCode.LOCKED)
        assert f"(pid {deploy.process.pid})" in refused.output
        assert Standing.of(breakable) == standing
        deploy.signal(signal.SIGINT)
        deploy.signal(signal.SIGKILL)
        deploy.process.wait()
    assert all(is_locked(breakable, name) for name in NAMES)
    breakable.deploy().exits(ExitCode.LOCKED)
    breakable.command("unlock", "lab", "--yes").exits(ExitCode.OK)
    assert not any(is_locked(breakable, name) for name in NAMES)
    release = breakable.deployed()
    assert breakable.serving() == dict.fromkeys(WEB, "second")
    assert release != before


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
    assert breakable.current() == dict.fromkeys(NAMES, before)
    breakable.command("unlock", "lab", "--yes").exits(ExitCode.OK)
    breakable.deployed()
    assert breakable.serving() == dict.fromkeys(WEB, "third")


def test_host_loses_power_while_it_proves_itself(breakable: Project) -> None:
    """The others go back, it is named with the next command; once it has power again, that command mends it."""
    breakable.write(PAGE, "dark\n")
    before, page = breakable.release(), breakable.serving()
    dying = breakable.host("web2")
    try:
        with put_back(breakable, "web1", "db1", lost=["web2"]), running(breakable, *WATCHED) as deploy:
            until_switched(breakable, "web2", before)
            dying.kill()
            deploy.exits(ExitCode.MIXED)
    finally:
        dying.start()
    mending = ["rollback", "lab", "--to", before, "--limit", "web2"]
    assert f"next: deploy {' '.join(mending)}" in deploy.output
    eventually(lambda: dying.exec("docker version")[0] == 0)
    breakable.command("unlock", "lab", "--yes").exits(ExitCode.OK)
    breakable.command(*mending).exits(ExitCode.OK)
    assert breakable.release() == before
    assert breakable.serving() == page
    assert breakable.container("web2", "web").image.endswith(before.lower())
