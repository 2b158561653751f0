"""Debian, the image that all others start from: pulled, or made of packages where no registry answers."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import docker

from deployer.errors import LabError
from deployer.lab.apt import KEYRING, MIRROR_VARIABLE, SUITE, read_options
from deployer.lab.control import control_files, debian_sources
from deployer.lab.hub import pull_if_reachable
from deployer.lab.lock import alone
from deployer.lab.privilege import Say, ensure_commands, run_as_root
from deployer.lab.recipe import LABEL, Recipe, ensure_built, has_image, load_recipe, pack

_OFFICIAL = f"debian:{SUITE}-slim"
_EXCLUDED = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")  # as -slim images do
_PACKAGES = {"mmdebstrap": "mmdebstrap", KEYRING: "debian-archive-keyring"}


def ensure_base(client: docker.DockerClient, say: Say) -> str:
    """Return the tag of a Debian image that reaches packages as this machine does."""
    return ensure_built(client, _base_recipe(_ensure_rootfs(client, say)), say)


def _base_recipe(rootfs: str) -> Recipe:
    return load_recipe("base", base=rootfs, extra={"control.tar": pack(control_files())})


def _ensure_rootfs(client: docker.DockerClient, say: Say) -> str:
    tag = f"deployer-lab/rootfs:{SUITE}-{_digest()}"
    for present in (tag, _OFFICIAL):
        if has_image(client, present):
            return present
    with alone(tag):
        if has_image(client, tag):
            return tag
        if pull_if_reachable(client, _OFFICIAL):
            return _OFFICIAL
        _bootstrap(client, tag, say)
    return tag


def _bootstrap(client: docker.DockerClient, tag: str, say: Say) -> None:
    if not debian_sources():
        hint = f"name a Debian mirror: {MIRROR_VARIABLE}=http://…/debian"
        raise LabError("no registry answers, and this machine knows no mirror of Debian", hint=hint)
    ensure_commands(_PACKAGES, say)
    say(f"making Debian {SUITE} from packages")
    with tempfile.TemporaryDirectory(prefix="deployer-lab-") as folder:
        rootfs = Path(folder) / "rootfs.tar"
        run_as_root([*_argv(), SUITE, str(rootfs), *(source.line for source in debian_sources())])
        name, _, version = tag.partition(":")
        client.api.import_image_from_file(str(rootfs), repository=name, tag=version, changes=f"LABEL {LABEL}=image")


def _argv() -> list[str]:
    options = ["--variant=minbase", "--quiet", "--dpkgopt=force-unsafe-io", "--include=ca-certificates"]
    options += [f"--dpkgopt=path-exclude={path}" for path in _EXCLUDED]
    return ["mmdebstrap", *options, *(f"--aptopt={line.rstrip(';')}" for line in read_options())]


def _digest() -> str:
    words = [*_argv(), *(source.line for source in debian_sources())]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
