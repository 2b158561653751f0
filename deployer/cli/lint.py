"""`deploy lint`: all that is wrong with inventories, playbooks and templates, in one go. No host is contacted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from deployer.cli.completion import complete_environment
from deployer.cli.options import Choice, extra_option, inventory_option, text_option, vault_options
from deployer.errors import ExitCode


@click.command()
@click.argument("environment", metavar="[ENV]", required=False, shell_complete=complete_environment)
@inventory_option
@click.option(
    "--playbook",
    "playbooks",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Playbook to read; may be repeated; default: all in playbooks/, or those that come with deploy.",
)
@extra_option
@vault_options
@text_option
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def lint(environment: str | None, playbooks: tuple[Path, ...], output: str, strict: bool, **given: Any) -> None:
    """Report all that is wrong with inventories, playbooks and templates. No host is contacted.

    Without ENV and -i, all inventories in inventories/ are read. Exit code 3 if there are errors, 0 if there are only
    warnings.

    \b
    Examples:
      deploy lint
      deploy lint prod --strict
      deploy lint -i hosts.ini --playbook site.yml --output json
    """
    from deployer.cli.linting import Linting
    from deployer.report.lint import render_count, render_findings, render_json

    lint = Linting(Choice(environment=environment or "", **given), playbooks)
    found = lint.findings()
    if output == "json":
        click.echo(render_json(found))
    else:
        for line in (*render_findings(found), render_count(found, len(lint.inventories), len(lint.paths))):
            click.echo(line)
    is_wrong = any(strict or one.severity == "error" for one in found)
    sys.exit(ExitCode.CONFIG if is_wrong else ExitCode.OK)
