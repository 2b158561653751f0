"""`deploy unlock`: take away the lock of a run that is dead."""

from __future__ import annotations

import sys
from typing import Any

import click

from deployer.cli.options import Choice, host_options
from deployer.errors import ExitCode


@click.command()
@host_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def unlock(yes: bool, **given: Any) -> None:
    """Take away the lock that a dead run has left on hosts.

    \b
    Example:
      deploy unlock prod
    """
    from deployer.cli.ask import look_at_hosts
    from deployer.engine.lease import break_lease
    from deployer.facts.lock import LockHolder

    seen = look_at_hosts(Choice(**given), lambda root, project: (LockHolder(root),))
    held = [(one, one.answers[LockHolder(one.root)]) for one in seen if not one.error]
    for one in seen:
        if one.error:
            click.echo(f"{one.host}: {one.error.message}", err=True)
    locked = [(one, holder) for one, holder in held if holder]
    for one, holder in locked:
        click.echo(f"{one.host}: locked by {holder}", err=True)
    if not locked:
        click.echo("no host is locked")
    elif _agreed(yes):
        for one, _ in locked:
            break_lease(one.remote, one.root, become="root")
            click.echo(f"{one.host}: unlocked")
    for one in seen:
        one.remote.close()
    sys.exit(ExitCode.UNREACHABLE if any(one.error for one in seen) else ExitCode.OK)


def _agreed(yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("unlock asks before it takes a lock away; without a terminal say --yes")
    return click.confirm("Is that run dead, and shall its lock be taken away?", err=True)
