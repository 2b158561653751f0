"""`way_back`: whether a release can be gone back to, found out and mended before it is needed.

Going back itself is `compose`'s part; which release is meant is chosen before.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.facts.containers import ProjectContainers, ProjectImages
from deployer.facts.edits import EditedFiles
from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.model.login import Login
from deployer.model.release import Container, Installed, Release
from deployer.modules._images import build, pull_as
from deployer.modules._refusals import HostRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts
from deployer.rollout.data_guard import Kind


@module("way_back")
@dataclass(frozen=True, kw_only=True)
class WayBack:
    """Make sure that a release on the host can be gone back to: its images are there, and its files as they came.

    An image that is gone gets its name again from the container that runs it; without one it is built from the
    release's own tree, or pulled. Files that were edited on the host are refused, or with `warns` only said.

    Examples:
        - name: The release that serves can be gone back to
          way_back:
            release: "{{ release }}"
            before: true
            allow: "{{ deploy_allow }}"
            registries: "{{ deploy_registries }}"
    """

    release: Release  # the release: `{{ release }}`
    before: bool = False  # not this release, but the one that serves while it is brought
    warns: bool = False  # go on with edited files, and say so
    environment: str = ""  # that goes back: `{{ deploy_environment }}`
    allow: tuple[Kind, ...] = ()  # what is no reason to fail, by the words of the refusal
    registries: tuple[Login, ...] = ()  # logins with which images are asked for; none of them is kept on the host

    def facts(self) -> tuple[Fact[Any], ...]:
        edits = () if self.before or not self.release.id else (self._edits,)
        return (InstalledReleases(self.release.root), self._images, self._containers, *edits)

    @property
    def _edits(self) -> EditedFiles:
        return EditedFiles(self.release.path)

    @property
    def _images(self) -> ProjectImages:
        return ProjectImages(self.release.project)

    @property
    def _containers(self) -> ProjectContainers:
        return ProjectContainers(self.release.project)

    def plan(self, seen: Facts) -> Iterator[Action]:
        installed = seen[InstalledReleases(self.release.root)]
        target = installed.fallback if self.before else installed.releases.get(self.release.id)
        if target is None or (self.before and (target.id == self.release.id or "no-way-back" in self.allow)):
            return
        if not self.before and installed.current != self.release.id:
            self._check_environment(target)
            self._check_edits(seen)
        for service, pin in missing_images(installed, target, seen[self._images]).items():
            yield self._regain(target, service, pin, seen[self._containers])

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """That files were edited, where it is no reason to stay."""
        edited = () if self.before or not self.release.id else seen[self._edits]
        allowed = self.warns or "release-edited" in self.allow
        if not edited or not allowed:
            return {}
        return {"warnings": [f"{self._told(edited)}; they are taken as they are"]}

    def _check_environment(self, target: Release) -> None:
        there = target.environment
        if self.warns or there in ("", self.environment) or not self.environment or "other-environment" in self.allow:
            return
        raise HostRefusedError(
            f"{self.release.root} holds the project {self.release.project} of environment {there}, and this is "
            f"{self.environment}",
            hint=f"deploy rollback {there}; if both are the same: {self._allowing('other-environment')}",
        )

    def _check_edits(self, seen: Facts) -> None:
        edited = seen[self._edits]
        if not edited or self.warns or "release-edited" in self.allow:
            return
        raise HostRefusedError(
            f"{self._told(edited)}: it is not the release that has proven itself",
            hint="put the files back, go to another release with --to, or deploy the commit that you want; "
            f"to take them as they are: {self._allowing('release-edited')}",
        )

    def _told(self, edited: Sequence[str]) -> str:
        return f"release {self.release.id} was edited on the host: {told_files(edited)}"

    def _allowing(self, kind: Kind) -> str:
        return f"-e deploy_allow={','.join((*self.allow, kind))}"

    def _regain(self, target: Release, service: str, pin: str, containers: Sequence[Container]) -> Action:
        because = f"image {pin} is gone, and going back to {target.id} needs it"
        running = next((one for one in containers if one.service == service and one.image == pin), None)
        if running:
            name = shlex.quote(running.name)
            return Script(
                label=f"name the image of {running.name} {pin} again", because=because,
                text=f"docker image tag \"$(docker inspect --format '{{{{.Image}}}}' {name})\" {shlex.quote(pin)}",
            )  # fmt: skip
        image = target.images.get(service)
        if service in target.built or not image:
            return build(target, (service,), self.registries, because=because, hint=self._hint())
        return pull_as(target, image, pin, self.registries, because=because, hint=self._hint())

    def _hint(self) -> str | None:
        return f"to go on with no way back: {self._allowing('no-way-back')}" if self.before else None


def missing_images(installed: Installed, release: Release, images: frozenset[str]) -> dict[str, str]:
    """Service -> pinned image, of those of a release that are not on the host any more."""
    pins = installed.pins if release.id == installed.current else installed.pinned.get(release.id, {})
    return {service: pin for service, pin in pins.items() if service in release.services and pin not in images}


def told_files(edited: Sequence[str], most: int = 3) -> str:
    """ "compose.yaml, www/index.html and 2 more"."""
    return ", ".join(edited[:most]) + (f" and {len(edited) - most} more" if len(edited) > most else "")
