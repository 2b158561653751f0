"""The verbs that change hosts: run, provision, rollback. Argv to a session, the session's report to an exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from deployer.cli.options import Choice, run_options
from deployer.errors import ExitCode


@click.command()
@run_options
@click.option("--playbook", type=click.Path(path_type=Path), help="Instead of playbooks/deploy.yml.")
def run(playbook: Path | None, **given: Any) -> None:
    """Bring a release to every host of an environment, and put all of them back if it fails.

    \b
    Examples:
      deploy prod --check
      deploy prod --limit 'web*' --diff
    """
    _finish(given, verb="deploy", playbook=playbook or Path("deploy.yml"))


@click.command()
@run_options
def provision(**given: Any) -> None:
    """Only prepare hosts: install and start Docker Engine where it is missing.

    \b
    Example:
      deploy provision prod --check
    """
    _finish(given, verb="provision", playbook=Path("provision.yml"))


@click.command()
@run_options
@click.option("--to", metavar="RELEASE", help="The release to go back to; default: the last one that was healthy.")
def rollback(to: str | None, **given: Any) -> None:
    """Go back to an earlier release on every host, with its own images, files and environment.

    \b
    Examples:
      deploy rollback prod
      deploy rollback prod --to 20261122T063000Z-3f9a2c1
    """
    _finish(given, verb="rollback", playbook=Path("rollback.yml"), to=to)


def _finish(given: dict[str, Any], *, verb: str, playbook: Path, to: str | None = None) -> None:
    """Put a session together, run it, and exit with what its report says."""
    from deployer.cli.assemble import assemble
    from deployer.cli.signals import stop_on_signals
    from deployer.engine.run import execute

    options = {name: given.pop(name) for name in ("check", "detailed_exitcode", "diff", "tags", "skip_tags")}
    assembly = assemble(Choice(**given), verb=verb, playbook=playbook, to=to, **_split(options))
    try:
        with stop_on_signals(assembly.session) as stop:
            report = execute(assembly.session, stop)
    finally:
        assembly.reporter.close()
    pending = options["check"] and options["detailed_exitcode"] and report.actions
    sys.exit(ExitCode.PENDING if pending and report.exit_code is ExitCode.OK else report.exit_code)


def _split(options: dict[str, Any]) -> dict[str, Any]:
    words = {name: frozenset(filter(None, options[name].replace(" ", "").split(","))) for name in ("tags", "skip_tags")}
    return {"check": options["check"], "diff": options["diff"], **words}
