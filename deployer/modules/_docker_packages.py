"""What Docker's parts are called, in Docker's own packages and in each distribution's.

Whether anything is missing is `docker_engine`'s decision, and from where it comes `_docker_source`'s.
"""

from __future__ import annotations

import re

from deployer.facts.system import OsSeen

PARTS = ("engine", "compose", "buildx")
Names = dict[str, tuple[str, ...]]  # a part -> the packages that bring it

VENDOR: Names = {
    "engine": ("docker-ce", "docker-ce-cli", "containerd.io"),
    "compose": ("docker-compose-plugin",),
    "buildx": ("docker-buildx-plugin",),
}
_ALPINE: Names = {"engine": ("docker",), "compose": ("docker-cli-compose",), "buildx": ("docker-cli-buildx",)}
_FEDORA: Names = {
    "engine": ("moby-engine", "docker-cli"), "compose": ("docker-compose",), "buildx": ("docker-buildx",)
}  # fmt: skip


def distribution_names(os: OsSeen) -> Names:
    """The parts that the distribution has in a version that is of use, with their packages."""
    tables = {"debian": _debian, "raspbian": _debian, "ubuntu": _ubuntu, "fedora": _fedora, "alpine": _alpine}
    return tables[os.id](os) if os.id in tables else {}


def _debian(os: OsSeen) -> Names:
    """Before Debian 13, docker-compose is Compose 1 and there is no buildx; a rolling one says no version."""
    if _major(os) < 13:
        return {"engine": ("docker.io",)}
    return {"engine": ("docker.io", "docker-cli"), "compose": ("docker-compose",), "buildx": ("docker-buildx",)}


def _ubuntu(os: OsSeen) -> Names:
    if _major(os) < 22:
        return {"engine": ("docker.io",)}
    return {"engine": ("docker.io",), "compose": ("docker-compose-v2",), "buildx": ("docker-buildx",)}


def _fedora(os: OsSeen) -> Names:
    """Before Fedora 41, docker-compose is Compose 1, and the client is in moby-engine."""
    return _FEDORA if _major(os) >= 41 else {"engine": ("moby-engine",)}


def _alpine(os: OsSeen) -> Names:
    return _ALPINE if _major(os) >= 3 else {}


def _major(os: OsSeen) -> int:
    found = re.match(r"\d+", os.version)
    return int(found.group()) if found else 999
