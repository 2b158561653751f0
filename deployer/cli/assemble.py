"""The one place where a run is put together: files and options to a Session. No host is contacted here."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, cast

from deployer import __version__
from deployer.cli.environment import Environment
from deployer.cli.options import Aim, Choice
from deployer.cli.person import ask_person
from deployer.cli.restoring import check_restorable
from deployer.config.about_release import is_about_release, wants_facts
from deployer.config.keywords import did_you_mean
from deployer.config.playbook import load_playbook
from deployer.config.releases import HostRelease, ReleaseMaker, Stamp, project_root
from deployer.config.static import check_playbook
from deployer.config.vars_files import load_vars_files
from deployer.engine.ports import Choose, Emit, Options, Questions, Session, Target
from deployer.errors import PlaybookError
from deployer.facts.ansible import HostFacts
from deployer.facts.lock import LockHolder, RolloutState
from deployer.facts.releases import InstalledReleases
from deployer.model.action import Put
from deployer.model.inventory import Host
from deployer.model.lock import Holder
from deployer.model.playbook import Play, Playbook, Task
from deployer.model.release import Release
from deployer.model.tree import Tree
from deployer.modules.all import MODULES
from deployer.protocols import Reporter
from deployer.report.choose import reporter_for
from deployer.report.diff import unified
from deployer.report.redact import Redacting, Redactor
from deployer.rollout.choose import choose_open, choose_previous, choose_release, choose_serving
from deployer.rollout.decide import OnFailure
from deployer.rollout.start_at import names, start_at

QUESTIONS = Questions(installed=InstalledReleases, lock=LockHolder, rollout=RolloutState)
GOING_ON = ("resume", "promote", "abort")


@dataclass(frozen=True, kw_only=True)
class Assembly:
    session: Session
    reporter: Reporter


def assemble(choice: Choice, aim: Aim) -> Assembly:
    """Everything that a run needs; raises ConfigError for whatever is wrong before any host is contacted."""
    path = find_playbook(aim.playbook)
    environment = Environment(choice, playbook_folder=path.parent)
    secret = _secrets(environment, path)
    with environment.kept_out():
        plays = _plays(environment, path)
        if aim.restore_data:
            check_restorable(environment, path, plays)
        releases = _releases(environment, path, aim.verb, plays)
        targets = {host.name: _target(environment, host, path, releases, aim) for host in environment.hosts}
        _check(environment, plays, targets, release_known=bool(releases))
        plays = _begun(plays, aim.start_at)
        way_back = _plays(environment, find_playbook(Path("rollback.yml"))) if releases else None
        if way_back:
            _check(environment, way_back, targets, failed=True)
    reporter = _reporter(secret, choice)
    session = Session(
        verb=aim.verb,
        environment=choice.environment,
        playbook=plays,
        way_back=way_back,
        targets=tuple(targets.values()),
        language=environment.language,
        questions=replace(QUESTIONS, host=HostFacts() if _wants_facts(environment, plays) else None),
        emit=_one_at_a_time(reporter),
        holder=_holder(releases),
        plays_on=environment.on,
        choose=_choice_of(aim),
        delegate=lambda name: _target(environment, environment.named(name), path, {}, aim),
        going_on=aim.verb in GOING_ON,
        undoes=aim.verb == "abort",
        options=_options(environment, path, aim, choice.forks),
    )
    return Assembly(session=session, reporter=reporter)


def _wants_facts(environment: Environment, plays: Playbook) -> bool:
    variables = [{**environment.variables(host), **environment.extra} for host in environment.hosts]
    return wants_facts(plays, environment.language, variables)


def _begun(playbook: Playbook, name: str | None) -> Playbook:
    """The playbook from a task on; raises PlaybookError if no task is called so."""
    if name is None:
        return playbook
    left = start_at(playbook, name)
    if left is None:
        hint = did_you_mean(name, names(playbook)) or "--list-tasks shows them; tasks of include_tasks are not found"
        raise PlaybookError(f"--start-at-task: no task is called `{name}`", hint=hint)
    return left


def _options(environment: Environment, playbook: Path, aim: Aim, forks: int) -> Options:
    return Options(
        check=aim.check,
        diff=_diff if aim.diff else None,
        differ=_diff,
        step=aim.step,
        tags=aim.tags,
        skip_tags=aim.skip_tags,
        forks=forks,
        lock_wait=aim.lock_wait,
        pause_after=aim.pause_after,
        on_failure=_on_failure(environment, playbook),
        ask=ask_person if sys.stdin.isatty() and sys.stderr.isatty() else None,
    )


def find_playbook(path: Path) -> Path:
    """The project's own in playbooks/, the file itself, or the shipped one; raises PlaybookError if there is none."""
    shipped = Path(str(resources.files("deployer"))) / "playbooks"
    places = [Path("playbooks") / path, path, shipped / path, shipped.parent.parent / "playbooks" / path]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise PlaybookError(f"{path} is no file, neither here nor in playbooks/", hint="deploy init --playbook")
    return found


