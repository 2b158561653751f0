"""`deploy schema`: what may stand in playbooks and inventories, as JSON Schema for editors."""

from __future__ import annotations

import json
from typing import Any

import click

KINDS = ("playbook", "tasks", "inventory", "vars")


@click.command(
    epilog="\b\nExample:\n  deploy schema playbook > .deploy/playbook.schema.json",
    short_help="Print a JSON Schema for playbooks, files of tasks, inventories or variables.",
)
@click.argument("kind", type=click.Choice(KINDS))
def schema(kind: str) -> None:
    """Print a JSON Schema (draft-07), with which editors complete words, explain them and mark what is wrong.

    \b
    playbook   plays, blocks, tasks, and the arguments of every module
    tasks      files that import_tasks and include_tasks read
    inventory  groups, hosts and variables, in YAML
    vars       files in group_vars and host_vars

    Keep it in a file and name that in the first line of a playbook:
    `# yaml-language-server: $schema=../.deploy/playbook.schema.json`.
    """
    click.echo(json.dumps(made(kind), indent=2, ensure_ascii=False))


def made(kind: str) -> dict[str, Any]:
    """The schema of a kind of file."""
    from deployer.config.schema_playbook import playbook_schema, tasks_schema
    from deployer.config.schema_variables import inventory_schema, vars_schema
    from deployer.modules.all import MODULES
    from deployer.report.module_docs import describe

    if kind in ("playbook", "tasks"):
        return (playbook_schema if kind == "playbook" else tasks_schema)(MODULES, describe)
    return inventory_schema(describe) if kind == "inventory" else vars_schema(describe)
