"""Brings the project's tree to the host as a release folder of its own; nothing that serves is touched.

How the bytes travel is `engine.sync`'s business, and what starts from the folder is compose's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, Sync
from deployer.model.release import Installed, Release
from deployer.model.release_json import OWN_VARIABLE
from deployer.model.tree import Tree
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TIMEOUT = 4 * 3600.0  # seconds: a first upload over a slow line


@module("project_sync")
@dataclass(frozen=True, kw_only=True)
class ProjectSync:
    """Make sure that a release's folder is on the host, whole and verified; never changes one that is there.

    Examples:
        - name: The release's files are on the host
          project_sync:
            source: "{{ deploy_source }}"
            tree: "{{ release_tree }}"
            release: "{{ release }}"
            env: "{{ release_env }}"
    """

    source: str  # the project folder on this machine
    tree: Tree  # what the folder holds: "{{ release_tree }}"
    release: Release  # what it becomes: "{{ release }}"
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # the release's .env, readable by its owner only

    def facts(self) -> tuple[Fact[Any], ...]:
        return (InstalledReleases(self.release.root),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        installed = seen[InstalledReleases(self.release.root)]
        there = installed.releases.get(self.release.id)
        if there and there.digest == self.release.digest:
            return
        env = render_env({**self.env, OWN_VARIABLE: self.release.id})
        yield Sync(
            source=self.source,
            tree=self.tree,
            release=self.release,
            files={".env": (env.encode(errors="surrogateescape"), 0o600)},
            base=_base(installed),
            parts=installed.parts,
            because=_because(installed, self.release),
            timeout=TIMEOUT,
        )


def render_env(env: Mapping[str, str]) -> str:
    """The variables as a dotenv file that Docker Compose reads back byte by byte, sorted by name.

    Raises ValueError for a name that no shell knows and for a value with a NUL in it; it never names the value.
    """
    return "".join(f"{_checked(name)}={_quoted(name, env[name])}\n" for name in sorted(env))


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a variable: letters, digits and _ are, and no digit in front")
    return name


def _quoted(name: str, value: str) -> str:
    """Single quotes take everything literally, but know no way to write a quote, or a backslash before one."""
    if "\0" in value:
        raise ValueError(f"the value of {name} holds a NUL, which no environment can")
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    # octal, because compose's versions disagree on where a string ends whose last character is an escaped backslash
    return '"' + value.replace("\\", r"\0134").replace('"', r"\0042").replace("$", "$$") + '"'


def _base(installed: Installed) -> str | None:
    if installed.serving:
        return installed.serving.id
    return next(reversed(tuple(installed.releases)), None)


def _because(installed: Installed, wanted: Release) -> str:
    serving = installed.serving
    if not installed.releases:
        return "no release on the host yet"
    if wanted.id in installed.releases:
        return f"release {wanted.id} on the host has other content"
    if serving and serving.digest != wanted.digest:
        return f"content differs from current {serving.id}"
    return f"release {wanted.id} is not on the host"
