"""A rollout that has begun and not ended, as it stands on each of its hosts: any machine can finish or undo it."""

from __future__ import annotations

from enum import StrEnum

from deployer.frozen import dataclass


class Phase(StrEnum):
    """How far one host has come."""

    PREPARED = "prepared"  # what it serves was not touched
    SWITCHING = "switching"  # armed: it goes back by itself unless it is confirmed
    SWITCHED = "switched"  # it has proven itself and was confirmed
    UNDONE = "undone"  # the watchdog has put it back
    BROKEN = "broken"  # the watchdog has tried to, and could not


@dataclass(frozen=True, kw_only=True)
class OpenRollout:
    """What `.deploy/rollout` says on a host."""

    run: str
    release: str  # id that is brought
    previous: str | None  # id that served when it began; None: there was none
    phase: Phase
    paused: bool = False
    by: str = ""  # user@machine
    since: str = ""  # RFC 3339, UTC
    stage: str = ""  # "batch 1 of 3": what was switched when it paused
    staged: bool = False  # all that goes before the batches was done on every host

    @property
    def switched(self) -> bool:
        """What the host serves was changed, or may have been, and nobody has put it back."""
        return self.phase in (Phase.SWITCHING, Phase.SWITCHED, Phase.BROKEN)

    @property
    def blocks(self) -> bool:
        """Somebody has to finish or to undo it before anything else is done."""
        return self.paused or self.phase in (Phase.SWITCHING, Phase.SWITCHED)

    def __str__(self) -> str:
        paused = f", paused after {self.stage}" if self.paused else ""
        return f"rollout of {self.release} open: {self.phase}{paused}"
