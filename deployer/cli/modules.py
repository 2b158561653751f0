"""`deploy modules`: what a task can call, and the page of each module, in the terminal."""

from __future__ import annotations

import shutil

import click
from click.shell_completion import CompletionItem

WIDEST = 100


def complete_module(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The modules whose names begin so."""
    from deployer.modules.all import MODULES

    return [CompletionItem(name) for name in MODULES if name.startswith(incomplete)]


@click.command(
    epilog="\b\nExample:\n  deploy modules copy", short_help="List the modules that tasks can call, or explain one."
)
@click.argument("name", required=False, shell_complete=complete_module)
def modules(name: str | None) -> None:
    """List the modules with what each is for; with NAME, its arguments, defaults and examples.

    Names may be written as in a playbook: `ansible.builtin.copy` is `copy`.
    """
    from deployer.config.step_words import short_name
    from deployer.modules.all import MODULES
    from deployer.report.module_page import render_list, render_page

    width = min(shutil.get_terminal_size().columns, WIDEST)
    if name is None:
        click.echo(render_list(MODULES, width))
        return
    short = short_name(name)
    if short not in MODULES:
        raise click.BadParameter(_unknown(short), param_hint="NAME")
    click.echo(render_page(short, MODULES[short], width))


def _unknown(name: str) -> str:
    from deployer.config.keywords import DIRECTIVES, did_you_mean
    from deployer.modules.all import MODULES

    if name in DIRECTIVES:
        return f"`{name}` is a word of the language, no module: see docs/inventories-and-playbooks.md"
    return f"there is no module `{name}`; {did_you_mean(name, MODULES) or 'deploy modules lists them'}"
