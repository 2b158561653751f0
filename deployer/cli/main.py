"""The entry point: which verb is meant, and what becomes of an error.

A first word that is no verb is an environment: `deploy prod` means `deploy run prod`. Verbs are imported when they
are used, so that `--version` and `--help` are instant.
"""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any

import click

from deployer import __version__
from deployer.cli.last_words import show_bug, show_error
from deployer.cli.surroundings import end_unheard, has_colour, leave, settle
from deployer.errors import DeployerError, ExitCode

VERBS = {  # verb -> module:attribute, and the line that --help shows
    "run": ("deployer.cli.run:run", "Bring a release to every host of an environment (the default verb)."),
    "provision": ("deployer.cli.run:provision", "Only prepare hosts: install and start Docker Engine."),
    "rollback": ("deployer.cli.run:rollback", "Go back to an earlier release on every host."),
    "restore": ("deployer.cli.run:restore", "Bring back data as it was before a migration."),
    "promote": ("deployer.cli.run:promote", "Go on with a paused rollout."),
    "resume": ("deployer.cli.run:resume", "Finish a rollout that was interrupted."),
    "abort": ("deployer.cli.run:abort", "Undo a rollout that is paused or was interrupted."),
    "status": ("deployer.cli.status:status", "Show what every host serves, and how it is."),
    "files": ("deployer.cli.files:files", "List what of the project would travel to the hosts."),
    "init": ("deployer.cli.init:init", "Write the few lines that a project needs."),
    "inventory": ("deployer.cli.inventory:inventory", "Show what an inventory says, as ansible-inventory does."),
    "lint": ("deployer.cli.lint:lint", "Report all that is wrong with inventories and playbooks."),
    "hosts": ("deployer.cli.hosts:hosts", "Trust the keys of hosts."),
    "unlock": ("deployer.cli.unlock:unlock", "Take away the lock of a dead run."),
    "vault": ("deployer.cli.vault:vault", "Encrypt and decrypt files and values, as ansible-vault does."),
    "lab": ("deployer.cli.lab:lab", "Throw-away hosts on this machine, to rehearse on."),
    "modules": ("deployer.cli.modules:modules", "List the modules that tasks can call, or explain one."),
    "schema": ("deployer.cli.schema:schema", "Print a JSON Schema, by which editors check and complete."),
    "completion": ("deployer.cli.completion:completion", "Print the completion script for a shell."),
}
RARELY = (20_000, 20, 20)  # what is imported stays: looking through it for garbage again and again took 15 % of a run
LAB_VERBS = ("up", "down", "status", "--help")


class Verbs(click.Group):
    """A group whose commands are loaded by name, and whose default command is `run`."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError:  # of --help
            end_unheard()
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """click itself would make exit 1 of a reader that has gone away."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            end_unheard()
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        path, attribute = VERBS[name][0].split(":")
        command = getattr(importlib.import_module(path), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """`deploy prod …` is `deploy run prod …`; `lab` alone is the environment of that name."""
        first = args[0]
        is_lab_environment = first == "lab" and (len(args) < 2 or args[1] not in LAB_VERBS)
        if first not in VERBS or is_lab_environment:
            args = ["run", *args]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[click.shell_completion.CompletionItem]:
        from deployer.cli.completion import environments

        found = super().shell_complete(ctx, incomplete)
        names = [name for name in environments() if name.startswith(incomplete)]
        return [*(click.shell_completion.CompletionItem(name) for name in names), *found]


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="deploy")
def deploy() -> None:
    """Put a Docker Compose project onto every host of an inventory over SSH, and back if it fails.

    \b
    Examples:
      deploy prod --check     what would happen, and why
      deploy prod             make it so
      deploy rollback prod    go back to the release before
    """


def command() -> None:
    """The program: runs the command line, and is gone with its exit code."""
    try:
        main()
    except SystemExit as end:
        leave(int(end.code or ExitCode.OK))


def main() -> None:
    """Run the command line and exit; the one place where errors become text and an exit code."""
    gc.set_threshold(*RARELY)
    settle()
    try:
        deploy(prog_name="deploy", standalone_mode=False, color=has_colour())
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(ExitCode.INTERRUPTED)
    except DeployerError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        end_unheard()
    except Exception:
        show_bug()
        sys.exit(ExitCode.BUG)
