"""`set_fact`: variables of a host, from now on. It asks no host and changes none."""

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


@module("set_fact")
@dataclass(frozen=True, kw_only=True)
class SetFact:
    """Give the host variables, for the rest of the run: `set_fact: {colour: blue, size: "{{ count * 2 }}"}`.

    They stand above variables of plays and tasks, beside what `register` gives, and below `-e`.

    Examples:
        - name: What later tasks use
          set_fact:
            pool_size: "{{ 2 * 8 }}"
            colour: blue
    """

    gathers: ClassVar[str] = "variables"  # the field that takes arguments of any name

    cacheable: bool = False  # only false: there is no cache of facts
    variables: Mapping[str, Any] = field(default_factory=dict, metadata={"internal": True})

    def __post_init__(self) -> None:
        if self.cacheable:
            raise ArgumentRefusedError("cacheable: there is no cache of facts", hint="leave it out")
        if not self.variables:
            raise ArgumentRefusedError("there is no variable to set", hint="write one: set_fact: {colour: blue}")
        for name in self.variables:
            if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
                raise ArgumentRefusedError(
                    f"`{name}` cannot be the name of a variable", hint="use letters, digits and `_`; no templates"
                )

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The variables, for the engine to note."""
        return {"ansible_facts": dict(self.variables)}
