"""`include_vars`: variables from a file of this machine, from now on. It asks no host and changes none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deployer.model.action import Action, Outcome
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("include_vars")
@dataclass(frozen=True, kw_only=True)
class IncludeVars:
    """Give the host the variables of a YAML or JSON file, for the rest of the run.

    They stand above variables of plays and tasks, and below what `set_fact` and `register` give.

    Examples:
        - name: What only some hosts need to know
          include_vars: vars/web.yml
    """

    free_form: ClassVar[str] = "file"
    loads: ClassVar[str] = "file"  # the argument that names a file of variables; they come as `loaded`

    file: str  # beside the playbook, or in `vars` there
    name: str | None = None  # one variable that holds them all, instead of one each
    loaded: Mapping[str, Any] = field(default_factory=dict, metadata={"internal": True})

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The variables, for the engine to note."""
        found = dict(self.loaded)
        return {"ansible_facts": {self.name: found} if self.name else found}
