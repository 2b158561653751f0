"""Lab hosts with other userlands than Debian 13 with systemd: made of Debian's packages, booted by their own init."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker
from stage import Fleet, say
from waiting import eventually

from deployer.lab.apt import KEYRING, for_suite
from deployer.lab.boot import Blueprint, create_host, furnish_host
from deployer.lab.control import control_files, debian_sources
from deployer.lab.debian import _argv
from deployer.lab.engine import ensure_engine
from deployer.lab.fleet import Lab
from deployer.lab.host import LabHost
from deployer.lab.images import ensure_base, ensure_host_image
from deployer.lab.network import create_container, ensure_network, fixed_address
from deployer.lab.privilege import ensure_commands, run_as_root
from deployer.lab.recipe import LABEL, Recipe, ensure_built, has_image, load_recipe, pack

FOLDER = Path(__file__).parent / "userlands"
NAMES = ("web-bookworm", "web-sysvinit", "web-openrc")


def userlands_on(lab: Lab) -> Fleet:
    """One host of each userland, on a lab that is up; sshd answers on all of them."""
    client = ensure_engine(say)
    network = ensure_network(client, f"deployer-lab-{lab.name}", lab.subnet, lab=lab.name)
    for number, name in enumerate(NAMES):
        blueprint = Blueprint(
            lab=lab.name, name=name, address=str(lab.subnet[20 + number]), port=22, neighbours={},
            image=_image(client, name.removeprefix("web-")),
        )  # fmt: skip
        container = create_host(client, network, blueprint)
        furnish_host(container, public_key=lab.key.with_suffix(".pub").read_text().strip(), port=22)
        container.start()
    fleet = Fleet(lab, NAMES)
    for host in fleet.hosts.values():
        eventually(host._greets, within=90, what=f"{host.name} boots: {host._log_tail()}")
    lab.write_known_hosts(fleet.known_hosts)
    return fleet


def dnf_on(lab: Lab) -> LabHost:
    """A container with dnf, and with a signed repository that it reaches at 127.0.0.1; no sshd in it."""
    client = ensure_engine(say)
    network = ensure_network(client, f"deployer-lab-{lab.name}", lab.subnet, lab=lab.name)
    files = {path.name: path.read_bytes() for path in (FOLDER / "dnf").iterdir()}
    config = {
        "Image": ensure_built(client, Recipe(name="dnf", base=ensure_base(client, say), files=files), say),
        "Labels": {LABEL: lab.name, f"{LABEL}.role": "dnf"},
        "NetworkingConfig": fixed_address(network, str(lab.subnet[30])),
    }
    container = create_container(client, f"deployer-lab-{lab.name}-dnf", config)
    container.start()
    return LabHost(name="dnf", address=str(lab.subnet[30]), port=22, container=container, network=network)


def _image(client: docker.DockerClient, name: str) -> str:
    files = {"Dockerfile": (FOLDER / name / "Dockerfile").read_bytes()}
    if name != "bookworm":
        return ensure_built(client, Recipe(name=name, base=ensure_host_image(client, say), files=files), say)
    files["lab-init"] = load_recipe("host").files["lab-init"]
    return ensure_built(client, Recipe(name=name, base=_debian_12(client), files=files), say)


def _debian_12(client: docker.DockerClient) -> str:
    sources = [source.line for source in for_suite(debian_sources(), "trixie", "bookworm")]
    laid_over: Mapping[str, bytes] = {
        path: content for path, content in control_files().items() if "etc/apt/sources" not in path
    } | {"etc/apt/sources.list": "".join(f"{line}\n" for line in sources).encode()}
    tag = "deployer-lab/rootfs:bookworm"
    if not has_image(client, tag):
        say("making Debian bookworm from packages")
        ensure_commands({"mmdebstrap": "mmdebstrap", KEYRING: "debian-archive-keyring"}, say)
        with tempfile.TemporaryDirectory(prefix="deployer-lab-") as folder:
            rootfs = Path(folder) / "rootfs.tar"
            run_as_root([*_argv(), "bookworm", str(rootfs), *sources])
            client.api.import_image_from_file(
                str(rootfs), repository="deployer-lab/rootfs", tag="bookworm", changes=f"LABEL {LABEL}=image"
            )
    base = load_recipe("base", base=tag, extra={"control.tar": pack(laid_over)})
    return ensure_built(client, Recipe(name="base-bookworm", base=tag, files=base.files), say)
