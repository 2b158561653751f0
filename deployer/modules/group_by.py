"""`group_by`: the host joins a group that its variables name. It asks no host and changes none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("group_by")
@dataclass(frozen=True, kw_only=True)
class GroupBy:
    """Put the host into a group, made if need be, till the end of the run: `group_by: {key: "{{ ansible_system }}"}`.

    Later plays may name the group in `hosts`; what group_vars say of it counts from the next task on.

    Examples:
        - name: Hosts by their distribution
          group_by:
            key: "os_{{ ansible_distribution | lower }}"
            parents: [by_os]
    """

    key: str  # the group's name; spaces become dashes
    parents: list[str] = field(default_factory=lambda: ["all"])  # the groups that it lies below

    def __post_init__(self) -> None:
        if not self.key.strip():
            raise ArgumentRefusedError("key is empty", hint="name a group: key: web")

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The group, for the engine to put the host into."""
        names = [name.replace(" ", "-") for name in (self.key, *self.parents)]
        return {"add_group": names[0], "parent_groups": names[1:]}
