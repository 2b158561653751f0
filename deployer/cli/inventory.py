"""`deploy inventory`: what an inventory says, in the words of `ansible-inventory`. No host is contacted."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.cli.completion import complete_environment
from deployer.cli.options import extra_option, inventory_option, limit_option, vault_options
from deployer.frozen import dataclass

if TYPE_CHECKING:
    from deployer.config.vault_keys import Keyring
    from deployer.errors import InventoryError
    from deployer.model.inventory import Host, Inventory


@click.command()
@click.argument("environment", metavar="[ENV]", required=False, shell_complete=complete_environment)
@click.argument("group", metavar="[GROUP]", required=False)
@click.option("--list", "as_list", is_flag=True, help="All groups, hosts and variables as JSON.")
@click.option("--host", metavar="NAME", help="One host's variables as JSON.")
@click.option("--graph", is_flag=True, help="Groups and hosts as a tree, from GROUP or from all; the default.")
@click.option("--vars", "with_variables", is_flag=True, help="Variables too, in the tree.")
@click.option("--hosts", "pattern", metavar="PATTERN", help="The hosts that a pattern means, in play order.")
@limit_option
@inventory_option
@click.option(
    "--playbook-dir",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Read group_vars and host_vars there, too, as for a playbook in it.",
)
@extra_option
@vault_options
def inventory(environment: str | None, group: str | None, **given: Any) -> None:
    """Show what an inventory says, as ansible-inventory does. Of what is odd there, a warning goes to stderr.

    ENV is a file or folder in inventories/; -i names any file, folder or script, or hosts with a comma after each.

    \b
    Examples:
      deploy inventory prod --list --limit web
      deploy inventory -i hosts.ini --graph --vars
      deploy inventory prod --hosts 'web:!web3'
    """
    asked = Asked(**given)
    if sum((asked.as_list, asked.host is not None, asked.graph, asked.pattern is not None)) > 1:
        raise click.UsageError("only one of --list, --host, --graph and --hosts at a time")
    if asked.inventory and group is None:  # with -i, the one word is a group
        environment, group = None, environment
    vault = asked.keys()
    known = _load(environment, asked, vault)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # half of a surrogate pair, say
    sys.stdout.writelines(_answer(known, group, asked, vault))
    sys.stdout.flush()  # a reader that went away is noticed here, and not when all is over


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was typed, but for the environment and the group."""

    inventory: tuple[Path, ...]
    playbook_dir: Path | None
    extra: tuple[str, ...]
    limit: str | None
    as_list: bool
    host: str | None
    graph: bool
    with_variables: bool
    pattern: str | None
    vault_ids: tuple[str, ...]
    vault_password_files: tuple[str, ...]
    ask_vault_pass: bool

    def keys(self) -> Keyring:
        """The vault passwords that were given."""
        from deployer.cli.vault_keys import given_keys

        return given_keys(self.vault_ids, self.vault_password_files, ask_vault_pass=self.ask_vault_pass)


def _answer(known: Inventory, group: str | None, asked: Asked, vault: Keyring) -> Iterable[str]:
    from deployer.config.extra_vars import parse_extra_vars
    from deployer.report.inventory import render_graph, render_host, render_list

    with vault.discreet():
        extra = parse_extra_vars(asked.extra, vault)
    if asked.pattern is not None:
        return [f"{host.name}\n" for host in _select(known, asked.pattern, asked.limit, may_be_none=False)]
    if asked.as_list:
        return render_list(known, _select(known, "all", asked.limit, may_be_none=True), extra)
    if asked.host is not None:
        return render_host(_one(known, asked.host), extra)
    top, with_variables = _top(known, group), asked.with_variables
    lines = render_graph(known, top, extra=extra, opened=vault.text, with_variables=with_variables)
    return [f"{line}\n" for line in lines]  # all of them, or the error about a value that cannot be opened


def _load(environment: str | None, asked: Asked, vault: Keyring) -> Inventory:
    from deployer.config.inventory import load_inventory
    from deployer.config.inventory_find import find_inventory

    if not environment and not asked.inventory:
        raise click.UsageError("which inventory? Name an environment, or a file or folder with -i.")
    sources = asked.inventory or (find_inventory(environment or ""),)
    with vault.discreet():
        found = load_inventory(*sources, playbook_folder=asked.playbook_dir, may_be_empty=True, vault=vault)
    for text in found.warnings:
        click.secho(f"warning: {text}", err=True, fg="yellow")
    return found


def _select(inventory: Inventory, pattern: str, limit: str | None, *, may_be_none: bool) -> tuple[Host, ...]:
    """The hosts that a pattern means to Ansible; what a run would refuse is a warning, or an error if none is left."""
    from deployer.config.limit_file import read_limit_file
    from deployer.rollout.patterns import select

    doubts: list[InventoryError] = []
    hosts = select(inventory, pattern, limit=limit, read=read_limit_file, doubt=doubts.append)
    if doubts and not hosts and not may_be_none:
        raise doubts[0]
    for doubt in doubts if inventory.hosts else ():
        click.secho(f"warning: {doubt}; a run refuses this", err=True, fg="yellow")
        if doubt.hint:
            click.echo(f"hint:    {doubt.hint}", err=True)
    return hosts


def _one(inventory: Inventory, pattern: str) -> Host:
    from deployer.errors import InventoryError
    from deployer.rollout.patterns import select

    hosts = select(inventory, pattern)
    if len(hosts) != 1:
        raise InventoryError(f"--host '{pattern}' means {len(hosts)} hosts", hint="name one, or take --list --limit")
    return hosts[0]


def _top(inventory: Inventory, group: str | None) -> str:
    from deployer.config.values import nearest
    from deployer.errors import InventoryError

    if group is not None and group not in inventory.groups:
        meant = nearest(group, inventory.groups)
        raise InventoryError(
            f"no group '{group}' in {inventory.path}",
            hint=f"did you mean '{meant}'?" if meant else f"groups: {', '.join(inventory.groups)}",
        )
    return group or "all"
