"""`service`: a service, now and at boot, whatever the host's init."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from deployer.facts.services import Service
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules._services import State, check_service, plan_service, values
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("service")
@dataclass(frozen=True, kw_only=True)
class RunService:
    """Make sure that a service runs or does not, now and at boot: with systemd, OpenRC or its script in /etc/init.d.

    Examples:
        - name: nginx runs, also after a reboot
          service:
            name: nginx
            state: started
            enabled: true
    """

    name: str  # as the init calls it
    state: State | None = None  # started, stopped; restarted and reloaded are done each time
    enabled: bool | None = None  # whether it starts at boot
    use: Literal["auto"] = "auto"  # the host's own init

    def __post_init__(self) -> None:
        check_service(self.name)
        if self.state is None and self.enabled is None:
            raise ArgumentRefusedError("neither state nor enabled is given", hint="say one: state: started")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (Service(self.name),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield from plan_service(self.name, seen[Service(self.name)], state=self.state, enabled=self.enabled)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What it shall be."""
        return values(self.name, seen[Service(self.name)], state=self.state, enabled=self.enabled)
