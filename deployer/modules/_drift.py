"""How the containers on a host differ from a release's. What is done about it is left to `compose` and `gate`."""

from __future__ import annotations

from deployer.model.release import Container, Installed, Release


def is_as_wanted(release: Release, installed: Installed, containers: tuple[Container, ...]) -> bool:
    """True if the release is the current one and each of its services has a well container of its definition."""
    return installed.current == release.id and not drift(release, installed, containers)


def drift(release: Release, installed: Installed, containers: tuple[Container, ...]) -> str | None:
    """The first difference between the current release's services and what runs, as a sentence; None: there is none."""
    for service in release.services:
        found = [one for one in containers if one.service == service and not one.oneoff]
        if not found:
            return f"{service} has no container"
        for one in found:
            if not runs_or_is_done(one):
                return f"{one.name} is {one.state}"
            if one.config_hash != installed.hashes.get(service):
                return f"{one.name} was made from another definition"
    return None


def runs_or_is_done(one: Container) -> bool:
    return one.state == "running" or (one.state == "exited" and one.exit_code == 0 and one.restart_policy == "no")
