"""Making a host: the container that can be one, and what cloud-init would lay into it before the first boot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from deployer.frozen import dataclass
from deployer.lab.capabilities import own_capabilities
from deployer.lab.names import read_named_addresses, read_resolv_conf
from deployer.lab.network import create_container, fixed_address
from deployer.lab.recipe import LABEL, pack

_TMPFS = {"/run": "exec,mode=755", "/run/lock": "", "/tmp": "exec,mode=1777"}  # noqa: S108
_VOLUMES = ["/var/lib/docker", "/var/lib/containerd"]  # overlay on overlay fails
_DEPLOY_UID = 1000


@dataclass(frozen=True, kw_only=True)
class HostSpec:
    """A host that is wanted: `docker` bakes an engine into it, an address is chosen if none is given."""

    name: str
    address: str | None = None
    docker: bool = False
    ssh_port: int = 22
    packages: tuple[str, ...] = ()  # further Debian packages that it has from the start


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """All that a host is made from, its address and its image decided."""

    lab: str
    name: str
    address: str
    port: int
    image: str
    neighbours: Mapping[str, str]  # name → address of every host of the lab

    @property
    def labels(self) -> dict[str, str]:
        role = {"role": "host", "host": self.name, "address": self.address, "port": str(self.port)}
        return {LABEL: self.lab} | {f"{LABEL}.{key}": value for key, value in role.items()}


def create_host(client: docker.DockerClient, network: Network, blueprint: Blueprint) -> Container:
    """Create the container of a host that is not there yet; does not start it."""
    config = {
        "Image": blueprint.image,
        "Hostname": blueprint.name,
        "Labels": blueprint.labels,
        "Volumes": {path: {} for path in _VOLUMES},
        "HostConfig": _host_config(blueprint),
        "NetworkingConfig": fixed_address(network, blueprint.address),
    }
    return create_container(client, f"deployer-lab-{blueprint.lab}-{blueprint.name}", config)


def furnish_host(container: Container, *, public_key: str, port: int) -> None:
    """Lay in who may log in, where sshd listens and how names are found; the container need not run."""
    root, deploy = "root/.ssh/authorized_keys", "home/deploy/.ssh/authorized_keys"
    files = {
        root: public_key.encode(),
        deploy: public_key.encode(),
        "etc/lab/resolv.conf": read_resolv_conf().encode(),
        "etc/ssh/sshd_config.d/10-lab.conf": f"Port {port}\n".encode(),
    }
    container.put_archive("/", pack(files, owner={deploy: _DEPLOY_UID}))


def _host_config(blueprint: Blueprint) -> dict[str, Any]:
    """Return what `--privileged` would be, without the capabilities that this machine lacks."""
    names = read_named_addresses() | dict(blueprint.neighbours)
    return {
        "CapAdd": own_capabilities(),
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
        "MaskedPaths": [],  # with the next, what the command line calls systempaths=unconfined
        "ReadonlyPaths": [],
        "CgroupnsMode": "private",
        "DeviceCgroupRules": ["a *:* rwm"],
        "Tmpfs": dict(_TMPFS),
        "ExtraHosts": [f"{name}:{address}" for name, address in sorted(names.items())],
    }
