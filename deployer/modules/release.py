"""`release`: which release is the current one, and which have failed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, Literal

from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, Link, Script
from deployer.model.release import Release
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("release")
@dataclass(frozen=True, kw_only=True)
class ReleaseMark:
    """Mark a release on the host: the `current` link names the one that has proven itself.

    Examples:
        - name: The release is the current one
          release:
            release: "{{ release }}"
            state: current
    """

    release: Release  # the release: `{{ release }}`
    state: Literal["current", "failed"] = "current"  # proven healthy and current; or put back after a failure
    reason: str = ""  # why it failed, in one line

    def facts(self) -> tuple[Fact[Any], ...]:
        return (InstalledReleases(self.release.root),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        installed = seen[InstalledReleases(self.release.root)]
        if self.state == "failed":
            if self.release.id not in installed.failed:
                yield self._mark("failed", because=self.reason or "it did not prove itself")
            return
        if self.release.id not in installed.healthy or self.release.id in installed.failed:
            yield self._mark("healthy", because="it passed its gate")
        if installed.current != self.release.id:
            because = f"the current release was {installed.current}" if installed.current else "there was none"
            yield Link(path=f"{self.release.root}/current", target=f"releases/{self.release.id}", because=because)

    def _mark(self, word: str, *, because: str) -> Script:
        """A mark in the release's folder, if that is there, instead of its opposite; a line in the host's history."""
        folder, history = shlex.quote(self.release.path), shlex.quote(f"{self.release.root}/.deploy/history.log")
        line = shlex.quote(f"{self.release.id} {word} by {self.release.by}: {' '.join(because.split())}")
        opposite = {"healthy": "failed", "failed": "healthy"}[word]
        text = (
            f"umask 077; [ ! -d {folder} ] || printf '%s\\n' {shlex.quote(because)} >{folder}/{word}\n"
            f"rm -f {folder}/{opposite}\n"
            f"mkdir -p {shlex.quote(self.release.root)}/.deploy\n"
            f"printf '%s %s\\n' \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\" {line} >>{history}"
        )
        return Script(label=f"mark release {self.release.id} {word}", text=text, because=because)
