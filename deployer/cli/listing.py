"""What a playbook holds, printed as `ansible-playbook --list-tasks` and its kin do; no host is contacted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from deployer.cli.assemble import find_playbook
from deployer.cli.environment import Environment
from deployer.cli.options import Choice
from deployer.frozen import dataclass
from deployer.model.playbook import Play, Step, Task
from deployer.rollout.tags import is_selected


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is asked for."""

    tasks: bool = False
    tags: bool = False
    hosts: bool = False
    wanted: frozenset[str] = frozenset()  # of --tags
    skipped: frozenset[str] = frozenset()


def show(listing: Listing, choice: Choice, playbook: Path) -> None:
    """Read inventory and playbook, and print; raises ConfigError for whatever is wrong in them."""
    path = find_playbook(playbook)
    environment = Environment(choice, playbook_folder=path.parent)
    plays = environment.read(path).plays
    hosts = [_hosts(environment, play) for play in plays] if listing.hosts else [()] * len(plays)
    click.echo(f"\nplaybook: {path}")
    if not (listing.tasks or listing.tags or listing.hosts):
        click.echo(f"no issues; hosts: {', '.join(host.name for host in environment.hosts)}")
        return
    for number, (play, names) in enumerate(zip(plays, hosts, strict=True), 1):
        click.echo("\n".join(_play(listing, number, play, names)))


def _hosts(environment: Environment, play: Play) -> tuple[str, ...]:
    known = {**environment.variables(environment.hosts[0]), **play.variables, **environment.extra}
    return environment.on(str(environment.language.render(play.hosts, known, place=play.place)))


def _play(listing: Listing, number: int, play: Play, hosts: tuple[str, ...]) -> Iterator[str]:
    yield f"\n  play #{number} ({play.hosts}): {play.name}\tTAGS: [{','.join(sorted(play.tags))}]"
    if listing.hosts:
        yield f"    pattern: {[play.hosts]}\n    hosts ({len(hosts)}):"
        yield from (f"      {name}" for name in hosts)
    found = [task for steps in play.sections for task in _tasks(steps) if _is_meant(listing, task)]
    if listing.tasks:
        yield "    tasks:"
        yield from (f"      {task.name}\tTAGS: [{', '.join(sorted(task.tags | play.tags))}]" for task in found)
    if listing.tags:
        every = play.tags.union(*(task.tags for task in found))
        yield f"      TASK TAGS: [{', '.join(sorted(every))}]"


def _tasks(steps: tuple[Step, ...]) -> Iterator[Task]:
    """The tasks that are run if nothing fails, but for what is `always` run."""
    for step in steps:
        if isinstance(step, Task):
            yield step
        else:
            yield from _tasks(step.tasks)


def _is_meant(listing: Listing, task: Task) -> bool:
    return is_selected(task.tags, listing.wanted, listing.skipped)
