"""Who holds a host, so that a second run can say so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Holder:
    """One run: `who` is user@machine with the process id, `since` RFC 3339 in UTC."""

    run: str  # unique for each run
    who: str
    since: str
    release: str  # what it brings

    def __str__(self) -> str:
        return f"{self.who} since {self.since} (release {self.release})"
