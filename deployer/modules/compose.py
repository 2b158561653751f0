"""`compose`: a release's containers on one host. Images first, then what others wait for, then the switch."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from deployer.facts.containers import ProjectContainers, ProjectImages
from deployer.facts.docker import DockerNetwork, DockerVolume
from deployer.facts.releases import InstalledReleases
from deployer.model.action import Action, Put, Run, Script, Watch, run
from deployer.model.release import Container, Installed, Release
from deployer.modules._drift import drift, runs_or_is_done
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

BUILD_TIMEOUT = 3600.0
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

        - name: The release's containers run
          compose:
            release: "{{ release }}"
            state: up
    """

    release: Release  # the release: `{{ release }}`
    state: Literal["built", "supported", "up", "stopped"] = "up"  # images ready; services that others need run; all run
    pull: Literal["missing", "always"] = "missing"  # when `built` asks the registry for images that are not built here

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
            yield from _plan_images(self, seen[installed], seen[ProjectImages(release.project)])
        elif self.state == "supported":
            yield from _plan_support(release, seen[containers], seen)
        elif self.state == "up":
            yield from _plan_up(release, seen[installed], seen[containers], seen)
        else:
            yield from _plan_stop(release, seen[containers])


def compose_run(release: Release, *argv: str, because: str, **rest: Any) -> Run:
    """`docker compose` with the release's own files and environment; people are shown it without those options."""
    label = shlex.join(("docker", "compose", *argv))
    return Run(argv=(*release.compose(), *argv), label=label, because=because, **rest)


# images ---------------------------------------------------------------------------------------------------------


def _plan_images(wanted: Compose, installed: Installed, images: frozenset[str]) -> Iterator[Action]:
    release = wanted.release
    because = _images_because(release, installed, images)
    if because is None:
        return
    plain = (
        shlex.join(release.compose())
        .replace(shlex.join(("--file", f"{release.path}/compose.release.yaml")), "")
        .rstrip()
    )
    yield Script(
        label=f"check {', '.join(release.compose_files)} with docker compose config", text=_check(release, plain),
        because=f"release {release.id} must be valid before anything is switched",
    )  # fmt: skip
    yield Put(
        path=f"{release.path}/compose.release.yaml", content=render_pins(release), mode=0o600,
        because="images are pinned to the release",
    )  # fmt: skip
    if release.built:
        yield compose_run(release, "build", *release.built, because=because, timeout=BUILD_TIMEOUT)
    for service in release.images:
        yield Script(
            label=f"pull and pin the image of {service}", because=because, timeout=BUILD_TIMEOUT,
            text=_pull_and_pin(wanted, service, before=installed.pins.get(service, "")),
        )  # fmt: skip
    yield Script(
        label="record the images of the release", text=_record_pins(release),
        because="a later run compares them with what is there",
    )  # fmt: skip


def _images_because(release: Release, installed: Installed, images: frozenset[str]) -> str | None:
    if installed.current != release.id:
        return f"release {release.id} has no images yet"
    if not installed.pins:
        return f"release {release.id} is not pinned yet"
    gone = [pin for service, pin in installed.pins.items() if service in release.services and pin not in images]
    return f"image {gone[0]} is gone" if gone else None


def pin(release: Release, service: str) -> str:
    """The image of a service in this release: `<project>-<service>:<release>`, in the case that Docker wants."""
    return f"{release.project}-{service}:{release.id}".lower()


def render_pins(release: Release) -> bytes:
    """compose.release.yaml as it stands before images are pulled: built services named and never pulled."""
    lines = ["# written by deployer: the images of this release", "services:" if release.built else "services: {}"]
    for service in release.built:
        lines += [f"  {service}:", f"    image: {pin(release, service)}"]
    return ("\n".join(lines) + "\n").encode()


# service<TAB>image of the YAML that `docker compose config` prints, and of ours
_IMAGES_OF = (
    'awk \'/^[^ ]/ { inside = /^services:/ } inside && /^  [^ ].*:$/ { sub(/:$/, ""); name = $1 } '
    'inside && /^    image: / { print name "\\t" $2 }\''
)


def _check(release: Release, compose: str) -> str:
    """Shell that lets Compose read the files, once, and keeps which images they name; secrets stay in memory."""
    if not release.images:
        return f"{compose} config --quiet"
    images = shlex.quote(f"{release.path}/images")
    return f"umask 077\nconfig=$({compose} config) && printf '%s\\n' \"$config\" | {_IMAGES_OF} >{images}"


def _pull_and_pin(wanted: Compose, service: str, *, before: str) -> str:
    """Shell that pulls one service's image if needed and pins it.

    The pin of the release before is kept where the image is the same: another name would make compose re-create a
    database's container for nothing.
    """
    release, name = wanted.release, shlex.quote(service)
    missing = 'docker image inspect "$image" >/dev/null 2>&1 || ' if wanted.pull == "missing" else ""
    return "\n".join(
        (
            f"image=$(awk -v name={name} '$1 == name {{ print $2 }}' {shlex.quote(release.path + '/images')})",
            f"[ -n \"$image\" ] || {{ echo 'compose knows no image for' {name}; exit 1; }}",
            f'{missing}docker pull --quiet "$image"',
            "new=$(docker image inspect --format '{{.Id}}' \"$image\")",
            f"before={shlex.quote(before)}",
            'old=$([ -z "$before" ] || docker image inspect --format \'{{.Id}}\' "$before" 2>/dev/null || true)',
            f'if [ "$new" = "$old" ]; then pin=$before; else pin={shlex.quote(pin(release, service))}; fi',
            'docker image tag "$image" "$pin"',
            f"file={shlex.quote(release.path + '/compose.release.yaml')}",
            "sed -i 's/^services: {}$/services:/' \"$file\"",
            f'printf \'  %s:\\n    image: %s\\n\' {name} "$pin" >>"$file"',
        )
    )


def _record_pins(release: Release) -> str:
    path = shlex.quote(release.path)
    return f"umask 077\n{_IMAGES_OF} {path}/compose.release.yaml >{path}/pins"


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
    label, path = shlex.quote(f"label=com.docker.compose.project={release.project}"), shlex.quote(release.path)
    columns = '{{.Label "com.docker.compose.service"}} {{.Label "com.docker.compose.config-hash"}}'
    return f"umask 077\ndocker ps --all --filter {label} --format {shlex.quote(columns)} | sort -u >{path}/hashes"


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
