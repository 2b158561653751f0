"""Which releases of a host may go, and which snapshots."""

from __future__ import annotations

from collections.abc import Iterable

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


def removable_snapshots(made: Iterable[str], now: Installed, coming: str, keep: int) -> tuple[str, ...]:
    """The ids of the releases whose snapshots may go once that of `coming` is made, oldest first.

    `made` are the releases before whose migration there is one. Kept are the newest `keep` (at least one), that of
    `coming`, and those of releases that are on the host.
    """
    ids = sorted({*made, coming})
    kept = {*ids[-max(keep, 1) :], coming, *now.releases}
    return tuple(one for one in ids if one not in kept)


def _previous(now: Installed, coming: str) -> str | None:
    return max((one for one in now.healthy - now.failed if one in now.releases and one < coming), default=None)
