"""`hostname`: what the host calls itself, now and after a restart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from deployer.facts.system import HostName, Os
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Put, run
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_PART = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,64}}$){_PART}(\.{_PART})*")


@module("hostname")
@dataclass(frozen=True, kw_only=True)
class SetHostname:
    """Make sure that the host calls itself so: with hostnamectl where systemd runs, else hostname and /etc/hostname.

    /etc/hosts stays as it is. `ansible_hostname`, `ansible_nodename` and `ansible_fqdn` are set.

    Examples:
        - name: The host has the inventory's name
          hostname:
            name: "{{ inventory_hostname }}"
    """

    name: str  # the name; with dots if it has a domain
    use: Literal["auto"] = "auto"  # what the host has

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ArgumentRefusedError(
                f"name: {self.name!r} is no host's name", hint="letters, digits and `-`, in parts between dots"
            )

    def facts(self) -> tuple[Fact[Any], ...]:
        return (HostName(), Os())

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[HostName()]
        if seen[Os()].init == "systemd":
            if (found.now, found.saved) != (self.name, self.name):
                yield run("hostnamectl", "set-hostname", self.name, because=f"it is {found.now or found.saved}")
            return
        if found.saved != self.name:
            before = f"{found.saved}\n".encode() if found.saved else None
            because = f"/etc/hostname says {found.saved or 'nothing'}"
            yield Put(path="/etc/hostname", content=f"{self.name}\n".encode(), before=before, because=because)
        if found.now != self.name:
            yield run("hostname", self.name, because=f"it is {found.now}")

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The name, and the facts that hang on it."""
        short, _, domain = self.name.partition(".")
        facts = {"hostname": short, "nodename": self.name, "fqdn": self.name, "domain": domain}
        return {"name": self.name, "ansible_facts": {f"ansible_{name}": value for name, value in facts.items()}}
