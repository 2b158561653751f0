"""Questions to all hosts of an environment, for the verbs that only look."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployer.cli.environment import Environment
from deployer.cli.options import Choice
from deployer.config.releases import project_root
from deployer.engine.look import look
from deployer.errors import RemoteError
from deployer.protocols import Fact, Remote

Questions = Callable[[str, str], tuple[Fact[Any], ...]]  # the project's root folder and its name -> what to ask


@dataclass(kw_only=True)
class Asked:
    """One host's answers, or why there are none. Whoever asked closes the remote."""

    host: str
    root: str
    project: str
    environment: str
    remote: Remote
    answers: dict[Any, Any] = field(default_factory=dict)
    error: RemoteError | None = None


def look_at_hosts(choice: Choice, questions: Questions) -> list[Asked]:
    """Ask all hosts at once, one look each; a host that cannot be asked carries its error."""
    environment = Environment(choice)
    asked = []
    for host in environment.hosts:
        root, project = project_root(environment.settings(host, Path("playbooks")))
        remote = environment.remote(host)
        asked.append(Asked(host=host.name, root=root, project=project, environment=choice.environment, remote=remote))
    with ThreadPoolExecutor(max_workers=min(choice.forks, len(asked))) as pool:
        list(pool.map(lambda one: _ask(one, questions), asked))
    for one in asked:
        if one.error:
            one.error.message = environment.secret.text(one.error.message)
    return asked


def _ask(one: Asked, questions: Questions) -> None:
    try:
        one.remote.connect()
        one.answers = look(one.remote, questions(one.root, one.project), become="root")
    except RemoteError as error:
        one.error = error
