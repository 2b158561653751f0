"""`fail`: end a host's part with a message. It asks no host and changes none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("fail")
@dataclass(frozen=True, kw_only=True)
class Fail:
    """Fail the task with a message; with `when`, where something is not as it must be.

    Examples:
        - name: Old systems are not served
          fail:
            msg: Debian {{ ansible_distribution_version }} is too old
          when:
            - ansible_distribution == 'Debian'
            - ansible_distribution_version is version('11', '<')
    """

    msg: str = "Failed as requested from task"  # why

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """That it failed, always."""
        return {"failed": True, "msg": self.msg}
