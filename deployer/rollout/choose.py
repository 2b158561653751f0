"""Which release a run means: the one that is there already, a new one, or the one to go back to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from deployer.errors import DeployerError, ExitCode
from deployer.model.release import Installed, Release
from deployer.model.rollout import OpenRollout, Phase

STAMP = re.compile(r"\d{8}T\d{6}Z")  # what ids begin with
TIME = "%Y%m%dT%H%M%SZ"


class NoReleaseError(DeployerError):
    """There is no release to go back to; nothing was changed."""

    exit_code = ExitCode.ROLLED_BACK


def choose_release(wanted: Mapping[str, Release], seen: Mapping[str, Installed]) -> dict[str, Release]:
    """The same releases under the id that the fleet shall have.

    Where a host serves just this content, its release's id is taken for the whole fleet, so that an unchanged host
    stays as it is and a host that is added later gets the same release; else the new id stands, moved behind all that
    hosts have if the clock here is behind the one that made those.
    """
    served = [now.current for host, now in seen.items() if now.serving and now.serving.digest == wanted[host].digest]
    for release_id in dict.fromkeys(one for one in served if one):
        if all(_can_be(release_id, wanted[host], seen[host]) for host in wanted):
            return {host: _adopt(release_id, release, seen[host]) for host, release in wanted.items()}
    return _newest(wanted, seen)


def _newest(wanted: Mapping[str, Release], seen: Mapping[str, Installed]) -> dict[str, Release]:
    """The same releases with a later time in their ids than any release there is: ids tell what came after what."""
    stamps = (one.partition("-")[0] for now in seen.values() for one in now.releases)
    last = max((stamp for stamp in stamps if STAMP.fullmatch(stamp)), default="")
    moved = {}
    for host, release in wanted.items():
        stamp, dash, rest = release.id.partition("-")
        behind = STAMP.fullmatch(stamp) and stamp <= last
        moved[host] = replace(release, id=f"{_next(last)}{dash}{rest}") if behind else release
    return moved


def _next(stamp: str) -> str:
    return f"{datetime.strptime(stamp, TIME) + timedelta(seconds=1):{TIME}}"


def _can_be(release_id: str, release: Release, now: Installed) -> bool:
    there = now.releases.get(release_id)
    return there is None or (there.digest == release.digest and release_id not in now.failed)


def _adopt(release_id: str, release: Release, now: Installed) -> Release:
    return now.releases.get(release_id) or replace(release, id=release_id)


def choose_previous(seen: Mapping[str, Installed], to: str | None = None) -> dict[str, Release]:
    """For each host the release to go back to: `to`, or the newest one that was healthy on every host before.

    Raises NoReleaseError, naming the host and what it has, where there is none.
    """
    common = to or _newest_common(seen)
    if common is None:
        raise NoReleaseError("no earlier release was healthy on every host", hint=_listing(seen))
    missing = [host for host, now in seen.items() if common not in now.releases]
    if missing:
        raise NoReleaseError(f"release {common} is not there", host=missing[0], hint=_listing(seen))
    return {host: now.releases[common] for host, now in seen.items()}


def choose_serving(seen: Mapping[str, Installed]) -> dict[str, Release]:
    """For each host the release that serves, or the newest one where none does.

    Raises NoReleaseError, naming the host, where there is no release at all.
    """
    bare = [host for host, now in seen.items() if not now.releases]
    if bare:
        raise NoReleaseError("no release is there", host=bare[0], hint=_listing(seen))
    return {host: now.serving or now.releases[max(now.releases)] for host, now in seen.items()}


def choose_open(seen: Mapping[str, Installed], left: Mapping[str, OpenRollout], *, undo: bool) -> dict[str, Release]:
    """For each host the release of the rollout that is open, or what it serves if it has not got that.

    Raises NoReleaseError if none is open, if hosts are in the middle of different ones, or if there is nothing to
    finish or to undo.
    """
    ids = {one.release for one in left.values() if one.blocks} or {one.release for one in left.values()}
    if not ids:
        raise NoReleaseError("no rollout is open on any host: there is nothing to go on with")
    if len(ids) > 1:
        raise NoReleaseError(f"hosts were left by different rollouts: {', '.join(sorted(ids))}", hint=_listing(seen))
    release = ids.pop()
    mine = {host: one for host, one in left.items() if one.release == release}
    if undo:
        _refuse_undo(release, seen, mine)
    else:
        _refuse_finish(release, seen, mine)
    found = {host: now.releases.get(release) or now.serving for host, now in seen.items()}
    return {host: one for host, one in found.items() if one}


def _refuse_undo(release: str, seen: Mapping[str, Installed], left: Mapping[str, OpenRollout]) -> None:
    ended = [host for host, now in seen.items() if host not in left and now.current == release]
    if ended and all(one.phase is Phase.SWITCHED and not one.paused for one in left.values()):
        raise NoReleaseError(
            f"the rollout of {release} has been completed: {', '.join(ended)} closed it",
            hint="close it everywhere: deploy resume ENV; go back all the same: deploy rollback ENV",
        )
    for host, one in left.items():
        if one.switched and one.previous and one.previous not in seen[host].releases:
            raise NoReleaseError(f"release {one.previous}, which served before, is not there any more", host=host)


def _refuse_finish(release: str, seen: Mapping[str, Installed], left: Mapping[str, OpenRollout]) -> None:
    missing = [host for host, now in seen.items() if release not in now.releases]
    if missing:
        raise NoReleaseError(f"release {release} is not there yet", host=missing[0], hint="begin anew: deploy ENV")
    if not any(one.staged for one in left.values()):
        raise NoReleaseError(
            f"release {release} was not prepared on every host when its rollout ended",
            hint="undo what was begun: deploy abort ENV; then begin anew: deploy ENV",
        )


def _newest_common(seen: Mapping[str, Installed]) -> str | None:
    candidates: set[str] | None = None
    for now in seen.values():
        earlier = {
            one for one in (now.healthy - now.failed) & set(now.releases) if not now.current or one < now.current
        }
        candidates = earlier if candidates is None else candidates & earlier
    return max(candidates or (), default=None)


def _listing(seen: Mapping[str, Installed]) -> str:
    lines = [f"{host} has {', '.join(reversed(list(now.releases))) or 'no release'}" for host, now in seen.items()]
    return "; ".join(lines) + "; name one with --to RELEASE"
