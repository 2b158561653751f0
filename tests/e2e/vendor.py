"""Docker's package repository, stood in for: the same layout and signing, a key of its own, on a lab's network."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from docker.models.containers import Container
from stage import say
from waiting import eventually

from deployer.lab.engine import ensure_engine
from deployer.lab.fleet import Lab
from deployer.lab.images import ensure_base
from deployer.lab.network import create_container, ensure_network, fixed_address
from deployer.lab.recipe import LABEL, Recipe, ensure_built

ROOM = "/srv/linux/debian"
FOLDER = Path(__file__).parent / "docker_repository"
OLD, NEW = "5:26.1.5-1~debian.13~trixie", "5:26.1.5-2~debian.13~trixie"  # of docker-ce


@dataclass(frozen=True)
class Vendor:
    """A running repository; it is the lab's, and goes with it."""

    container: Container
    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}/linux/debian"

    @property
    def fingerprint(self) -> str:
        """Of its key, as gpg itself says it."""
        listed = self._exec("gpg --batch --with-colons --list-keys")
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))

    def publish(self, number: int) -> None:
        """Have the packages of Packages.NUMBER."""
        self._exec(f"serve {ROOM} {number}")

    def sign_with_another_key(self) -> None:
        """Sign what is there anew; the key that is served stays the old one."""
        self._exec(f"cp gpg /root/kept && rm -r /root/.gnupg && serve {ROOM} 1 && mv /root/kept gpg")

    def serve_its_key(self) -> None:
        """Let the key be served that signs."""
        self._exec("GNUPGHOME=/root/.gnupg gpg --batch --armor --export >gpg")

    def _exec(self, command: str) -> str:
        status, output = self.container.exec_run(["sh", "-c", command], workdir=ROOM)
        assert status == 0, output.decode()
        return output.decode()


def vendor_on(lab: Lab) -> Vendor:
    """A repository beside the hosts of a lab that is up, answering."""
    client = ensure_engine(say)
    files = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    image = ensure_built(client, Recipe(name="docker-repository", base=ensure_base(client, say), files=files), say)
    network = ensure_network(client, f"deployer-lab-{lab.name}", lab.subnet, lab=lab.name)
    address = str(IPv4Network(lab.subnet)[-6])
    config = {
        "Image": image,
        "Labels": {LABEL: lab.name, f"{LABEL}.role": "vendor"},
        "NetworkingConfig": fixed_address(network, address),
    }
    container = create_container(client, f"deployer-lab-{lab.name}-vendor", config)
    container.start()
    vendor = Vendor(container, address)
    eventually(lambda: container.exec_run("busybox wget -qO- http://127.0.0.1/linux/debian/gpg")[0] == 0)
    return vendor
