"""`deploy completion`: click's own completion scripts, and the names that they complete."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

PROGRAM = "deploy"
VARIABLE = "_DEPLOY_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(epilog="\b\nExample:\n  deploy completion bash > ~/.local/share/bash-completion/completions/deploy")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def completion(context: click.Context, shell: str | None) -> None:
    """Print the script that makes your shell complete commands, options and inventories.

    \b
    bash  deploy completion bash > ~/.local/share/bash-completion/completions/deploy
    zsh   deploy completion zsh > ~/.zfunc/_deploy
          with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
    fish  deploy completion fish > ~/.config/fish/completions/deploy.fish

    Without SHELL, the script is for the one in $SHELL.
    """
    found = get_completion_class(shell or own_shell())
    if found is None:
        raise click.UsageError("which shell? Name one of bash, zsh, fish.", context)
    click.echo(found(context.find_root().command, {}, PROGRAM, VARIABLE).source())


def own_shell() -> str:
    """The base name of $SHELL."""
    return Path(os.environ.get("SHELL", "")).name


def environments() -> list[str]:
    """The names of this folder's inventories, as `deploy NAME` takes them."""
    from deployer.config.inventory_find import inventories_in

    folder = Path("inventories")
    return inventories_in(folder) if folder.is_dir() else []


def complete_environment(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The inventories of this folder whose names begin so."""
    return [CompletionItem(name) for name in environments() if name.startswith(incomplete)]
