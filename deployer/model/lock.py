"""Who holds a host, and for how long."""

from __future__ import annotations

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Holder:
    """One run: `who` is user@machine with the process id, `since` RFC 3339 in UTC."""

    run: str  # unique for each run
    who: str
    since: str
    release: str  # what it brings

    def __str__(self) -> str:
        return f"{self.who} since {self.since} (release {self.release})"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A host's lock as one run holds it: good until it expires by the host's own clock, unless it is renewed.

    `token` grows with every lease of a host. A script that changes the host first checks that its token is the
    newest and its lease still good, so that a run that slept past its lease can change nothing when it wakes up.
    """

    root: str  # the project's folder on the host
    token: int
    ttl: int  # seconds
