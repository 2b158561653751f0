"""`debug`: say something in the run's output. It asks no host and changes none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deployer.model.action import Action
from deployer.modules._refusals import check_one_of
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("debug")
@dataclass(frozen=True, kw_only=True)
class Debug:
    """Show a message, or the value of a variable."""

    free_form: ClassVar[str] = "msg"
    evaluates: ClassVar[str] = "var"  # the argument that names an expression; its value comes as `value`

    msg: Any = None  # text, or any value
    var: str | None = None  # name of a variable, or an expression without braces, instead of `msg`
    value: Any = field(default=..., metadata={"internal": True})

    def __post_init__(self) -> None:
        check_one_of("msg", self.msg, "var", self.var)

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def says(self) -> str:
        """The message for the task's result. Raises TypeError if nobody has evaluated `var`."""
        if self.var is None:
            return _text(self.msg)
        if self.value is ...:
            raise TypeError(f"{self.var} was not evaluated")
        return f"{self.var}: {_text(self.value)}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
