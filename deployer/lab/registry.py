"""A registry on a lab's network, filled under Docker Hub's official names: a host that names it as its mirror
pulls `postgres:17` from here. Its layers are kept in a volume that all labs of an engine share."""

from __future__ import annotations

import json
import time
import urllib.request

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.models.networks import Network

from deployer.errors import LabError
from deployer.frozen import dataclass
from deployer.lab.lock import alone
from deployer.lab.network import create_container, fixed_address
from deployer.lab.privilege import Say
from deployer.lab.recipe import LABEL

PORT = 5000
VOLUME = "deployer-lab-registry"

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A running registry: where this machine pushes to, and where hosts pull from."""

    local: str  # 127.0.0.1:PORT, which engines trust without TLS
    mirror: str  # http://10.x.y.2:5000, for the hosts' daemon.json


def ensure_registry(client: docker.DockerClient, network: Network, address: str, *, lab: str, image: str) -> Registry:
    """Return the lab's registry, started and answering."""
    container = _find(client, _name(lab))
    if container is not None and container.attrs["Config"]["Image"] != image:
        container.remove(force=True)
        container = None
    if container is None:
        container = _create(client, network, address, lab=lab, image=image)
    container.start()
    container.reload()
    port = container.attrs["NetworkSettings"]["Ports"][f"{PORT}/tcp"][0]["HostPort"]
    registry = Registry(local=f"127.0.0.1:{port}", mirror=f"http://{address}:{PORT}")
    _wait(registry)
    return registry


def push_missing(client: docker.DockerClient, registry: Registry, image: str, official: str, say: Say) -> None:
    """Let the registry answer for `official` with `image`; pushes nothing that it has."""
    repository, _, tag = official.partition(":")
    repository = repository if "/" in repository else f"library/{repository}"
    with alone(f"push {repository}"):
        if client.images.get(image).id in _digests(registry, repository, tag):
            return
        say(f"filling the registry with {official}")
        target = f"{registry.local}/{repository}"
        client.api.tag(image, target, tag)
        try:
            _push(client, target, tag)
        finally:
            client.api.remove_image(f"{target}:{tag}", noprune=True)


def _name(lab: str) -> str:
    return f"deployer-lab-{lab}-registry"


def _find(client: docker.DockerClient, name: str) -> Container | None:
    try:
        return client.containers.get(name)
    except NotFound:
        return None


def _create(client: docker.DockerClient, network: Network, address: str, *, lab: str, image: str) -> Container:
    client.volumes.create(VOLUME, labels={LABEL: "cache"})
    config = {
        "Image": image,
        "Hostname": "registry",
        "Labels": {LABEL: lab, f"{LABEL}.role": "registry"},
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "HostConfig": {
            "Binds": [f"{VOLUME}:/var/lib/registry"],
            "PortBindings": {f"{PORT}/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        },
        "NetworkingConfig": fixed_address(network, address),
    }
    return create_container(client, _name(lab), config)


def _digests(registry: Registry, repository: str, tag: str) -> set[str]:
    """Return what identifies an image in the registry: its config's digest and its manifest's; empty if absent."""
    url = f"http://{registry.local}/v2/{repository}/manifests/{tag}"
    request = urllib.request.Request(url, headers={"Accept": ", ".join(_MANIFESTS)})
    try:
        with _direct().open(request, timeout=10) as answer:
            manifest = json.load(answer)
            return {manifest.get("config", {}).get("digest", ""), answer.headers["Docker-Content-Digest"]}
    except OSError:
        return set()


def _push(client: docker.DockerClient, repository: str, tag: str) -> None:
    for line in client.api.push(repository, tag, stream=True, decode=True):
        if "error" in line:
            raise LabError(f"{repository}:{tag} cannot be pushed: {line['error']}")


def _wait(registry: Registry, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            with _direct().open(f"http://{registry.local}/v2/", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise LabError(f"the lab's registry does not answer at {registry.local}")


def _direct() -> urllib.request.OpenerDirector:
    """Return an opener that uses no proxy: the registry is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
