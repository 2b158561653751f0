"""Docker Engine as a service: started, at boot, told of new settings, by whichever init a host has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from deployer.model.action import Action, Script, run

INITS = ("systemd", "openrc", "sysvinit")
Verb = Literal["reload", "restart"]

_AWAIT = """\
left=60
until docker version >/dev/null 2>&1; do
  left=$((left - 1))
  if [ "$left" -le 0 ]; then
    docker version >&2 || :
    if command -v journalctl >/dev/null; then journalctl --unit docker --lines 20 --no-pager >&2 || :
    else tail -n 20 /var/log/docker.log >&2 || :; fi
    exit 1
  fi
  sleep 1
done
"""
_START = "/etc/init.d/docker status >/dev/null 2>&1 || /etc/init.d/docker start"
_AT_BOOT = "if command -v update-rc.d >/dev/null; then update-rc.d docker defaults; else chkconfig docker on; fi"


def start(init: str, because: str) -> Iterator[Action]:
    """Run now and at each boot."""
    if init == "systemd":
        yield run("systemctl", "enable", "--now", "docker", because=because)
        return
    yield at_boot(init, because)
    if init == "openrc":
        yield run("rc-service", "docker", "start", because=because)
    else:
        yield Script(text=_START, label="/etc/init.d/docker start", because=because)


def at_boot(init: str, because: str) -> Action:
    """Run at each boot."""
    if init == "systemd":
        return run("systemctl", "enable", "docker", because=because)
    if init == "openrc":
        return run("rc-update", "add", "docker", "default", because=because)
    return Script(text=_AT_BOOT, label="enable docker at boot", because=because)


def renew(init: str, verb: Verb, because: str) -> Action:
    """Let a running engine take its settings over, by a signal or a restart."""
    if verb == "reload" and init != "systemd":
        return Script(text='kill -HUP "$(cat /var/run/docker.pid)"', label="reload docker", because=because)
    return run(*("systemctl", "reload", "docker") if verb == "reload" else restart(init), because=because)


def restart(init: str) -> tuple[str, ...]:
    """The words that restart the engine."""
    words = {"systemd": ("systemctl", "restart", "docker"), "openrc": ("rc-service", "docker", "restart")}
    return words.get(init, ("/etc/init.d/docker", "restart"))


def wait() -> Action:
    """Until the engine answers, a minute at most."""
    return Script(
        text=_AWAIT, label="wait until Docker Engine answers", because="what comes next talks to it", changes=False
    )
