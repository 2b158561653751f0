"""`assert`: stop where what should hold does not. It asks no host and changes none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("assert")
@dataclass(frozen=True, kw_only=True)
class Assert:
    """Fail the task unless all conditions hold.

    Examples:
        - name: The host is large enough
          assert:
            that:
              - ansible_memtotal_mb >= 256
              - ansible_architecture in ['x86_64', 'aarch64']
            fail_msg: take a host with more memory
    """

    conditions: ClassVar[str] = (
        "that"  # the argument whose entries are evaluated as `when` is; what they come to is `results`
    )

    that: tuple[str | bool, ...] | str | bool  # one condition or a list, written as in `when`
    fail_msg: str | None = None  # said if one does not hold; otherwise the condition is named
    success_msg: str | None = None  # said if all hold
    results: tuple[bool, ...] | None = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        if self.that in ("", ()):
            raise ArgumentRefusedError("there is no condition", hint="give one: that: release is defined")

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def says(self) -> str | None:
        """The message for the task's result if all conditions hold."""
        return self.success_msg

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The condition that does not hold, if there is one. Raises TypeError if nobody has evaluated them."""
        if self.results is None:
            raise TypeError("the conditions were not evaluated")
        conditions = self.that if isinstance(self.that, tuple) else (self.that,)
        broken = [text for text, holds in zip(conditions, self.results, strict=True) if not holds]
        if not broken:
            return {"msg": self.success_msg or "All assertions passed"}
        message = self.fail_msg or f"does not hold: {broken[0]}"
        return {"failed": True, "msg": message, "assertion": broken[0], "evaluated_to": False}
