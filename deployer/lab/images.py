"""The images of a lab: Debian first, then independent ones, made at the same time."""

from __future__ import annotations

from functools import partial

import docker

from deployer.lab.debian import ensure_base
from deployer.lab.privilege import Say
from deployer.lab.recipe import ensure_built, load_recipe
from deployer.lab.standins import ensure_official

__all__ = ["ensure_base", "ensure_host_image", "ensure_official", "ensure_registry_image"]


def ensure_host_image(
    client: docker.DockerClient, say: Say, *, docker_inside: bool = False, packages: tuple[str, ...] = ()
) -> str:
    """Return the tag of the image that hosts boot from, with or without a Docker Engine and more packages in it."""
    build = partial(ensure_built, client, say=say)
    image = build(load_recipe("host", base=ensure_base(client, say)))
    if docker_inside:
        image = build(load_recipe("host-docker", base=image))
    if packages:
        image = build(load_recipe("host-packages", base=image, extra={"packages": "\n".join(packages).encode()}))
    return image


def ensure_registry_image(client: docker.DockerClient, say: Say) -> str:
    """Return the tag of the image with Debian's docker-registry."""
    return ensure_built(client, load_recipe("registry", base=ensure_base(client, say)), say)
