"""What a command says when it ends with an error, on the screen and in the log file. No secret is in it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from deployer.cli.surroundings import has_colour
from deployer.errors import ConfigGroupError, DeployerError

MOST_SHOWN = 20  # errors of one configuration
_clean: list[Callable[[str], str]] = []  # of the environments of this process


def keep_clean(clean: Callable[[str], str]) -> None:
    """From now on, all that is said here goes through this."""
    _clean.append(clean)


def show_error(error: DeployerError) -> None:
    """An error as a user meets it: what is wrong and where, then what to do; of several, the first ones."""
    errors = error.errors if isinstance(error, ConfigGroupError) else (error,)
    for one in errors[:MOST_SHOWN]:
        click.secho(f"error: {_cleaned(str(one))}", err=True, fg="red", color=has_colour())
        if one.hint:
            click.echo(f"hint:  {_cleaned(one.hint)}", err=True)
    if len(errors) > MOST_SHOWN:
        click.secho(f"error: and {len(errors) - MOST_SHOWN} more", err=True, fg="red", color=has_colour())
        click.echo("hint:  deploy lint shows all of them", err=True)


def show_bug() -> None:
    """A bug of ours: the traceback goes to the log file, and to the screen only with -vv."""
    text = _cleaned(traceback.format_exc())
    log = Path(os.environ.get("XDG_STATE_HOME", "~/.local/state")).expanduser() / "deployer" / "error.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
            file.write(text + "\n")
        where = f"the traceback is in {log}"
    except OSError as wrong:
        where = f"{log} could not be written: {wrong.strerror}"
    click.secho(
        f"error: this is a bug in deployer: {text.strip().splitlines()[-1]}", err=True, fg="red", color=has_colour()
    )
    click.echo(f"hint:  {where}; hosts may have been changed: look with deploy status", err=True)
    if any(word.startswith("-vv") for word in sys.argv):
        click.echo(text, err=True)


def _cleaned(text: str) -> str:
    for clean in _clean:
        text = clean(text)
    return text
