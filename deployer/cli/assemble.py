"""The one place where a run is put together: files and options to a Session. No host is contacted here."""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module, resources
from pathlib import Path
from typing import Any, cast

from deployer.cli.environment import Environment
from deployer.cli.options import Aim, Choice
from deployer.cli.passwords import Passwords
from deployer.cli.person import ask_person
from deployer.cli.restoring import check_restorable
from deployer.cli.roster import LiveRoster
from deployer.cli.targets import check_growth, check_plays, releases_of, target_of, who
from deployer.config.about_release import wants_facts
from deployer.config.endpoint import SECRETS
from deployer.config.keywords import did_you_mean
from deployer.config.releases import HostRelease
from deployer.engine.ports import Choose, Emit, Options, Questions, Session, Target
from deployer.errors import PlaybookError
from deployer.facts.ansible import HostFacts
from deployer.facts.lock import LastLease, LockHolder, RolloutState
from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Put
from deployer.model.event import ActionStarted
from deployer.model.lock import Holder
from deployer.model.playbook import Playbook
from deployer.protocols import Reporter
from deployer.report.choose import reporter_for
from deployer.report.diff import unified
from deployer.report.redact import Redacting, Redactor
from deployer.rollout.choose import choose_open, choose_previous, choose_release, choose_serving
from deployer.rollout.decide import OnFailure
from deployer.rollout.start_at import names, start_at

QUESTIONS = Questions(installed=InstalledReleases, lock=LockHolder, lease=LastLease, rollout=RolloutState)
GOING_ON = ("resume", "promote", "abort")


@dataclass(frozen=True, kw_only=True)
class Assembly:
    session: Session
    reporter: Reporter
    passwords: Passwords
    changed: threading.Event  # set as soon as something is done to a host


def assemble(choice: Choice, aim: Aim) -> Assembly:
    """Everything that a run needs; raises ConfigError for whatever is wrong before any host is contacted."""
    path = find_playbook(aim.playbook)
    environment = Environment(choice, playbook_folder=path.parent)
    with environment.kept_out():
        plays = environment.read(path)
    secret = _secrets(environment, path)
    with environment.kept_out():
        if aim.restore_data:
            check_restorable(environment, path, plays)
        releases = releases_of(environment, path, aim, plays)
        targets = {host.name: target_of(environment, host, path, releases, aim) for host in environment.hosts}
        grows = check_growth(plays, is_rollout=bool(releases))
        check_plays(environment, plays, targets, release_known=bool(releases), grows=grows)
        plays = _begun(plays, aim.start_at)
        way_back = _way_back(environment, targets) if releases else None
        told = any(wants_facts(one, environment.language, environment.known) for one in (plays, way_back) if one)
    reporter, changed = _reporter(secret, choice), threading.Event()
    roster = LiveRoster(environment, environment.live, path, lambda now, host: target_of(now, host, path, {}, aim))
    session = Session(
        verb=aim.verb,
        environment=choice.environment,
        playbook=plays,
        way_back=way_back,
        targets=tuple(targets.values()),
        language=environment.language,
        questions=replace(QUESTIONS, host=HostFacts() if told else None),
        emit=_one_at_a_time(reporter, changed),
        holder=_holder(releases),
        plays_on=environment.on,
        choose=_choice_of(aim),
        roster=roster,
        delegate=lambda name: target_of(roster.environment, roster.environment.named(name), path, {}, aim),
        going_on=aim.verb in GOING_ON,
        undoes=aim.verb == "abort",
        options=_options(environment, path, aim, choice.forks),
        ahead=lambda: import_module("deployer.transport.docker_api"),  # of all imports the dearest, for gates alone
    )
    environment.passwords.emit = session.emit
    return Assembly(session=session, reporter=reporter, passwords=environment.passwords, changed=changed)


def _way_back(environment: Environment, targets: Mapping[str, Target]) -> Playbook:
    """The playbook that undoes a rollout, checked like any other."""
    plays = environment.playbook(find_playbook(Path("rollback.yml")))
    check_plays(environment, plays, targets, failed=True)
    return plays


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


def _secrets(environment: Environment, playbook: Path) -> Redactor:
    """Who knows the values that no output may show."""
    secret = environment.secret
    for host in environment.hosts:
        known = environment.rendered(host, playbook, ("deploy_secrets", "deploy_registries", *SECRETS))
        secret.add(*_passwords(known.get("deploy_registries")))
        told = known.get("deploy_secrets")
        secret.add(*(str(value) for value in (told.values() if isinstance(told, Mapping) else ())))
        secret.add(*(str(known.get(name) or "") for name in SECRETS))
    return secret


def _passwords(logins: Any) -> list[str]:
    """The passwords of logins for registries, alone and as docker's configuration has them."""
    known = [one for one in logins if isinstance(one, Mapping)] if isinstance(logins, list | tuple) else []
    return [
        text for one in known for text in (str(one.get("password", "")), f"{one.get('username')}:{one.get('password')}")
    ]


def _reporter(secret: Redactor, choice: Choice) -> Reporter:
    """The reporter of this terminal, behind the one that keeps secrets out."""
    inner = reporter_for(choice.output, verbosity=choice.verbose, stdout=sys.stdout, stderr=sys.stderr)
    return Redacting(inner, secret)


def _one_at_a_time(reporter: Reporter, changed: threading.Event) -> Emit:
    """Events come from many threads, a reporter hears them one after the other."""
    lock = threading.Lock()

    def emit(event: Any) -> None:
        if isinstance(event, ActionStarted) and not event.planned:
            changed.set()
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
    return Holder(run=secrets.token_hex(8), who=f"{who()} (pid {os.getpid()})", since=since, release=release)
