"""A connection that is made anew: after a restart of the host, and after one of its sshd."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from sshd import Sshd, logged_in

from deployer.engine.reconnect import reconnect
from deployer.errors import CommandError, HostKeyError
from deployer.facts.system import Boot
from deployer.model.action import Reconnect, Script
from deployer.modules.reboot import Reboot
from deployer.transport.ssh import SshRemote


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Sshd]:
    server = Sshd(tmp_path / "sshd", "/usr/sbin/sshd").start()
    yield server
    server.end()


@pytest.fixture
def remote(host: Sshd) -> Iterator[SshRemote]:
    with logged_in(host) as found:
        yield found


def later(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def waiting(**changes: Any) -> Reconnect:
    return Reconnect(because="it waits", **{"timeout": 30, "sleep": 0.1, **changes})


def test_host_is_restarted_and_waited_for(host: Sshd, remote: SshRemote, tmp_path: Path) -> None:
    boot, down = tmp_path / "boot", tmp_path / "down"
    boot.write_text("first\n")
    module = Reboot(boot_time_command=f"cat {boot}", reboot_command=f"touch {down}", test_command=f"test -e {down}")
    before = Boot(module.boot_time_command).parse(remote.run(f"cat {boot}").stdout, 0)
    script, wait = module.plan({Boot(module.boot_time_command): before})  # type: ignore[arg-type]
    assert isinstance(script, Script)
    assert isinstance(wait, Reconnect)

    def restart() -> None:
        while not down.exists():
            time.sleep(0.05)
        host.end()
        time.sleep(0.5)
        boot.write_text("second\n")
        host.start()

    assert remote.run(script.text).ok
    assert not down.exists(), "it goes down after the shell has said that it will"
    restarting = later(restart)
    assert reconnect(remote, wait, become=None, stop=Flag()) == "second"
    restarting.join()
    assert remote.run("echo on").stdout == "on\n"


def test_what_is_not_restarted_is_told(remote: SshRemote) -> None:
    with pytest.raises(CommandError, match="not within 3 s: it has not been restarted yet"):
        reconnect(remote, waiting(timeout=3, asks="echo same", unlike="same"), become=None, stop=Flag())


def test_sshd_that_is_away_for_a_while_is_waited_for(host: Sshd, remote: SshRemote) -> None:
    assert remote.run("echo here").ok
    host.end()
    coming = later(lambda: (time.sleep(1), host.start()))
    assert reconnect(remote, waiting(), become=None, stop=Flag()) == ""
    coming.join()
    assert remote.traffic().connections == 2


def test_host_that_stays_away_is_given_up(host: Sshd, remote: SshRemote) -> None:
    host.end()
    with pytest.raises(CommandError, match=r"wait until the host answers: not within 1 s: .*refused"):
        reconnect(remote, waiting(timeout=1), become=None, stop=Flag())


def test_waiting_ends_when_the_run_is_stopped(host: Sshd, remote: SshRemote) -> None:
    host.end()
    stop = Flag()
    stopping = later(lambda: (time.sleep(0.3), stop.set()))
    with pytest.raises(CommandError, match="interrupted"):
        reconnect(remote, waiting(timeout=600), become=None, stop=stop)
    stopping.join()


def test_host_that_comes_back_with_another_key_is_refused_at_once(host: Sshd, remote: SshRemote) -> None:
    assert remote.run("echo here").ok
    host.known_hosts.write_text(f"[127.0.0.1]:{host.port} {host.public_key('rsa').replace('A', 'B', 40)}\n")
    with pytest.raises(HostKeyError):
        reconnect(remote, waiting(timeout=600), become=None, stop=Flag())
