"""Which release a run means: the one that is there already, a new one, or the one to go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deployer.errors import DeployerError, ExitCode
from deployer.model.release import Installed, Release


class NoReleaseError(DeployerError):
    """There is no release to go back to; nothing was changed."""

    exit_code = ExitCode.ROLLED_BACK


def choose_release(wanted: Mapping[str, Release], seen: Mapping[str, Installed]) -> dict[str, Release]:
    """The same releases under the id that the fleet shall have.

    Where a host serves just this content, its release's id is taken for the whole fleet, so that an unchanged host
    stays as it is and a host that is added later gets the same release; else the new id stands.
    """
    served = [now.current for host, now in seen.items() if now.serving and now.serving.digest == wanted[host].digest]
    for release_id in dict.fromkeys(one for one in served if one):
        if all(_can_be(release_id, wanted[host], seen[host]) for host in wanted):
            return {host: _adopt(release_id, release, seen[host]) for host, release in wanted.items()}
    return dict(wanted)


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
