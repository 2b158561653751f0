"""The exact undo of a switch, known before the switch: what a host needs to go back by itself."""

from __future__ import annotations

import shlex

from deployer.model.action import Action, Link, Script, compose_run
from deployer.model.release import Release

_MARK = "[ ! -d {folder} ] || {{ echo {because} >{folder}/failed; rm -f {folder}/healthy; }}"
_UP = ("up", "--detach", "--no-build", "--pull", "never")


def plan_undo(before: Release | None, coming: Release) -> tuple[Action, ...]:
    """The actions that put a host back to the release that serves now; a first release is stopped, its volumes stay."""
    because = f"release {coming.id} was not confirmed in time"
    mark = Script(
        label=f"mark release {coming.id} failed", because=because,
        text=_MARK.format(folder=shlex.quote(coming.path), because=shlex.quote(because)),
    )  # fmt: skip
    if before is None:
        return (compose_run(coming, "stop", because=because), mark)
    which = ("--remove-orphans",) if before.whole else ("--no-deps", *before.services)
    steps: list[Action] = []
    added = sorted(set(coming.services) - set(before.services))
    if added and not before.whole:
        steps.append(compose_run(coming, "rm", "--stop", "--force", *added, because=because))
    if before.services:
        steps.append(compose_run(before, *_UP, *which, because=because))
    link = Link(path=f"{before.root}/current", target=f"releases/{before.id}", because=because)
    return (*steps, link, mark)
