"""`add_host`: a host that no inventory knows joins the run. It asks no host and changes none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_NAME = re.compile(
    r"(?P<host>[\w.%+-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?|(?P<ipv6>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)"
)


@module("add_host")
@dataclass(frozen=True, kw_only=True)
class AddHost:
    """Let a host take part in later plays of this run, in these groups and with these variables; once for a batch.

    Every argument of another name is a variable of it: `add_host: {name: web9, groups: [web], ansible_host: 10.0.0.9}`.
    It is connected to when the first play for it begins. In a rollout it is refused: that takes a lease on every host
    before it begins.

    Examples:
        - name: The machine that was made just now
          add_host:
            name: web9
            groups: [web, fresh]
            ansible_host: 10.0.0.9
            ansible_user: deploy
    """

    gathers: ClassVar[str] = "variables"  # the field that takes arguments of any name
    aliases: ClassVar[Mapping[str, str]] = {
        "host": "name",
        "hostname": "name",
        "group": "groups",
        "groupname": "groups",
    }
    for_all: ClassVar[bool] = True  # once for a batch, not once for a host

    name: str  # the host's name or address; with `:port` if it is another than 22
    groups: str | list[str] = field(default_factory=list)  # names, as a list or with commas between them
    variables: Mapping[str, Any] = field(default_factory=dict, metadata={"internal": True})

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ArgumentRefusedError(
                f"name: {self.name!r} is no host's name", hint="a name or an address: name: web9"
            )

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The host, for the engine to add."""
        found = _NAME.fullmatch(self.name)
        assert found is not None
        name = (found["host"] or found["ipv6"]).strip("[]")
        port = {"ansible_ssh_port": int(found["port"])} if found["port"] else {}
        names = self.groups.split(",") if isinstance(self.groups, str) else self.groups
        groups = [one.strip() for one in names if one.strip()]
        return {"add_host": {"host_name": name, "groups": groups, "host_vars": {**port, **self.variables}}}
