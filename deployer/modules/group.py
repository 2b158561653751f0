"""`group`: a group of users on the host."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from deployer.facts.accounts import Group
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script, run
from deployer.modules._accounts import entry_of
from deployer.modules._refusals import check_account
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("group")
@dataclass(frozen=True, kw_only=True)
class MakeGroup:
    """Make sure that a group is there, or is not.

    Examples:
        - name: A group for those who may deploy
          group:
            name: deployers
            system: true
    """

    name: str  # its name
    state: Literal["present", "absent"] = "present"  # absent: it goes
    gid: int | None = None  # number
    system: bool = False  # a group of the system, with a low number; for a new one

    def __post_init__(self) -> None:
        check_account("name", self.name)

    def facts(self) -> tuple[Fact[Any], ...]:
        return (Group(self.name),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[Group(self.name)]
        if self.state == "absent":
            if found is not None:
                yield run("groupdel", self.name, because=f"there is a group {self.name}")
        elif found is None:
            yield self._creation()
        elif self.gid is not None and self.gid != found:
            yield run("groupmod", "-g", str(self.gid), self.name, because=f"its number is {found}")

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The group as it is then."""
        made = entry_of(self.name, done, fields=4)
        gid = int(made[2]) if made else self.gid or seen[Group(self.name)]
        known = {"gid": gid} if self.state == "present" and gid is not None else {}
        return {"name": self.name, "state": self.state, "system": self.system, **known}

    def _creation(self) -> Action:
        number = ["-g", str(self.gid)] if self.gid is not None else []
        big = ["groupadd", *number, *(["-r"] if self.system else []), self.name]
        small = ["addgroup", *number, *(["-S"] if self.system else []), self.name]
        text = (
            f"if command -v groupadd >/dev/null; then {shlex.join(big)}; else {shlex.join(small)}; fi\n"
            f"awk -F: -v g={shlex.quote(self.name)} '$1 == g' /etc/group"
        )
        return Script(text=text, label=shlex.join(big), answers=True, because=f"there is no group {self.name}")
