"""Pages of docs/ out of the code: `python -m deployer.cli.docs [cli|variables|modules]` prints one.

Tests compare the pages with what this prints; what the words say is left to the commands and settings themselves.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import click

from deployer.cli.main import deploy

CLI_HEAD = """\
# Command line

Written by `make docs` from the commands themselves; `deploy VERB --help` shows the same. A first word that is no verb
is an environment: `deploy prod` means `deploy run prod`. Progress goes to stderr, the result to stdout; how a run ended
is in its [exit code](exit-codes.md).
"""
VARIABLES_HEAD = """\
# Variables

Written by `make docs` from the code. Set them where Ansible variables are set: in the inventory for all hosts, a group
or a host, in `group_vars/` and `host_vars/`, under `vars` of a play or a task, or with `-e`; the nearer one wins.

| variable | default | meaning |
|---|---|---|
"""
EXAMPLE = re.compile(r"\n\x08\n(Examples?):\n(?P<lines>(?: .*\n?)+)$")


def commands(command: click.Command, *names: str) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command below this one with its full name, parents first."""
    context = click.Context(command, info_name=" ".join(names))
    yield " ".join(names), command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from commands(below, *names, name)


def words(command: click.Command) -> tuple[str, str]:
    """A command's text and its examples; the examples are what the help ends with, or empty."""
    text = "\n".join(inspect.cleandoc(part) + "\n" for part in (command.help, command.epilog) if part)
    found = EXAMPLE.search(f"\n{text}")
    if not found:
        return text.strip("\n"), ""
    return f"\n{text}"[: found.start()].strip("\n"), inspect.cleandoc(found["lines"])


def render_cli() -> str:
    """The page about all verbs."""
    known = list(commands(deploy, "deploy"))
    index = [f"- [`{name}`](#{_anchor(name)}): {command.get_short_help_str(200)}" for name, command, _ in known[1:]]
    return "\n".join([CLI_HEAD, *index, "", *("\n".join(_section(*one)) for one in known[1:])]) + "\n"


def _section(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    text, example = words(command)
    yield f"## {name}\n"
    yield f"`{name} {' '.join(command.collect_usage_pieces(context))}`\n"
    yield f"{_prose(text)}\n"
    options = [record for one in _options(command) if (record := one.get_help_record(context))]
    if options:
        yield "| option | |\n|---|---|"
        yield "\n".join(f"| `{names}` | {_cell(meaning)} |" for names, meaning in options) + "\n"
    yield f"```\n{example}\n```\n"


def _options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option)]


def _prose(text: str) -> str:
    """Click's text as Markdown: a paragraph after a backspace is kept as it is, line by line."""
    parts = re.split(r"\n\n", text)
    return "\n\n".join(f"```\n{part[2:]}\n```" if part.startswith("\b\n") else part for part in parts)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text).replace("\n", " ")


def _anchor(title: str) -> str:
    return title.replace(" ", "-")


def render_variables() -> str:
    """The page about the variables that a project may set."""
    from deployer.config.settings import SETTINGS

    rows = [f"| `{one.name}` | {_default(one.default)} | {_cell(one.meaning)} |" for one in SETTINGS]
    return VARIABLES_HEAD + "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    if value in (None, ""):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def render_modules() -> str:
    """The page about the modules that a task can call."""
    from deployer.modules.all import MODULES
    from deployer.report import module_docs

    return module_docs.render_modules(MODULES)


PAGES = {"cli": render_cli, "variables": render_variables, "modules": render_modules}

if __name__ == "__main__":
    sys.stdout.write(PAGES[(sys.argv[1:] or ["cli"])[0]]())
