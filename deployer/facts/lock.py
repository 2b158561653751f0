"""Who holds a host, and which rollout has begun on it and not ended."""

from __future__ import annotations

import json
import shlex
from typing import ClassVar

from deployer.frozen import dataclass
from deployer.model.lock import Holder
from deployer.model.rollout import OpenRollout, Phase

# The highest number of a lease, given back or not: each new one counts on from there. To be run in `.deploy`.
_LAST = """\
last=0; for at in lock.*; do at=${at#lock.}
case $at in '' | *[!0-9]*) ;; *) [ "$at" -le "$last" ] || last=$at ;; esac; done
"""


@dataclass(frozen=True)
class LastLease:
    """The number of a project's last lease on this host, whoever had it; 0 if there was none."""

    constant: ClassVar[bool] = False

    root: str

    def script(self) -> str:
        return f'cd {shlex.quote(self.root)}/.deploy || exit 1\n{_LAST}echo "$last"'

    def parse(self, output: str, status: int) -> int:
        return int(output) if status == 0 and output.strip().isdigit() else 0


@dataclass(frozen=True)
class LockHolder:
    """The run that holds a project's lease on this host; None if it is free, given back or run out."""

    constant: ClassVar[bool] = False

    root: str

    def script(self) -> str:
        return (
            f"cd {shlex.quote(self.root)}/.deploy || exit 1\n{_LAST}"
            '[ "$last" != 0 ] && [ ! -e "lock.$last/released" ] || exit 1\n'
            '[ "$(date +%s)" -lt "$(cat "lock.$last/expires")" ] && cat "lock.$last/holder"'
        )

    def parse(self, output: str, status: int) -> Holder | None:
        if status != 0:
            return None
        try:
            raw = json.loads(output)
            return Holder(**{key: str(raw.get(key, "?")) for key in Holder.__dataclass_fields__})
        except (ValueError, AttributeError):
            return Holder(run="?", who="?", since="?", release="?")


@dataclass(frozen=True)
class RolloutState:
    """The rollout that is open on this host; None if there is none."""

    constant: ClassVar[bool] = False

    root: str

    def script(self) -> str:
        room = shlex.quote(f"{self.root}/.deploy")
        return f"cd {room} && cat rollout phase && {{ [ ! -e staged ] || echo staged; }}"

    def parse(self, output: str, status: int) -> OpenRollout | None:
        lines = output.split("\n")
        if status != 0 or len(lines) < 2:
            return None
        try:
            raw = json.loads(lines[0])
            words = lines[1].split()
            return OpenRollout(
                **raw, phase=Phase(words[0]), paused="paused" in words[1:2], stage=" ".join(words[2:]),
                staged="staged" in lines[2:],
            )  # fmt: skip
        except (ValueError, TypeError, IndexError):
            return None
