"""`compose`: a release's containers on one host. Images first, then what others wait for, then the switch."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from deployer.facts.containers import ProjectContainers, ProjectImages, listing
from deployer.facts.docker import DockerNetwork, DockerVolume
from deployer.facts.releases import InstalledReleases
from deployer.frozen import dataclass
from deployer.model.action import Action, Script, Watch, compose_run, run
from deployer.model.login import Login
from deployer.model.release import Container, Installed, Release
from deployer.modules._drift import drift, runs_or_is_done
from deployer.modules._images import plan_images
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

# The engine writes labels in their order, so a container's hash stands before its service.
_HASHES = (
    'grep -o -e \'"com.docker.compose.config-hash":"[^"]*"\' -e \'"com.docker.compose.service":"[^"]*"\' | '
    'sed -n \'/config-hash/{N;s/^.*:"\\(.*\\)"\\n.*:"\\(.*\\)"$/\\2 \\1/p;}\''
)
_UP = ("up", "--detach", "--no-build", "--pull", "never")


@module("compose")
@dataclass(frozen=True, kw_only=True)
class Compose:
    """Bring a release's images or containers to a state; networks and volumes are created, never removed.

    Examples:
        - name: The release's images are there
          compose:
            release: "{{ release }}"
            state: built
            pull: "{{ deploy_pull }}"
            registries: "{{ deploy_registries }}"

        - name: The release's containers run
          compose:
            release: "{{ release }}"
            state: up
    """

    release: Release  # the release: `{{ release }}`
    state: Literal["built", "supported", "up", "stopped"] = "up"  # images ready; services that others need run; all run
    pull: Literal["missing", "always"] = "missing"  # when `built` asks the registry for images that are not built here
    registries: tuple[Login, ...] = ()  # logins with which `built` asks; none of them is kept on the host

    def __post_init__(self) -> None:
        for one in self.registries:
            if one.lacks:
                raise ArgumentRefusedError(
                    f"the login for {one.server or 'a registry'} has no {one.lacks}",
                    hint="if the inventory takes it from the environment: export it before deploy",
                )

    def facts(self) -> tuple[Fact[Any], ...]:
        installed, containers = InstalledReleases(self.release.root), ProjectContainers(self.release.project)
        externals: tuple[Fact[Any], ...] = (
            *(DockerNetwork(name) for name in self.release.networks),
            *(DockerVolume(name) for name in self.release.volumes),
        )
        by_state: dict[str, tuple[Fact[Any], ...]] = {  # a docker command on a host is dear: no more than is needed
            "built": (installed, ProjectImages(self.release.project)),
            "supported": (containers, *externals),
            "up": (installed, containers, *externals),
            "stopped": (containers,),
        }
        return by_state[self.state]

    def plan(self, seen: Facts) -> Iterator[Action]:
        release = self.release
        installed, containers = InstalledReleases(release.root), ProjectContainers(release.project)
        if self.state == "built":
            images = seen[ProjectImages(release.project)]
            yield from plan_images(release, seen[installed], images, pull=self.pull, logins=self.registries)
        elif self.state == "supported":
            yield from _plan_support(release, seen[containers], seen)
        elif self.state == "up":
            yield from _plan_up(release, seen[installed], seen[containers], seen)
        else:
            yield from _plan_stop(release, seen[containers])


# containers -----------------------------------------------------------------------------------------------------


def _plan_support(release: Release, containers: tuple[Container, ...], seen: Facts) -> Iterator[Action]:
    running = {one.service for one in containers if runs_or_is_done(one) and not one.oneoff}
    down = tuple(service for service in release.support if service not in running)
    if not down:
        return
    yield from _plan_externals(release, seen)
    because = f"{', '.join(down)} must run before the release is switched"
    yield compose_run(release, *_UP, "--no-recreate", "--no-deps", *down, because=because, serves=True)
    yield Watch(release=replace(release, services=down), bake=0, because=because)


def _plan_up(
    release: Release, installed: Installed, containers: tuple[Container, ...], seen: Facts
) -> Iterator[Action]:
    because = _up_because(release, installed, containers)
    if because is None:
        return
    yield from _plan_externals(release, seen)
    yield from _plan_switch(release, containers, because)
    yield Script(
        label="record the definitions that run", text=_record_hashes(release),
        because="a later run compares them with what runs",
    )  # fmt: skip


def _plan_switch(release: Release, containers: tuple[Container, ...], because: str) -> Iterator[Action]:
    yield from _plan_farewell(release, containers)
    if release.whole:
        yield compose_run(release, *_UP, "--remove-orphans", because=because, serves=True)
    elif release.services:
        yield compose_run(release, *_UP, "--no-deps", *release.services, because=because, serves=True)


def _plan_farewell(release: Release, containers: tuple[Container, ...]) -> Iterator[Action]:
    """Take away containers of services that the host no longer runs.

    By name: `compose rm` passes over services that the release's files do not define, and says nothing.
    """
    extra = _extra(release, containers)
    if extra:
        names = tuple(one.name for one in extra)
        because = f"this host no longer runs {', '.join(sorted({one.service for one in extra}))}; volumes stay"
        yield run("docker", "stop", *names, because=because, serves=True)
        yield run("docker", "rm", *names, because=because, serves=True)


def _extra(release: Release, containers: tuple[Container, ...]) -> tuple[Container, ...]:
    return tuple(one for one in containers if not one.oneoff and one.service not in release.services)


def _record_hashes(release: Release) -> str:
    """What compose itself put on the containers: `config --hash` knows nothing of `--no-deps`, and differs."""
    return f"umask 077\n{listing(release.project)} | {_HASHES} | sort -u >{shlex.quote(release.path)}/hashes"


def _up_because(release: Release, installed: Installed, containers: tuple[Container, ...]) -> str | None:
    if installed.current is None:
        return "no release serves yet"
    if installed.current != release.id:
        return f"{installed.current} serves"
    extra = [f"{one.name} is no part of the release on this host" for one in _extra(release, containers)]
    return next(iter(extra), None) or drift(release, installed, containers)


def _plan_externals(release: Release, seen: Facts) -> Iterator[Action]:
    for name in release.networks:
        if seen[DockerNetwork(name)] is None:
            yield run("docker", "network", "create", name, because=f"network {name} not found")
    for name in release.volumes:
        if seen[DockerVolume(name)] is None:
            yield run("docker", "volume", "create", name, because=f"volume {name} not found")


def _plan_stop(release: Release, containers: tuple[Container, ...]) -> Iterator[Action]:
    alive = [one for one in containers if one.state in ("running", "restarting", "paused", "created")]
    if alive:
        yield compose_run(release, "stop", because=f"{alive[0].name} runs; its volumes stay", serves=True)
