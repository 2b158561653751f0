"""`package`: packages of the distribution, whatever its package manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.facts.packages import Packages
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.modules._packages import State, Wish, check_names, is_idle
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("package")
@dataclass(frozen=True, kw_only=True)
class Package:
    """Make sure that packages are installed, or are not, with the host's apt, dnf, yum or apk.

    Installing never removes another package; removing leaves configuration and data where they are.

    Examples:
        - name: curl is there, whatever the distribution
          package:
            name: curl
            state: present
    """

    aliases: ClassVar[Mapping[str, str]] = {"pkg": "name"}

    name: tuple[str, ...]  # one or several; with apt, `nginx=1.24*` asks for a version
    state: State  # present (or installed), latest, absent (or removed)
    use: Literal["auto"] = "auto"  # the host's own package manager

    def __post_init__(self) -> None:
        check_names(self.name)
        if not self.name:
            raise ArgumentRefusedError("there is no package's name", hint="give one: name: curl")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield from self._wish().plan(seen[self._fact()])

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """Nothing changed, if the package manager has said so."""
        return {"changed": False} if is_idle(done, seen[self._fact()]) else {}

    def _wish(self) -> Wish:
        return Wish(names=self.name, state=self.state)

    def _fact(self) -> Packages:
        return Packages(self._wish().bare())
