"""`deploy status`: what every host serves. It reads the hosts; nothing is remembered here."""

from __future__ import annotations

import sys
from typing import Any

import click

from deployer.cli.options import Choice, host_options
from deployer.cli.surroundings import columns
from deployer.errors import ExitCode


@click.command()
@host_options
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="As what.")
@click.option("--releases", is_flag=True, help="List the releases that are on the hosts.")
def status(releases: bool, **given: Any) -> None:
    """Show for every host its release, the release's age and commit, and how its services are.

    \b
    Examples:
      deploy status prod
      deploy status prod --releases
    """
    from deployer.cli.ask import look_at_hosts
    from deployer.facts.containers import ProjectContainers, ProjectImages
    from deployer.facts.edits import EditedFiles
    from deployer.facts.lock import LockHolder, RolloutState
    from deployer.facts.releases import InstalledReleases
    from deployer.report.status import releases_json, render_releases, render_status, status_json

    choice = Choice(**given)
    as_json = choice.output == "json"
    seen = look_at_hosts(
        choice,
        lambda root, project: (
            InstalledReleases(root),
            ProjectContainers(project),
            LockHolder(root),
            RolloutState(root),
            EditedFiles(f"{root}/current"),
            ProjectImages(project),
        ),
    )
    for one in seen:
        one.remote.close()
    if releases:
        found = {one.host: one.answers[InstalledReleases(one.root)] for one in seen if not one.error}
        click.echo(releases_json(found) if as_json else render_releases(found, width=columns()), nl=as_json)
    else:
        rows = [_row(one) for one in seen]
        click.echo(status_json(rows) if as_json else render_status(rows, width=columns()), nl=as_json)
    sys.exit(ExitCode.UNREACHABLE if any(one.error for one in seen) else ExitCode.OK)


def _row(one: Any) -> Any:
    """A host's answers as a line of the table."""
    from deployer.facts.containers import ProjectContainers, ProjectImages
    from deployer.facts.edits import EditedFiles
    from deployer.facts.lock import LockHolder, RolloutState
    from deployer.facts.releases import InstalledReleases
    from deployer.modules.way_back import told_files
    from deployer.report.status import StatusRow
    from deployer.rollout.health import is_well

    if one.error:
        return StatusRow(host=one.host, note=f"unreachable: {one.error.message}")
    installed = one.answers[InstalledReleases(one.root)]
    release = installed.serving
    edited = one.answers[EditedFiles(f"{one.root}/current")] or ()
    holder = one.answers[LockHolder(one.root)]
    mine = [container for container in one.answers[ProjectContainers(one.project)] if not container.oneoff]
    left = one.answers[RolloutState(one.root)]
    notes = [
        f"locked by {holder}" if holder else "",
        str(left or ""),
        "" if release or left else "no release",
        f"deployed for {release.environment}" if release and release.environment not in ("", one.environment) else "",
        f"edited on the host: {told_files(edited)}" if edited else "",
        _no_way_back(installed, one.answers[ProjectImages(one.project)]),
    ]
    return StatusRow(
        host=one.host,
        release=release.id if release else None,
        created=release.created if release else "",
        commit=(release.commit or "") if release else "",
        dirty=release.dirty if release else False,
        by=release.by if release else "",
        services=tuple((container.service, container.state, container.health or "") for container in mine),
        healthy=bool(release) and bool(mine) and all(is_well(container) for container in mine),
        edited=edited,
        note="; ".join(filter(None, notes)),
    )


def _no_way_back(installed: Any, images: Any) -> str:
    """What `deploy rollback` would have to build or pull first; empty: nothing."""
    from deployer.modules.way_back import missing_images

    before = installed.last_healthy(installed.current) if installed.current else None
    gone = missing_images(installed, before, images) if before else {}
    if before is None or not gone:
        return ""
    service, pin = next(iter(gone.items()))
    how = "built from its own tree" if service in before.built else "pulled"
    return f"image {pin} of the release before is gone: going back, it would be {how} again"
