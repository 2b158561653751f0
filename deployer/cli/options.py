"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deployer.cli.completion import complete_environment
from deployer.frozen import dataclass

if TYPE_CHECKING:
    from deployer.config.sources import Ref

F = TypeVar("F", bound=Callable[..., Any])

environment_argument = click.argument("environment", metavar="ENV", shell_complete=complete_environment)
limit_option = click.option("--limit", metavar="PATTERN", help="Only these hosts: names, groups, wildcards, @file.")
extra_option = click.option(
    "-e", "--extra-vars", "extra", multiple=True, metavar="KEY=VALUE", help="A variable that overrides all others."
)
inventory_option = click.option(
    "-i",
    "--inventory",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Inventory file, folder or script, or `host,`; may be repeated; default: inventories/ENV.*.",
)
forks_option = click.option(
    "--forks", type=click.IntRange(1), default=16, show_default=True, help="Hosts that are worked on at the same time."
)
OUTPUTS = ("live", "plain", "json", "ansible")
output_option = click.option(
    "--output",
    type=click.Choice(OUTPUTS),
    help="How a run is told: live view, plain lines, JSON, or as Ansible; default: live on a terminal, else plain.",
)
ref_option = click.option(
    "--ref", metavar="COMMIT", help="The project as a git commit, tag or branch has it, instead of the folder as it is."
)
text_option = click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="As what."
)
verbose_option = click.option("-v", "--verbose", count=True, help="Show what programs on the hosts print; -vv: more.")


def vault_options(command: F) -> F:
    """The options that give vault passwords."""
    for option in (
        click.option("-J", "--ask-vault-pass", "--ask-vault-password", is_flag=True, help="Ask for a vault password."),
        click.option(
            "--vault-password-file", "--vault-pass-file", "vault_password_files", multiple=True, metavar="FILE",
            help="File with the vault password, or program that prints it.",
        ),
        click.option(
            "--vault-id", "vault_ids", multiple=True, metavar="LABEL@SOURCE",
            help="Vault password with its id; SOURCE is a file, a program or `prompt`.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@contextmanager
def meant_commit(name: str | None) -> Iterator[Ref | None]:
    """The commit that `--ref` names, with a folder for its files that is gone afterwards."""
    if name is None:
        yield None
        return
    from deployer.config.sources import Ref

    with TemporaryDirectory(prefix="deploy-") as room:
        yield Ref(name=name, room=Path(room))


def login_options(command: F) -> F:
    """The options that give passwords to log in and to become root: Ansible's."""
    for option in (
        click.option(
            "--become-password-file", "--become-pass-file", type=click.Path(path_type=Path), metavar="FILE",
            help="File with the password for sudo, or program that prints it.",
        ),
        click.option(
            "--connection-password-file", "--conn-pass-file", type=click.Path(path_type=Path), metavar="FILE",
            help="File with the password to log in with, or program that prints it.",
        ),
        click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for the password for sudo."),
        click.option("-k", "--ask-pass", is_flag=True, help="Ask for the password to log in with."),
    ):  # fmt: skip
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was typed, for a verb that works on hosts."""

    environment: str
    limit: str | None = None
    extra: tuple[str, ...] = ()
    inventory: tuple[Path, ...] = ()
    forks: int = 16
    output: str | None = None  # its form; None: the one that fits
    verbose: int = 0
    vault_ids: tuple[str, ...] = ()
    vault_password_files: tuple[str, ...] = ()
    ask_vault_pass: bool = False
    ask_pass: bool = False
    ask_become_pass: bool = False
    connection_password_file: Path | None = None
    become_password_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What a verb that changes hosts shall do, and how far it may go."""

    verb: str
    playbook: Path
    to: str | None = None  # the release to go back to
    check: bool = False
    diff: bool = False
    tags: frozenset[str] = frozenset()
    skip_tags: frozenset[str] = frozenset()
    lock_wait: float = 0  # seconds
    pause_after: int | None = None  # batches
    restore_data: bool = False  # a person has agreed
    step: bool = False  # a person is asked before each task
    start_at: str | None = None  # name of the first task
    snapshot: str = ""  # a release's id, or a file's name; empty: the one that fits
    ref: Ref | None = None  # a commit instead of the folder


def host_options(command: F) -> F:
    """The options of every verb that works on hosts."""
    for option in (verbose_option, forks_option, inventory_option, extra_option, limit_option):
        command = option(command)
    return environment_argument(vault_options(login_options(command)))


def run_options(command: F) -> F:
    """The options of every verb that changes hosts."""
    for option in (
        output_option,
        click.option(
            "--lock-wait", type=click.FloatRange(0), default=0, metavar="SECONDS", help="Wait for another run's lock."
        ),
        click.option("--skip-tags", metavar="TAGS", default="", help="Skip tasks with these tags."),
        click.option("--tags", metavar="TAGS", default="", help="Only tasks with these tags, comma-separated."),
        click.option("--diff", is_flag=True, help="Show how the text of files changes."),
        click.option(
            "--detailed-exitcode", is_flag=True, help="With --check: exit with 8 if there is something to do."
        ),
        click.option("--check", is_flag=True, help="Look at the hosts and say what would be done; change nothing."),
    ):
        command = option(command)
    return host_options(command)


def playbook_options(command: F) -> F:
    """The options of a verb that runs a playbook of the user's choice: ansible-playbook's."""
    for option in (
        click.option("--step", is_flag=True, help="Ask before each task; on a terminal only."),
        click.option("--start-at-task", metavar="NAME", help="Begin with the first task of this name."),
        click.option("--list-hosts", is_flag=True, help="Print the hosts of each play, and run nothing."),
        click.option("--list-tags", is_flag=True, help="Print the tags of each play, and run nothing."),
        click.option("--list-tasks", is_flag=True, help="Print the tasks of each play, and run nothing."),
        click.option("--syntax-check", is_flag=True, help="Read inventory and playbook, and run nothing."),
    ):
        command = option(command)
    return command
