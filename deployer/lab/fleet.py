"""A lab: hosts on a network of their own, with a registry beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from deployer.errors import LabError
from deployer.lab.boot import Blueprint, HostSpec, create_host, furnish_host
from deployer.lab.daemon import has_own_data
from deployer.lab.engine import answering_engine, ensure_engine
from deployer.lab.host import LabHost
from deployer.lab.images import ensure_base, ensure_host_image, ensure_official, ensure_registry_image
from deployer.lab.keys import ensure_key
from deployer.lab.limits import ensure_inotify
from deployer.lab.network import choose_address, ensure_network, find_network
from deployer.lab.privilege import Say
from deployer.lab.recipe import LABEL
from deployer.lab.registry import PORT, Registry, ensure_registry, push_missing
from deployer.lab.standins import OFFICIAL

__all__ = ["HostSpec", "Lab", "LabHost"]


def _silent(_line: str) -> None:
    pass


class Lab:
    """Throw-away hosts under one name; everything of theirs carries the label `deployer.lab=NAME`."""

    def __init__(self, name: str, subnet: str, state_dir: Path, say: Say = _silent) -> None:
        self.name = name
        self.subnet = IPv4Network(subnet)
        self.state_dir = state_dir
        self.key = state_dir / "id_ed25519"
        self._say = say

    @property
    def registry_mirror(self) -> str:
        """The address for a host's `registry-mirrors`."""
        return f"http://{self.subnet[2]}:{PORT}"

    def up(self, specs: Sequence[HostSpec]) -> list[LabHost]:
        """Return these hosts, ready for SSH, beside a filled registry; leaves alone what is up already."""
        public_key = ensure_key(self.key)
        client = ensure_engine(self._say)
        beside = client.api.containers(filters={"label": f"{LABEL}.role=host"})  # of other labs, too
        ensure_inotify(len(beside) + len(specs), self._say)
        network = ensure_network(client, self._network_name, self.subnet, lab=self.name)
        with ThreadPoolExecutor(max_workers=4) as pool:
            registry = pool.submit(self._serve_images, client, network, pool)
            hosts = self._boot(client, network, specs, public_key)
            registry.result()
        return hosts

    def down(self) -> None:
        """Remove the lab's hosts, their volumes and its network; images and the registry's layers stay."""
        client = answering_engine() or (ensure_engine(self._say) if has_own_data() else None)
        if client is None:
            return
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda container: container.remove(force=True, v=True), self._containers(client)))
        network = find_network(client, self._network_name)
        if network is not None and network.attrs["Labels"].get(LABEL) == self.name:
            network.remove()

    def hosts(self) -> list[LabHost]:
        """Return the lab's hosts, running or not, by name; none if no engine answers."""
        client = answering_engine()
        network = find_network(client, self._network_name) if client else None
        if client is None or network is None:
            return []
        hosts = [_as_host(container, network) for container in self._containers(client, role="host")]
        return sorted(hosts, key=lambda host: host.name)

    def write_known_hosts(self, path: Path) -> None:
        """Write the keys of all hosts, as the hosts themselves say, not as the network does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for host in self.hosts() for line in host.host_keys()))

    @property
    def _network_name(self) -> str:
        return f"deployer-lab-{self.name}"

    def _containers(self, client: docker.DockerClient, role: str | None = None) -> list[Container]:
        labels = [f"{LABEL}={self.name}", *([f"{LABEL}.role={role}"] if role else [])]
        return client.containers.list(all=True, filters={"label": labels})

    def _serve_images(self, client: docker.DockerClient, network: Network, pool: ThreadPoolExecutor) -> Registry:
        """Start the registry and fill it, each image as soon as it is there."""
        base = ensure_base(client, self._say)
        images = {name: pool.submit(ensure_official, client, name, base, self._say) for name in OFFICIAL}
        image = ensure_registry_image(client, self._say)
        registry = ensure_registry(client, network, str(self.subnet[2]), lab=self.name, image=image)
        for name, tag in images.items():
            push_missing(client, registry, tag.result(), name, self._say)
        return registry

    def _boot(
        self, client: docker.DockerClient, network: Network, specs: Sequence[HostSpec], public_key: str
    ) -> list[LabHost]:
        present = {host.name: host for host in self.hosts()}
        for spec in specs:
            _refuse_another_address(spec, present.get(spec.name))
        missing = [spec for spec in specs if spec.name not in present]
        for blueprint in self._blueprints(client, missing, present.values()):
            self._say(f"{blueprint.name}: starting at {blueprint.address}")
            container = create_host(client, network, blueprint)
            present[blueprint.name] = _as_host(container, network)
        wanted = [present[spec.name] for spec in specs]
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda host: _power_on(host, public_key), wanted))
        return wanted

    def _blueprints(
        self, client: docker.DockerClient, specs: Sequence[HostSpec], present: Iterable[LabHost]
    ) -> list[Blueprint]:
        """Decide addresses and images; every host knows all others by name."""
        addresses = {host.name: host.address for host in present}
        addresses |= {spec.name: spec.address for spec in specs if spec.address}
        for spec in specs:
            if spec.name not in addresses:
                addresses[spec.name] = choose_address(self.subnet, addresses.values())
        kinds = {(spec.docker, spec.packages) for spec in specs}
        images = {
            (engine, packages): ensure_host_image(client, self._say, docker_inside=engine, packages=packages)
            for engine, packages in kinds
        }
        return [
            Blueprint(
                lab=self.name,
                name=spec.name,
                address=addresses[spec.name],
                port=spec.ssh_port,
                image=images[spec.docker, spec.packages],
                neighbours=addresses,
            )
            for spec in specs
        ]


def _as_host(container: Container, network: Network) -> LabHost:
    labels = container.labels
    return LabHost(
        name=labels[f"{LABEL}.host"],
        address=labels[f"{LABEL}.address"],
        port=int(labels[f"{LABEL}.port"]),
        container=container,
        network=network,
    )


def _refuse_another_address(spec: HostSpec, there: LabHost | None) -> None:
    if there is not None and spec.address not in (None, there.address):
        raise LabError(
            f"is up at {there.address}, not at {spec.address}", host=spec.name, hint="`deploy lab down` first"
        )


def _power_on(host: LabHost, public_key: str) -> None:
    furnish_host(host.container, public_key=public_key, port=host.port)
    host.start()
