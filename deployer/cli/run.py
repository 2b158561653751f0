"""The verbs that change hosts, deploy to abort. Argv to a session, the session's report to an exit code."""

from __future__ import annotations

import gc
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.cli.options import Aim, Choice, meant_commit, playbook_options, ref_option, run_options
from deployer.cli.restoring import agree, yes_option
from deployer.errors import ExitCode

if TYPE_CHECKING:
    from deployer.model.report import Report

PLAYBOOKS = {"promote": "resume.yml", "resume": "resume.yml", "abort": "rollback.yml"}


@click.command()
@run_options
@click.option(
    "--pause-after", type=click.IntRange(1), metavar="N", help="Stop after N batches; promote or abort later."
)
@click.option("--serial", metavar="LIST", help="Hosts at a time, such as 1,25%,100%; instead of rollout_serial.")
@ref_option
@click.option("--playbook", type=click.Path(path_type=Path), help="Instead of playbooks/deploy.yml.")
@playbook_options
def run(playbook: Path | None, serial: str | None, pause_after: int | None, ref: str | None, **given: Any) -> None:
    """Bring a release to every host of an environment, and put all of them back if it fails.

    \b
    Examples:
      deploy prod --check
      deploy prod --limit 'web*' --diff
      deploy prod --ref v1.4.2
    """
    if serial:
        given["extra"] = (*given["extra"], "{rollout_serial: [" + ", ".join(_steps(serial)) + "]}")
    path, listed = (
        playbook or Path("deploy.yml"),
        {word: given.pop(f"list_{word}") for word in ("tasks", "tags", "hosts")},
    )
    if given.pop("syntax_check") or any(listed.values()):
        _list(given, path, listed)
        return
    start_at, step = given.pop("start_at_task"), given.pop("step")
    if step and not sys.stdin.isatty():
        raise click.UsageError("--step asks before each task, and this is no terminal")
    _finish(given, verb="deploy", playbook=path, pause_after=pause_after, start_at=start_at, step=step, ref=ref)


def _list(given: dict[str, Any], playbook: Path, listed: dict[str, bool]) -> None:
    """Print what the playbook holds."""
    from deployer.cli.listing import Listing, show

    choice = Choice(**{one.name: given[one.name] for one in fields(Choice)})
    listing = Listing(**listed, wanted=_words(given["tags"]), skipped=_words(given["skip_tags"]))
    show(listing, choice, playbook)


def _steps(serial: str) -> list[str]:
    steps = [step.strip() for step in serial.split(",")]
    if not all(re.fullmatch(r"\d+%?", step) for step in steps):
        raise click.UsageError(f"--serial {serial}: expected numbers and percentages such as 1,25%,100%")
    return [f'"{step}"' for step in steps]


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
@click.option(
    "--restore-data", is_flag=True, help="Bring back the data too, as it was before the release that is left."
)
@yes_option
def rollback(to: str | None, restore_data: bool, yes: bool, **given: Any) -> None:
    """Go back to an earlier release on every host, with its own images, files and environment.

    \b
    Examples:
      deploy rollback prod
      deploy rollback prod --to 20261122T063000Z-3f9a2c1
      deploy rollback prod --restore-data
    """
    if restore_data and not given["check"]:
        agree(given["environment"], yes=yes)
    _finish(given, verb="rollback", playbook=Path("rollback.yml"), to=to, restore_data=restore_data)


@click.command()
@run_options
@click.option(
    "--snapshot", metavar="NAME", default="", help="A release's id, or a file in shared/snapshots; else the newest."
)
@yes_option
def restore(snapshot: str, yes: bool, **given: Any) -> None:
    """Bring back data as it was before a migration; the release that serves stays.

    Meant is the newest snapshot that was made while this release served. What was there is kept beside it.

    \b
    Examples:
      deploy restore prod --check
      deploy restore prod --snapshot 20261122T063000Z-3f9a2c1
    """
    if not given["check"]:
        agree(given["environment"], yes=yes)
    _finish(given, verb="restore", playbook=Path("restore.yml"), restore_data=True, snapshot=snapshot)


@click.command()
@run_options
def promote(**given: Any) -> None:
    """Go on with a paused rollout: the remaining batches are switched behind the same gates.

    \b
    Example:
      deploy promote prod
    """
    _finish(given, verb="promote", playbook=Path(PLAYBOOKS["promote"]))


@click.command()
@run_options
def resume(**given: Any) -> None:
    """Finish a rollout that was interrupted: from any machine, with what is on the hosts.

    \b
    Example:
      deploy resume prod
    """
    _finish(given, verb="resume", playbook=Path(PLAYBOOKS["resume"]))


@click.command()
@run_options
def abort(**given: Any) -> None:
    """Undo a rollout that is paused or was interrupted: every host goes back to the release before it.

    \b
    Example:
      deploy abort prod
    """
    _finish(given, verb="abort", playbook=Path(PLAYBOOKS["abort"]))


def _finish(given: dict[str, Any], *, verb: str, playbook: Path, **more: Any) -> None:
    """Run, and exit with what the report says; on a terminal, ask what shall become of a rollout that is in the way."""
    report = _execute(dict(given), verb=verb, playbook=playbook, **more)
    chosen = _way_on(report.ways_on) if sys.stdin.isatty() and not given["check"] else None
    if chosen:
        report = _execute(dict(given), verb=chosen, playbook=Path(PLAYBOOKS[chosen]))
    pending = given["check"] and given["detailed_exitcode"] and report.actions
    sys.exit(ExitCode.PENDING if pending and report.exit_code is ExitCode.OK else report.exit_code)


def _way_on(verbs: tuple[str, ...]) -> str | None:
    """Ask how an earlier rollout shall end; None: it stays as it is, or there is none."""
    if not verbs:
        return None
    choices = click.Choice([*verbs, "leave"])
    answer = click.prompt("What shall become of it?", type=choices, default="leave", err=True)
    return None if answer == "leave" else str(answer)


def _execute(given: dict[str, Any], *, verb: str, playbook: Path, ref: str | None = None, **more: Any) -> Report:
    """Put a session together and run it."""
    from deployer.cli.assemble import assemble
    from deployer.cli.signals import stop_on_signals
    from deployer.engine.run import execute

    del given["detailed_exitcode"]
    tags, skip_tags = _words(given.pop("tags")), _words(given.pop("skip_tags"))
    flags = {name: given.pop(name) for name in ("check", "diff", "lock_wait")}
    with meant_commit(ref) as commit:
        aim = Aim(verb=verb, playbook=playbook, tags=tags, skip_tags=skip_tags, ref=commit, **flags, **more)
        assembly = assemble(Choice(**given), aim)
        gc.freeze()  # what is there now stays: garbage is looked for in what comes
        try:
            with stop_on_signals(assembly.session, assembly.changed) as stop:
                assembly.passwords.stop = stop
                return execute(assembly.session, stop)
        finally:
            assembly.reporter.close()


def _words(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.replace(" ", "").split(",")))
