"""`deploy init`: a first inventory for the project in this folder, and the shipped playbooks to change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.errors import ConfigError

if TYPE_CHECKING:
    from deployer.config.starter import Starter

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
HOST = re.compile(r"(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:]+\])(?::\d+)?|[0-9A-Fa-f]*:[0-9A-Fa-f:]+")
PLAYBOOKS = ("deploy.yml", "provision.yml", "resume.yml", "rollback.yml")


def check_name(context: click.Context, _option: click.Parameter, name: str) -> str:
    """The name, if a file can have it and `deploy NAME` would not mean a command."""
    if not NAME.fullmatch(name):
        raise click.BadParameter(f"'{name}' is no name for a file: use letters, digits, . _ and -")
    group = context.parent.command if context.parent else None
    if isinstance(group, click.Group) and name in group.list_commands(context):
        raise click.BadParameter(f"`deploy {name}` is a command: choose another name")
    return name


def split_hosts(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...]:
    """The hosts of a comma-separated list, each once."""
    hosts = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    for host in hosts:
        if not HOST.fullmatch(host):
            raise click.BadParameter(f"'{host}' is no host: expected a name or an address, with :PORT if need be")
    return hosts


@click.command(
    epilog="\b\nExample:\n  deploy init --hosts web1.example.com,web2.example.com --user deploy",
    short_help="Write a first inventory for the project in this folder.",
)
@click.option(
    "--inventory", "name", default="prod", show_default=True, callback=check_name, metavar="NAME", help="Its name."
)
@click.option(
    "--hosts", callback=split_hosts, metavar="HOST,…", help="Names or addresses; without any, one to fill in."
)
@click.option("--user", metavar="USER", help="Log in as this user; without it, as ssh would.")
@click.option("--playbook", is_flag=True, help="Also copy the shipped playbooks here, to change them.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
def init(*, name: str, hosts: tuple[str, ...], user: str | None, playbook: bool, force: bool) -> None:
    """Write inventories/NAME.yml from what the compose file in this folder says.

    Nothing that exists is written over without --force, and no host is contacted.
    """
    from deployer.config.compose_lint import lints
    from deployer.config.starter import render_inventory

    starter = read_project(Path(), name=name, hosts=hosts, user=user)
    files = {Path("inventories", f"{name}.yml"): render_inventory(starter)}
    if playbook:
        files |= {Path("playbooks", file): shipped_playbook(file) for file in PLAYBOOKS}
    write_files(files, force=force)
    for path in files:
        click.echo(f"wrote {path}")
    for advice in lints(Path()):
        click.echo(f"advice: {advice}", err=True)
    click.echo(render_next(starter))


def read_project(folder: Path, *, name: str, hosts: tuple[str, ...], user: str | None) -> Starter:
    """What the first inventory is made of; raises ProjectError if there is no project here."""
    from deployer.config.compose_file import load_compose, project_name
    from deployer.config.starter import Starter

    compose = load_compose(folder)
    return Starter(
        environment=name,
        project=project_name(folder, compose),
        compose=compose,
        hosts=hosts,
        user=user,
        django=(folder / "manage.py").is_file(),
    )


def shipped_playbook(file: str) -> str:
    """A playbook that came with this program; in a checkout they stand beside the package."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "playbooks" / file
    return (inside if inside.is_file() else package.parent / "playbooks" / file).read_text()


def write_files(files: Mapping[Path, str], *, force: bool) -> None:
    """Write all of them, or none if one is in the way; raises ConfigError."""
    existing = [str(path) for path in files if path.exists()]
    if existing and not force:
        raise ConfigError(
            f"{', '.join(existing)} exists already",
            hint="choose another --inventory NAME, or write over it with --force",
        )
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as failure:
            reason = (failure.strerror or str(failure)).lower()
            raise ConfigError(f"cannot write {path}: {reason}", hint=f"check `ls -ld {path.parent}`") from None


def render_next(starter: Starter) -> str:
    """What to type after this, in order."""
    steps = [] if starter.hosts else [f"edit inventories/{starter.environment}.yml: put your hosts there"]
    if starter.variables:
        steps.append(f"export {' '.join(f'{name}=…' for name in starter.variables)}")
    steps += [
        f"deploy hosts trust {starter.environment}",
        f"deploy {starter.environment} --check",
        f"deploy {starter.environment}",
    ]
    return "\n".join(["", "next:", *(f"  {step}" for step in steps)])
