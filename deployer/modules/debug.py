"""`debug`: say something in the run's output. It asks no host and changes none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._refusals import check_not_both
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("debug")
@dataclass(frozen=True, kw_only=True)
class Debug:
    """Show a message, or the value of a variable.

    Examples:
        - name: What the host has
          debug:
            msg: "{{ inventory_hostname }} has {{ ansible_memtotal_mb }} MB"

        - name: The groups that it is in
          debug:
            var: group_names
    """

    free_form: ClassVar[str] = "msg"
    not_both: ClassVar[tuple[tuple[str, str], ...]] = (("msg", "var"),)  # pairs that exclude each other
    evaluates: ClassVar[str] = "var"  # the argument that names an expression; its value comes as `value`
    given: ClassVar[Mapping[str, str]] = {"run_verbosity": "ansible_verbosity"}

    msg: Any = None  # text, or any value; without `var`, "Hello world!"
    var: str | None = None  # name of a variable, or an expression without braces, instead of `msg`
    verbosity: int = 0  # said only with at least so many -v; otherwise the task is skipped
    value: Any = field(default=..., metadata={"internal": True})
    run_verbosity: int = field(default=0, metadata={"internal": True})

    def __post_init__(self) -> None:
        check_not_both(self, self.not_both)

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def says(self) -> str:
        """The message for the task's result. Raises TypeError if nobody has evaluated `var`."""
        return _text(self._message()) if self.var is None else f"{self.var}: {_text(self._value())}"

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The message, or the variable under its own name; that the task is skipped if there are too few -v."""
        if self.verbosity > self.run_verbosity:
            return {"skipped": True, "skipped_reason": "Verbosity threshold not met."}
        return {"msg": self._message()} if self.var is None else {self.var: self._value()}

    def _message(self) -> Any:
        return "Hello world!" if self.msg is None else self.msg

    def _value(self) -> Any:
        if self.value is ...:
            raise TypeError(f"{self.var} was not evaluated")
        return self.value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
