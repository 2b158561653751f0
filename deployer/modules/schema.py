"""`schema`: whether a database is ahead of a release. It changes no database: that is `migrate` and `restore`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, Literal

from deployer.facts.releases import InstalledReleases
from deployer.facts.snapshots import MigratedReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, Script
from deployer.model.release import Release
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

ASKING = 120  # seconds that an earlier release may take to say what it knows

_UNKNOWN = """\
from django.db import connection
from django.db.migrations.loader import MigrationLoader
loader = MigrationLoader(connection)
for app, name in sorted(set(loader.applied_migrations) - set(loader.disk_migrations)): print("unknown:", app, name)
"""


@module("schema")
@dataclass(frozen=True, kw_only=True)
class Schema:
    """Say that later releases have migrated the database, which going back does not undo, and what the choices are.

    Where the migration is Django's, the release that is gone back to is asked which migrations it does not know.

    Examples:
        - name: Whoever goes back knows about the database
          schema:
            release: "{{ release }}"
            command: "{{ deploy_migrate }}"
            environment: "{{ deploy_environment }}"
    """

    release: Release  # the release that will work with the database: `{{ release }}`
    state: Literal["told", "restored"] = "told"  # restored: their migrations are undone, and no longer remembered
    command: str = ""  # that migrates: `{{ deploy_migrate }}`
    service: str | None = None  # whose image knows the migrations; by default the only one that is built
    always: bool = False  # say it also where the release is the current one already
    environment: str = "ENV"  # as `deploy` is told it

    def facts(self) -> tuple[Fact[Any], ...]:
        return (InstalledReleases(self.release.root), MigratedReleases(self.release.root))

    def plan(self, seen: Facts) -> Iterator[Action]:
        installed, migrated = (seen[fact] for fact in self.facts())
        ahead = sorted(one for one in migrated if one > self.release.id)
        if not ahead:
            return
        if self.state == "restored":
            marks = shlex.join(f"{self.release.root}/releases/{one}/migrated" for one in ahead)
            yield Script(
                label=f"note that the migration of {', '.join(ahead)} is undone", text=f"rm -f -- {marks}",
                because="the data is restored as it was before",
            )  # fmt: skip
        elif self.always or installed.current != self.release.id:
            yield self._tell(ahead)

    def _tell(self, ahead: list[str]) -> Script:
        schema = f"the database's schema is that of {ahead[-1]}, and going back to {self.release.id} does not change it"
        choices = (
            f"keep it if {self.release.id} can work with it; or bring back the data as it was before, and lose what "
            f"was written since: deploy restore {self.environment}"
        )
        history = shlex.quote(f"{self.release.root}/.deploy/history.log")
        return Script(
            label="note that the schema stays ahead", because=schema,
            text=(
                f"mkdir -p {shlex.quote(self.release.root)}/.deploy\n"
                f"printf '%s %s\\n' \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\" {shlex.quote(schema)} >>{history}\n"
                f"printf '%s\\n' {shlex.quote(schema)} {shlex.quote(choices)}\n{self._asking()}"
            ),
        )  # fmt: skip

    def _asking(self) -> str:
        """Shell that names Django's unknown migrations; a release that cannot say is no reason to stay."""
        service = self.service or (self.release.built[0] if len(self.release.built) == 1 else None)
        words = shlex.split(self.command)
        script = next((at for at, word in enumerate(words) if word.endswith("manage.py")), None)
        if script is None or service not in self.release.services:
            return ""
        argv = (*self.release.compose(), "run", "--rm", "--no-deps", "--no-TTY", service)
        asked = shlex.join((*argv, *words[: script + 1], "shell", "--command", _UNKNOWN))
        return (
            f"unknown=$(timeout {ASKING} {asked} 2>/dev/null | sed -n 's/^unknown: /  /p') || true\n"
            f"[ -z \"$unknown\" ] || printf '%s\\n' {shlex.quote(f'migrations that {self.release.id} does not know:')} "
            '"$unknown"\n'
        )
