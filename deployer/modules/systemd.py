"""`systemd`: a unit of systemd, now and at boot, and systemd's own view of unit files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.facts.services import Service, ServiceSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, run
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError
from deployer.modules._services import State, check_service, plan_service, values
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_ANY = "-.slice"  # a unit that every systemd has: asked for where no name is given


@module("systemd")
@dataclass(frozen=True, kw_only=True)
class Systemd:
    """Make sure that a unit of systemd runs or does not, now and at boot; let systemd read its unit files again.

    Examples:
        - name: The containers have port 80 for themselves
          systemd:
            name: nginx
            state: stopped
            enabled: false
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "service": "name", "unit": "name", "daemon-reload": "daemon_reload", "daemon-reexec": "daemon_reexec",
    }  # fmt: skip

    name: str | None = None  # unit; `.service` may be left out
    state: State | None = None  # started, stopped; restarted and reloaded are done each time
    enabled: bool | None = None  # whether it starts at boot
    masked: bool | None = None  # whether nothing can start it
    daemon_reload: bool = False  # first read unit files again; that is no change
    daemon_reexec: bool = False  # first start systemd itself anew; that is no change
    no_block: bool = False  # do not wait for the unit
    scope: Literal["system"] = "system"  # users' own units are not managed

    def __post_init__(self) -> None:
        if self.name is not None:
            check_service(self.name)
        if self.name is None and (self.state, self.enabled, self.masked) != (None, None, None):
            raise ArgumentRefusedError("there is no unit's name", hint="give one: name: nginx")
        if self.name is None and not (self.daemon_reload or self.daemon_reexec):
            raise ArgumentRefusedError("there is nothing to do", hint="give name and state, or daemon_reload: true")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[self._fact()]
        if found.init != "systemd":
            raise HostRefusedError("systemd does not run on this host", hint="service speaks to other inits too")
        for wanted, verb in ((self.daemon_reexec, "daemon-reexec"), (self.daemon_reload, "daemon-reload")):
            if wanted:
                yield run("systemctl", verb, because=f"{verb} is asked for", changes=False)
        if self.name is None:
            return
        if self.daemon_reload and not found.exists:  # its file may have come since systemd has read them
            found = ServiceSeen(init=found.init, load="loaded", enabled=found.enabled)
        yield from self._masking(self.name, found)
        options = ("--no-block",) if self.no_block else ()
        yield from plan_service(self.name, found, state=self.state, enabled=self.enabled, options=options)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What it shall be, and systemd's words for what it was."""
        if self.name is None:
            return {"name": None, "status": {}}
        return values(self.name, seen[self._fact()], state=self.state, enabled=self.enabled)

    def _masking(self, name: str, found: ServiceSeen) -> Iterator[Action]:
        if self.masked is not None and self.masked != (found.load == "masked"):
            verb = "mask" if self.masked else "unmask"
            yield run("systemctl", verb, "--", name, because=f"it is {'not ' if self.masked else ''}masked")

    def _fact(self) -> Service:
        return Service(self.name or _ANY)
