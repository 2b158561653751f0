"""`migrate`: a command of the new release, run once before it serves."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, Script, compose_run
from deployer.model.release import Release
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_KEPT = """\
umask 077
log={log}
{{ {command} 2>&1 && rc=0 || rc=$?; echo $rc >"$log.status"; }} | tee -a "$log"
rc=$(cat "$log.status")
rm -f "$log.status"
exit "$rc"
"""


@module("migrate")
@dataclass(frozen=True, kw_only=True)
class Migrate:
    """Run a command in a new container of one of the release's services, wait for its end, and keep what it says.

    Examples:
        - name: The database fits the release
          migrate:
            release: "{{ release }}"
            service: web
            command: python manage.py migrate
          once: rollout
    """

    release: Release  # the release: `{{ release }}`
    service: str  # whose image, environment and networks the command gets
    command: str  # as typed in a shell; no shell reads it
    timeout: float = 900.0  # seconds

    def facts(self) -> tuple[Fact[Any], ...]:
        return (InstalledReleases(self.release.root),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        if seen[InstalledReleases(self.release.root)].current == self.release.id:
            return
        command = compose_run(
            self.release, "run", "--rm", "--no-deps", "--no-TTY", self.service, *shlex.split(self.command),
            because=f"release {self.release.id} is new, and its database must fit it before it serves",
        )  # fmt: skip
        yield Script(
            label=command.title, because=command.because, timeout=self.timeout,
            text=_KEPT.format(command=shlex.join(command.argv), log=shlex.quote(f"{self.release.path}/migrate.log")),
        )  # fmt: skip
        yield Script(
            label="note that the database was migrated", text=f"date -u >{shlex.quote(self.release.path)}/migrated",
            because="going back will have to say that its schema is ahead",
        )  # fmt: skip
