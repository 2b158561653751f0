"""Images under their official names: Docker Hub's where it answers, else stand-ins from Debian's packages."""

from __future__ import annotations

from collections.abc import Mapping

import docker

from deployer.lab.control import control_pip_conf
from deployer.lab.hub import pull_if_reachable
from deployer.lab.privilege import Say
from deployer.lab.recipe import ensure_built, load_recipe

OFFICIAL: Mapping[str, str] = {  # official name → our recipe for it, the largest first
    "postgres:17": "postgres",
    "python:3.13-slim": "python",
    "busybox:1": "busybox",
}


def ensure_official(client: docker.DockerClient, name: str, base: str, say: Say) -> str:
    """Return the tag under which the engine has an official image, or what stands in for it."""
    if pull_if_reachable(client, name):
        return name
    recipe = OFFICIAL[name]
    extra = {"pip.conf": control_pip_conf()} if recipe == "python" else {}
    return ensure_built(client, load_recipe(recipe, base=base, extra=extra), say)
