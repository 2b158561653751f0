"""Services as `service` and `systemd` plan them. How one is, is the fact's to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from deployer.facts.services import ServiceSeen
from deployer.model.action import Action, Script, run
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError

State = Literal["started", "stopped", "restarted", "reloaded"]
_VERBS = {"started": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload"}


def check_service(name: str) -> None:
    """Raise ArgumentRefusedError for what is no service's name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]*", name):
        raise ArgumentRefusedError(f"name: {name!r} is no service's name", hint="such as nginx or backup.timer")


def plan_service(
    name: str, found: ServiceSeen, *, state: State | None, enabled: bool | None, options: tuple[str, ...] = ()
) -> Iterator[Action]:
    """Bring a service to a state, now and at boot; raises HostRefusedError if there is none of this name."""
    if not found.exists and (state is not None or enabled is not None):
        raise HostRefusedError(
            f"could not find the requested service {name}", hint="is its package installed, and the name right?"
        )
    if enabled is not None and enabled != found.at_boot:
        yield _at_boot(name, found.init, enabled)
    verb = _verb(state, found)
    if verb:
        plain = state in ("started", "stopped")
        because = f"it is {found.active or 'not running'}" if plain else f"{state} is asked for"
        yield run(*_command(found.init, name, verb, options), because=because)


def values(name: str, found: ServiceSeen, *, state: State | None, enabled: bool | None) -> Mapping[str, Any]:
    """What `register` gives of a service."""
    told: dict[str, Any] = {"name": name}
    if state is not None:
        told["state"] = "stopped" if state == "stopped" else "started"
    if enabled is not None:
        told["enabled"] = enabled
    status = {"ActiveState": found.active, "LoadState": found.load, "UnitFileState": found.enabled}
    return {**told, "status": status if found.init == "systemd" else {}}


def _verb(state: State | None, found: ServiceSeen) -> str | None:
    if state is None or (state == "started" and found.runs) or (state == "stopped" and not found.runs):
        return None
    return "start" if state == "reloaded" and not found.runs else _VERBS[state]


def _command(init: str, name: str, verb: str, options: tuple[str, ...] = ()) -> tuple[str, ...]:
    if init == "systemd":
        return ("systemctl", *options, verb, "--", name)
    return ("rc-service", name, verb) if init == "openrc" else (f"/etc/init.d/{name}", verb)


def _at_boot(name: str, init: str, enabled: bool) -> Action:
    because = f"it does {'not ' if enabled else ''}start at boot"
    if init == "systemd":
        return run("systemctl", "enable" if enabled else "disable", "--", name, because=because)
    if init == "openrc":
        return run("rc-update", "add" if enabled else "delete", name, because=because)
    word = "enable" if enabled else "disable"
    text = (
        f"if command -v update-rc.d >/dev/null; then update-rc.d {name} defaults && update-rc.d {name} {word}\n"
        f"else chkconfig {name} {'on' if enabled else 'off'}; fi"
    )
    return Script(text=text, label=f"{word} {name} at boot", because=because)
