"""A release's images: built or pulled, and pinned to it; `compose` and `way_back` decide when."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from deployer.model.action import Action, Put, Script, compose_run
from deployer.model.login import Login
from deployer.model.release import Installed, Release
from deployer.modules._logins import with_logins

BUILD_TIMEOUT = 3600.0


def plan_images(
    release: Release, installed: Installed, images: frozenset[str], *, pull: str, logins: Sequence[Login]
) -> Iterator[Action]:
    """The actions that get the images of a release that is on the host; none if they are there, and pinned."""
    because = _images_because(release, installed, images)
    if because is None:
        return
    yield Script(
        label=f"check {', '.join(release.compose_files)} with docker compose config", text=_check(release),
        because=f"release {release.id} must be valid before anything is switched",
    )  # fmt: skip
    yield Put(
        path=f"{release.path}/compose.release.yaml", content=render_pins(release), mode=0o600,
        because="images are pinned to the release",
    )  # fmt: skip
    if release.built:
        yield build(release, release.built, logins, because=because)
    for service in release.images:
        text = _pull_and_pin(release, service, pull=pull, before=installed.pins.get(service, ""))
        yield Script(
            label=f"pull and pin the image of {service}", because=because, timeout=BUILD_TIMEOUT,
            text=with_logins(logins, release.project, text),
        )  # fmt: skip
    yield Script(
        label="record the images of the release", text=_record_pins(release),
        because="a later run compares them with what is there",
    )  # fmt: skip


def build(
    release: Release, services: Sequence[str], logins: Sequence[Login], *, because: str, hint: str | None = None
) -> Action:
    """Build services with the names that the release's pins give their images."""
    command = compose_run(release, "build", *services, because=because, timeout=BUILD_TIMEOUT, hint=hint)
    if not logins:
        return command
    text = with_logins(logins, release.project, shlex.join(command.argv))
    return Script(label=command.title, text=text, because=because, timeout=BUILD_TIMEOUT, hint=hint)


def pull_as(
    release: Release, image: str, pin: str, logins: Sequence[Login], *, because: str, hint: str | None = None
) -> Action:
    """Pull an image and give it the name of a pin."""
    text = f'image={shlex.quote(image)}\n{_PULL}\ndocker image tag "$image" {shlex.quote(pin)}'
    return Script(
        label=f"pull {image} as {pin}", text=with_logins(logins, release.project, text), because=because,
        timeout=BUILD_TIMEOUT, hint=hint,
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


# says whose pull failed in the words that `rollout.faults` knows
_PULL = """docker pull --quiet "$image" || { printf 'could not pull %s\\n' "$image"; exit 1; }"""
_ID = "docker image inspect --format '{{.Id}}'"
# what a file that is refused has to be compared with
_TOLD = '{ rc=$?; printf \'docker compose is %s\\n\' "$(docker compose version --short)"; exit "$rc"; }'


def _check(release: Release) -> str:
    """Shell that lets Compose read the files, once, and keeps which images they name; secrets stay in memory."""
    pins = shlex.join(("--file", f"{release.path}/compose.release.yaml"))  # they are not there yet
    compose = shlex.join(release.compose()).replace(pins, "").rstrip()
    if not release.images:
        return f"{compose} config --quiet || {_TOLD}"
    images = shlex.quote(f"{release.path}/images")
    return f"umask 077\nconfig=$({compose} config) || {_TOLD}\nprintf '%s\\n' \"$config\" | {_IMAGES_OF} >{images}"


def _pull_and_pin(release: Release, service: str, *, pull: str, before: str) -> str:
    """Shell that pulls one service's image if needed and pins it.

    The pin of the release before is kept where the image is the same: another name would make compose re-create a
    database's container for nothing.
    """
    name = shlex.quote(service)
    pulled = f'{_PULL}\nnew=$({_ID} "$image")'
    if pull == "missing":
        pulled = f'new=$({_ID} "$image" 2>/dev/null) || {{\n{pulled}\n}}'
    kept = f'[ "$new" = "$({_ID} {shlex.quote(before)} 2>/dev/null)" ]' if before else "false"
    own = shlex.quote(pin(release, service))
    return "\n".join(
        (
            f"image=$(awk -v name={name} '$1 == name {{ print $2 }}' {shlex.quote(release.path + '/images')})",
            f"[ -n \"$image\" ] || {{ echo 'compose knows no image for' {name}; exit 1; }}",
            pulled,
            f'if {kept}; then pin={shlex.quote(before)}; else pin={own}; docker image tag "$image" "$pin"; fi',
            f"file={shlex.quote(release.path + '/compose.release.yaml')}",
            "sed -i 's/^services: {}$/services:/' \"$file\"",
            f'printf \'  %s:\\n    image: %s\\n\' {name} "$pin" >>"$file"',
        )
    )


def _record_pins(release: Release) -> str:
    path = shlex.quote(release.path)
    return f"umask 077\n{_IMAGES_OF} {path}/compose.release.yaml >{path}/pins"
