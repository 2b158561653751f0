"""What a failed step printed, to one sentence about what is wrong and what to type; most of it is Docker's wording.

The whole output is shown beside it: a sentence here never has to be complete, only right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from deployer.frozen import dataclass

HUB = "Docker Hub"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What went wrong, in one sentence, and what to do about it."""

    message: str
    hint: str


Explain = Callable[[re.Match[str], str], Fault]  # what was found, and the whole output

PULLING = re.compile(r"^could not (?:pull|get) (?P<image>\S+)$", re.MULTILINE)  # as our own scripts say
_SOLVING = re.compile(r"failed to solve: (?P<image>[a-z0-9][\w.\-/:@]*): ")  # BuildKit, about an image in FROM
_NOT_FOUND = re.compile(r"manifest unknown|manifest for \S+ not found|repository does not exist|: not found")
_LOGIN = re.compile(r"no basic auth credentials|unauthorized|authentication required|denied: |40[13] \w+")
_DOWN = re.compile(
    r"connection refused|no such host|i/o timeout|no route to host|TLS handshake|deadline exceeded|connection reset|"
    r"server gave HTTP response|x509: [^\n]*|: EOF|50[0-9] [A-Z][\w ]+|Client\.Timeout|network is unreachable|"
    r"server misbehaving|toomanyrequests[^\n]*"
)
_COMPOSE_VERSION = re.compile(r"^docker compose is (?P<version>v?\d\S*)$", re.MULTILINE)  # as our own script says
_PROPERTY = re.compile(
    r"(?:(?P<where>\S+) )?[Aa]dditional propert(?:y|ies) '?(?P<name>[\w.\-]+)'? (?:is |are )?not allowed", re.MULTILINE
)
SINCE = {  # what Compose files may say -> the first version that reads it
    "additional_contexts": "2.17", "attach": "2.20", "develop": "2.22", "dockerfile_inline": "2.17",
    "entitlements": "2.27.1", "gpus": "2.30", "include": "2.20.3", "interface_name": "2.36", "label_file": "2.32.2",
    "models": "2.38", "post_start": "2.30", "pre_stop": "2.30", "provenance": "2.39", "provider": "2.36",
    "sbom": "2.39", "start_interval": "2.20.2", "use_api_socket": "2.38",
}  # fmt: skip


def explain(output: str) -> Fault | None:
    """The first thing in a step's output that is known; None if nothing is."""
    return next(_faults(output), None)


def registry_of(image: str) -> str:
    """The registry that an image comes from, as its name says."""
    first, slash, _ = image.partition("/")
    is_registry = slash and ("." in first or ":" in first or first == "localhost")
    return first if is_registry and first not in ("docker.io", "index.docker.io") else HUB


def _faults(output: str) -> Iterator[Fault]:
    pulled = PULLING.search(output) or _SOLVING.search(output)
    if "no space left on device" in output.lower():
        yield Fault(
            message="no space is left on the host",
            hint="on the host: df -h; df -i; docker system df; make room there, then run again",
        )
    if "read-only file system" in output.lower():
        yield Fault(
            message="a file system is read-only",
            hint="if it is the host's: dmesg | tail; mount -o remount,rw /; a container's own needs a volume there",
        )
    if pulled:
        yield _of_pull(pulled["image"], output)
    yield from _of_compose(output)
    yield from _of_engine(output)


def _of_pull(image: str, output: str) -> Fault:
    registry = registry_of(image)
    down = _DOWN.search(output)
    if "pull access denied" in output or (not _LOGIN.search(output) and _NOT_FOUND.search(output)):
        what, check = f"image {image}: {registry} has no such image or tag", "check the name in the compose file"
        if "pull access denied" in output:
            return Fault(message=f"{what}, or asks for a login", hint=f"{check}; for a login, set deploy_registries")
        return Fault(message=what, hint=f"{check}, and that it was pushed: docker manifest inspect {image}")
    if _LOGIN.search(output):
        return Fault(
            message=f"image {image}: {registry} refuses it without a login, or with this one",
            hint="set deploy_registries in the inventory: "
            f"- {{server: {'docker.io' if registry == HUB else registry}, username: NAME, password: …}}",
        )
    if down:
        return Fault(
            message=f"image {image}: {registry} cannot be reached from the host: {down[0]}",
            hint=f"on the host: docker pull {image}; run again when the registry answers",
        )
    return Fault(message=f"image {image} could not be had from {registry}", hint=f"on the host: docker pull {image}")


def _of_compose(output: str) -> Iterator[Fault]:
    version, found = _COMPOSE_VERSION.search(output), _PROPERTY.search(output)
    if version is None or found is None:
        return
    name, has = found["name"], version["version"].removeprefix("v")
    where = f" in {found['where']}" if found["where"] and found["where"] != "(root)" else ""
    since = SINCE.get(name)
    if since:
        yield Fault(
            message=f"the host's Docker Compose {has} is too old for `{name}`{where}: it came with {since}",
            hint=f"bring Compose {since} or later to the host, or leave `{name}` out",
        )
    else:
        yield Fault(
            message=f"the host's Docker Compose {has} does not know `{name}`{where}",
            hint=f"is it misspelt? If not, the host needs a later Compose than {has}",
        )


def _of_engine(output: str) -> Iterator[Fault]:
    """What `up` says where the preflight was passed by: the cause, without the container's long names."""
    taken = re.search(
        r"Bind for (\S+) failed: port is already allocated|listen \w+ (\S+): bind: address already", output
    )
    if taken:
        port = taken[1] or taken[2]
        number = port.rpartition(":")[2]
        yield Fault(
            message=f"port {port} is taken on the host",
            hint=f"on the host: ss -ltnp 'sport = :{number}'; docker ps --filter publish={number}",
        )
    if "Pool overlaps with other one" in output:
        yield Fault(
            message="a network's subnet overlaps with one that the host has",
            hint="on the host: docker network inspect $(docker network ls -q); ip route",
        )
    if "available, non-overlapping IPv4 address pool" in output or "address pools have been fully subnetted" in output:
        yield Fault(
            message="Docker has no subnet left for another network",
            hint="on the host: docker network ls; or more of them: docker_daemon: {default-address-pools: [...]}",
        )
