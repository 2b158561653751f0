"""Which releases of a host may go."""

from __future__ import annotations

from deployer.model.release import Installed


def removable(now: Installed, coming: str, keep: int) -> tuple[str, ...]:
    """The ids that may be removed once `coming` serves, oldest first.

    Kept are the newest `keep` releases (at least one), and whatever their age `coming`, the one that serves now and
    the newest healthy one before it: going back must always be possible.
    """
    ids = sorted({*now.releases, coming})
    kept = set(ids[-max(keep, 1) :]) | {coming}
    kept.update(one for one in (now.current, _previous(now, coming)) if one)
    return tuple(one for one in ids if one not in kept)


def _previous(now: Installed, coming: str) -> str | None:
    return max((one for one in now.healthy - now.failed if one in now.releases and one < coming), default=None)
