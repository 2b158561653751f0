"""The one place where a run is put together: files and options to a Session. No host is contacted here."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from deployer import __version__
from deployer.cli.environment import Environment
from deployer.cli.options import Choice
from deployer.config.playbook import load_playbook
from deployer.config.releases import HostRelease, ReleaseMaker, Stamp
from deployer.config.static import check_playbook
from deployer.engine.ports import Emit, Options, Questions, Session, Target
from deployer.errors import DeployerError, PlaybookError
from deployer.facts.lock import LockHolder
from deployer.facts.releases import InstalledReleases
from deployer.model.action import Put
from deployer.model.inventory import Host
from deployer.model.lock import Holder
from deployer.model.playbook import Play, Playbook, Task
from deployer.modules.all import MODULES
from deployer.protocols import Reporter
from deployer.report.choose import reporter_for
from deployer.report.diff import unified
from deployer.report.redact import Redacting, Redactor
from deployer.rollout.choose import choose_previous, choose_release

QUESTIONS = Questions(installed=InstalledReleases, lock=LockHolder)


@dataclass(frozen=True, kw_only=True)
class Assembly:
    session: Session
    reporter: Reporter


def assemble(
    choice: Choice,
    *,
    verb: str,
    playbook: Path,
    to: str | None = None,
    check: bool = False,
    diff: bool = False,
    tags: frozenset[str] = frozenset(),
    skip_tags: frozenset[str] = frozenset(),
) -> Assembly:
    """Everything that a run needs; raises ConfigError for whatever is wrong before any host is contacted."""
    environment, path = Environment(choice), find_playbook(playbook)
    secret = _secrets(environment, path)
    with _kept_out(secret):
        plays = load_playbook(path, MODULES)
        releases = _releases(environment, path) if verb != "provision" else {}
        targets = {host.name: _target(environment, host, path, releases, check=check) for host in environment.hosts}
        _check(environment, plays, targets, release_known=bool(releases))
        way_back = load_playbook(find_playbook(Path("rollback.yml")), MODULES) if releases else None
        if way_back:
            _check(environment, way_back, targets, failed=True)
    reporter = _reporter(secret, choice)
    session = Session(
        verb=verb,
        environment=choice.environment,
        playbook=plays,
        way_back=way_back,
        targets=tuple(targets.values()),
        language=environment.language,
        questions=QUESTIONS,
        emit=_one_at_a_time(reporter),
        holder=_holder(releases),
        plays_on=environment.on,
        choose=_choice_of(verb, to),
        options=Options(check=check, diff=_diff if diff else None, tags=tags, skip_tags=skip_tags, forks=choice.forks),
    )
    return Assembly(session=session, reporter=reporter)


def find_playbook(path: Path) -> Path:
    """The project's own in playbooks/, the file itself, or the shipped one; raises PlaybookError if there is none."""
    shipped = Path(str(resources.files("deployer"))) / "playbooks"
    places = [Path("playbooks") / path, path, shipped / path, shipped.parent.parent / "playbooks" / path]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise PlaybookError(f"{path} is no file, neither here nor in playbooks/", hint="deploy init --playbook")
    return found


def _releases(environment: Environment, playbook: Path) -> dict[str, HostRelease]:
    maker = ReleaseMaker(Stamp(now=datetime.now(UTC), by=_who(), tool=f"deployer {__version__}"))
    return {host.name: maker.make(host.name, environment.settings(host, playbook)) for host in environment.hosts}


def _target(
    environment: Environment, host: Host, playbook: Path, releases: Mapping[str, HostRelease], *, check: bool
) -> Target:
    mine = releases.get(host.name)
    migrating = [name for name, one in releases.items() if one.migrate_service]
    extra = {
        **environment.magic(host, playbook),
        "ansible_check_mode": check,
        "release_tree": mine.tree if mine else None,
        "release_env": mine.env if mine else {},
        "migrate_hosts": migrating,
        "migrate_service": next((one.migrate_service for one in releases.values() if one.migrate_service), None),
    }
    return Target(
        remote=environment.remote(host),
        variables=environment.variables(host),
        extra=extra,
        wanted=mine.release if mine else None,
        become=environment.endpoint(host)[1],
    )


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
        return {**target.variables, **play.variables, **own, **(release if release_known else {}), **target.extra}

    def hosts_of(play: Play) -> tuple[str, ...]:
        first = next(iter(targets))
        pattern = environment.language.render(play.hosts, variables(first, play), place=play.place)
        return environment.on(str(pattern))

    check_playbook(playbook, environment.language, hosts_of, variables)


def _secrets(environment: Environment, playbook: Path) -> Redactor:
    """Who knows the values that no output may show."""
    secret = Redactor()
    for host in environment.hosts:
        known = environment.rendered(host, playbook, ("deploy_secrets", "ansible_become_password"))
        told = known.get("deploy_secrets")
        secret.add(*(str(value) for value in (told.values() if isinstance(told, Mapping) else ())))
        secret.add(str(known.get("ansible_become_password") or ""))
    return secret


@contextmanager
def _kept_out(secret: Redactor) -> Iterator[None]:
    """An error that is raised inside names no secret."""
    try:
        yield
    except DeployerError as error:
        error.message, error.hint = secret.text(error.message), error.hint and secret.text(error.hint)
        raise


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


def _choice_of(verb: str, to: str | None) -> Callable[..., Any]:
    if verb != "rollback":
        return choose_release
    return lambda wanted, seen: partial(choose_previous, to=to)(seen)


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
