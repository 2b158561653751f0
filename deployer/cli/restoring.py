"""What comes before data is brought back: a person who has agreed, and a project that has something to bring back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.errors import PlaybookError, ProjectError
from deployer.model.playbook import Playbook

if TYPE_CHECKING:
    from deployer.cli.environment import Environment

yes_option = click.option("--yes", is_flag=True, help="Do not ask before data is brought back.")


def agree(environment: str, *, yes: bool) -> None:
    """Ask for the environment's name; raises click.UsageError where nobody can be asked, click.Abort for another."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("bringing back data is asked for first; without a terminal say --yes")
    click.echo("What was written since the snapshot will no longer be in use; --check says which one it is.", err=True)
    if click.prompt(f"Type the environment's name ({environment}) to go on", err=True).strip() != environment:
        raise click.Abort


def check_restorable(environment: Environment, path: Path, playbook: Playbook) -> None:
    """Raise a ConfigError if the playbook would bring back nothing: that must not look like success."""
    settings = (environment.settings(host, path) for host in environment.hosts)
    if not any(one["deploy_snapshot"] for one in settings):
        raise ProjectError(
            "deploy_snapshot names no service: no data is kept, and none can be brought back",
            hint="set it in the inventory; snapshots are made from the next deployment on",
        )
    if not any(task.module == "restore" for play in playbook.plays for task in play.all_tasks):
        raise PlaybookError(f"{path} has no task with `restore`", hint="take it over from the shipped playbook")
