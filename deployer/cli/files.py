"""`deploy files`: what of the project would travel, and what stays at home. No host is contacted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.cli.options import (
    Choice,
    environment_argument,
    extra_option,
    inventory_option,
    limit_option,
    meant_commit,
    ref_option,
    text_option,
    vault_options,
)

if TYPE_CHECKING:
    from deployer.config.sources import Ref
    from deployer.report.files import Listed


@click.command()
@environment_argument
@ref_option
@click.option("--left-out", is_flag=True, help="What stays at home instead; folders with a slash at the end.")
@limit_option
@inventory_option
@extra_option
@vault_options
@text_option
def files(*, ref: str | None, left_out: bool, **given: Any) -> None:
    """List every file, folder and link of the project that would travel, with mode and size, and their sums.

    No host is contacted: an unchanged file is listed, too. JSON says both what travels and what stays at home.

    \b
    Examples:
      deploy files prod
      deploy files prod --left-out
      deploy files prod --ref v1.4.2 --output json
    """
    from deployer.report.files import files_json, render_files

    choice = Choice(**given)
    with meant_commit(ref) as commit:
        found = _listed(choice, commit)
    if choice.output == "json":
        click.echo(files_json(found))
    else:
        for line in render_files(found, left_out=left_out):
            click.echo(line)


def _listed(choice: Choice, commit: Ref | None) -> list[Listed]:
    """The projects of the hosts that are meant, each once."""
    from deployer.cli.assemble import find_playbook
    from deployer.cli.environment import Environment
    from deployer.config.sources import Sources
    from deployer.report.files import Listed

    playbook = find_playbook(Path("deploy.yml"))
    environment, sources = Environment(choice, playbook_folder=playbook.parent), Sources(commit)
    hosts: dict[str, list[str]] = {}
    with environment.kept_out():
        for host in environment.hosts:
            settings = environment.settings(host, playbook)
            folder = Path(str(settings["deploy_source"])).expanduser().resolve()
            hosts.setdefault(str(folder), []).append(host.name)
        read = {folder: sources.read(Path(folder)) for folder in hosts}
    return [
        Listed(
            hosts=tuple(hosts[folder]), source=folder, tree=one.tree, commit=one.checkout.commit,
            dirty=one.checkout.dirty, left_out=one.left_out,
        )
        for folder, one in read.items()
    ]  # fmt: skip
