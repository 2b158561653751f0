"""Who holds a host."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import ClassVar

from deployer.model.lock import Holder


@dataclass(frozen=True)
class LockHolder:
    """The run that holds a project's lock on this host; None if it is free."""

    constant: ClassVar[bool] = False

    root: str

    def script(self) -> str:
        return f"cat {shlex.quote(self.root)}/.deploy/lock/holder"

    def parse(self, output: str, status: int) -> Holder | None:
        if status != 0:
            return None
        try:
            raw = json.loads(output)
            return Holder(**{key: str(raw.get(key, "?")) for key in Holder.__dataclass_fields__})
        except (ValueError, AttributeError):
            return Holder(run="?", who="?", since="?", release="?")
