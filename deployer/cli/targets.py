"""The hosts of a run: what each shall have and is told, and whether the plays fit them. No host is contacted here."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployer import __version__
from deployer.cli.environment import Environment
from deployer.cli.options import Aim
from deployer.config.about_release import is_about_release
from deployer.config.releases import HostRelease, ReleaseMaker, Stamp, project_root
from deployer.config.static import check_playbook
from deployer.config.vars_files import load_vars_files
from deployer.engine.ports import Target
from deployer.errors import PlaybookError
from deployer.model.inventory import Host
from deployer.model.playbook import INCLUDE_TASKS, JOINING, Play, Playbook, Task
from deployer.model.release import Release
from deployer.model.tree import Tree
from deployer.modules.all import MODULES
from deployer.rollout.patterns import refuse


def releases_of(environment: Environment, playbook: Path, aim: Aim, plays: Playbook) -> dict[str, HostRelease]:
    """What each host shall have; for verbs that work with what is on the hosts, only where that lies.

    Empty for a playbook that is about no release: its plays are run as Ansible would. Raises PlaybookError if such a
    one is to deploy a commit.
    """
    verb = aim.verb
    is_about = verb != "deploy" or is_about_release(plays, MODULES, environment.language, environment.known)
    if verb == "provision" or not is_about:
        if aim.ref:
            raise PlaybookError(f"{playbook} brings no release, so --ref has nothing to say", hint="leave --ref out")
        return {}
    settings = {host.name: environment.settings(host, playbook) for host in environment.hosts}
    if verb != "deploy":
        return {host: _somewhere(*project_root(one)) for host, one in settings.items()}
    stamp = Stamp(
        now=datetime.now(UTC), by=who(), tool=f"deployer {__version__}", environment=environment.choice.environment
    )
    maker = ReleaseMaker(stamp, aim.ref, environment.vault.keep_out_named)
    return {host: maker.make(host, one) for host, one in settings.items()}


def _somewhere(root: str, project: str) -> HostRelease:
    return HostRelease(
        release=Release(id="", project=project, root=root, by=who()), env={}, tree=Tree(), migrate_service=None
    )


def target_of(
    environment: Environment, host: Host, playbook: Path, releases: Mapping[str, HostRelease], aim: Aim
) -> Target:
    """One host as a run meets it."""
    mine = releases.get(host.name)
    migrating = [name for name, one in releases.items() if one.migrate_service]
    extra = {
        **environment.magic(host, playbook),
        "ansible_check_mode": aim.check,
        "ansible_diff_mode": aim.diff,
        "ansible_run_tags": sorted(aim.tags) or ["all"],
        "ansible_skip_tags": sorted(aim.skip_tags),
        "restore_data": aim.restore_data,
        "restore_snapshot": aim.snapshot,
        "release_tree": mine.tree if mine else None,
        "release_env": mine.env if mine else {},
        **({"deploy_source": str(mine.source)} if mine and mine.source else {}),
        "migrate_hosts": migrating,
        "migrate_service": next((one.migrate_service for one in releases.values() if one.migrate_service), None),
    }
    settings = environment.settings(host, playbook)
    return Target(
        remote=environment.remote(host),
        fresh=lambda: environment.remote(host),
        confirm_timeout=_confirm_timeout(settings),
        lock_ttl=int(settings["lock_ttl"]),
        variables=environment.variables(host),
        extra=extra,
        learnt=environment.learnt(host.name),
        facts=environment.facts(host.name),
        vars_files=_vars_files(environment, {**environment.variables(host), **extra}, playbook),
        wanted=mine.release if mine else None,
        become=environment.endpoint(host)[1],
    )


def _vars_files(environment: Environment, known: Mapping[str, Any], playbook: Path) -> Callable[[Play], dict[str, Any]]:
    """What a play's `vars_files` say for the host of which these variables are known; read once."""
    read: dict[int, tuple[Play, dict[str, Any]]] = {}

    def load(play: Play) -> dict[str, Any]:
        if id(play) not in read:
            variables = {**known, **play.variables, **environment.extra}
            folder = play.folder or str(playbook.resolve().parent)
            render = environment.language.render
            files = load_vars_files(
                play, lambda path: render(path, variables, place=play.place), folder, environment.vault
            )
            read[id(play)] = play, files
        return read[id(play)][1]

    return load


def check_growth(playbook: Playbook, *, is_rollout: bool) -> bool:
    """Whether tasks add hosts or groups, so that a pattern may mean what is not there yet.

    Raises PlaybookError for a rollout that would add hosts: it takes a lease on every host before it begins.
    """
    tasks = [task for play in playbook.plays for task in play.all_tasks]
    adding = next((task for task in tasks if task.module == "add_host"), None)
    if adding and is_rollout:
        hint = "write the host into the inventory, or add it in a playbook that brings no release"
        raise PlaybookError("add_host: a rollout has the hosts with which it begins", place=adding.place, hint=hint)
    return any(task.module in JOINING or task.module == INCLUDE_TASKS for task in tasks)


def check_plays(
    environment: Environment,
    playbook: Playbook,
    targets: Mapping[str, Target],
    *,
    release_known: bool = True,
    grows: bool = False,
    failed: bool = False,
) -> None:
    """Bind what can be bound already, so that a mistake is found before a host is; `failed`: as on the way back.

    Where the run `grows`, a pattern that matches nothing is no mistake yet.
    """

    def variables(host: str, play: Play, task: Task | None = None) -> dict[str, Any]:
        target = targets[host]
        release = {"release": target.wanted, "release_state": "up", "release_failed": None}
        if failed:
            release |= {"release_failed": target.wanted, "release_failure": "why it failed"}
        own = task.variables if task else {}
        files = target.vars_files(play)
        return {
            **target.variables,
            **play.variables,
            **files,
            **own,
            **(release if release_known else {}),
            **target.extra,
        }

    def hosts_of(play: Play) -> tuple[str, ...]:
        first = next(iter(targets))
        pattern = environment.language.render(play.hosts, variables(first, play), place=play.place)
        return environment.on(str(pattern), (lambda error: None) if grows else refuse)

    check_playbook(playbook, environment.language, hosts_of, variables)


def _confirm_timeout(settings: Mapping[str, Any]) -> int:
    own = settings["confirm_timeout"]
    watched = sum(float(settings[name]) for name in ("gate_patience", "gate_bake", "rollout_bake"))
    return int(own if own is not None else watched + 60)


def who() -> str:
    """Who runs this, and where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