def _plays(environment: Environment, path: Path) -> Playbook:
    with environment.vault.discreet():
        return load_playbook(path, MODULES, environment.vault)


def _releases(environment: Environment, playbook: Path, verb: str, plays: Playbook) -> dict[str, HostRelease]:
    """What each host shall have; for verbs that work with what is on the hosts, only where that lies.

    Empty for a playbook that is about no release: its plays are run as Ansible would.
    """
    variables = [{**environment.variables(host), **environment.extra} for host in environment.hosts]
    if verb == "provision" or not (
        verb != "deploy" or is_about_release(plays, MODULES, environment.language, variables)
    ):
        return {}
    settings = {host.name: environment.settings(host, playbook) for host in environment.hosts}
    if verb != "deploy":
        return {host: _somewhere(*project_root(one)) for host, one in settings.items()}
    maker = ReleaseMaker(Stamp(now=datetime.now(UTC), by=_who(), tool=f"deployer {__version__}"))
    return {host: maker.make(host, one) for host, one in settings.items()}


def _somewhere(root: str, project: str) -> HostRelease:
    return HostRelease(
        release=Release(id="", project=project, root=root, by=_who()), env={}, tree=Tree(), migrate_service=None
    )


def _target(
    environment: Environment, host: Host, playbook: Path, releases: Mapping[str, HostRelease], aim: Aim
) -> Target:
    mine = releases.get(host.name)
    migrating = [name for name, one in releases.items() if one.migrate_service]
    extra = {
        **environment.magic(host, playbook),
        "ansible_check_mode": aim.check,
        "ansible_verbosity": environment.choice.verbose,
        "restore_data": aim.restore_data,
        "restore_snapshot": aim.snapshot,
        "release_tree": mine.tree if mine else None,
        "release_env": mine.env if mine else {},
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


def _check(
    environment: Environment,
    playbook: Playbook,
    targets: Mapping[str, Target],
    *,
    release_known: bool = True,
    failed: bool = False,
) -> None:
    """Bind what can be bound already, so that a mistake is found before a host is; `failed`: as on the way back."""

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
        return environment.on(str(pattern))

    check_playbook(playbook, environment.language, hosts_of, variables)


def _secrets(environment: Environment, playbook: Path) -> Redactor:
    """Who knows the values that no output may show."""
    secret = environment.secret
    for host in environment.hosts:
        known = environment.rendered(host, playbook, ("deploy_secrets", "ansible_become_password"))
        told = known.get("deploy_secrets")
        secret.add(*(str(value) for value in (told.values() if isinstance(told, Mapping) else ())))
        secret.add(str(known.get("ansible_become_password") or ""))
    return secret


def _reporter(secret: Redactor, choice: Choice) -> Reporter:
    """The reporter of this terminal, behind the one that keeps secrets out."""
    inner = reporter_for(json=choice.as_json, verbosity=choice.verbose, stdout=sys.stdout, stderr=sys.stderr)
    return Redacting(inner, secret)


def _one_at_a_time(reporter: Reporter) -> Emit:
    """Events come from many threads, a reporter hears them one after the other."""
    lock = threading.Lock()

    def emit(event: Any) -> None:
        with lock:
            reporter.handle(event)

    return emit


def _choice_of(aim: Aim) -> Choose:
    if aim.verb in GOING_ON:
        return lambda wanted, seen, left: choose_open(seen, left, undo=aim.verb == "abort")
    if aim.verb == "restore":
        return lambda wanted, seen, left: choose_serving(seen)
    if aim.verb == "rollback":
        return lambda wanted, seen, left: choose_previous(seen, aim.to)
    return lambda wanted, seen, left: choose_release(wanted, seen)


def _confirm_timeout(settings: Mapping[str, Any]) -> int:
    own = settings["confirm_timeout"]
    watched = sum(float(settings[name]) for name in ("gate_patience", "gate_bake", "rollout_bake"))
    return int(own if own is not None else watched + 60)


def _on_failure(environment: Environment, playbook: Path) -> OnFailure:
    word = environment.settings(environment.hosts[0], playbook)["rollout_on_failure"]
    if word not in ("rollback", "batch", "halt"):
        raise PlaybookError(f"rollout_on_failure must be rollback, batch or halt, got {word!r}")
    return cast(OnFailure, word)


def _diff(action: Put) -> str:
    return unified(action.path, action.before, action.content)


def _holder(releases: Mapping[str, HostRelease]) -> Holder:
    release = next((one.release.id for one in releases.values()), "none")
    since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Holder(run=secrets.token_hex(8), who=f"{_who()} (pid {os.getpid()})", since=since, release=release)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
