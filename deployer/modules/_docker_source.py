"""From where Docker's parts come: Docker's own repository, whose key must be the right one, or the distribution.

What is missing is `docker_engine`'s to say; the shell that installs is in `_docker_install`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from deployer.facts.docker import EngineSeen
from deployer.facts.docker_repository import RepositorySeen
from deployer.facts.system import OsSeen
from deployer.frozen import dataclass
from deployer.model.action import Put
from deployer.modules._docker_packages import VENDOR, Names, distribution_names
from deployer.modules._openpgp import read_key
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError

Wish = Literal["auto", "docker", "distro", "existing"]

DEB_KEY = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"  # Docker Release (CE deb)
RPM_KEY = "060A61C51B558A7F742B77AAC52FEB6B621E9F35"  # Docker Release (CE rpm)

_ARCHES = {"amd64", "arm64", "armhf", "ppc64el", "s390x", "x86_64", "aarch64", "ppc64le"}
_DEB = ("/etc/apt/keyrings/docker.asc", "/etc/apt/sources.list.d/docker.sources")
_RPM = ("/etc/pki/rpm-gpg/RPM-GPG-KEY-docker", "/etc/yum.repos.d/docker-ce.repo")
_DEB822 = """\
# Docker's packages. Written by deploy; its key is {fingerprint}.
Types: deb
URIs: {url}
Suites: {suite}
Components: stable
Architectures: {arch}
Signed-By: {key}
"""
_REPO = """\
# Docker's packages. Written by deploy; its key is {fingerprint}.
[docker-ce-stable]
name=Docker CE Stable - $basearch
baseurl={url}/$releasever/$basearch/stable
enabled=1
gpgcheck=1
gpgkey=file://{key}
"""
_WHAT = {"engine": "Docker Engine", "compose": "Compose 2", "buildx": "buildx"}
_BY_HAND = "install it by hand (docs.docker.com/engine/install): a Docker that answers is left alone"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Packages, and the repository that must be made known to the host first, if any."""

    packages: tuple[str, ...]
    add: RepositorySeen | None = None
    why: str = ""  # why from there; empty: there is no other way


def check_repository(url: str | None, fingerprint: str | None) -> None:
    """Raise ArgumentRefusedError for what is no address, or holds a password, and for what is no fingerprint."""
    if url is not None and "@" in url:
        raise ArgumentRefusedError(
            "repository: its address holds a login, which every user of the hosts could read",
            hint="put it into /etc/apt/auth.conf.d on the hosts, and leave it out here",
        )
    if url is not None and not re.fullmatch(r"https?://[^\s'\"\\$]+", url):
        raise ArgumentRefusedError(
            f"repository: {url!r} is no address of a repository", hint="such as https://mirror.example/linux/debian"
        )
    if fingerprint is not None and not re.fullmatch(r"[0-9A-Fa-f]{40}", fingerprint.replace(" ", "")):
        raise ArgumentRefusedError(
            f"fingerprint: {fingerprint!r} is no fingerprint", hint="40 hexadecimal digits, as gpg --show-keys says"
        )


def choose(
    wish: Wish, os: OsSeen, engine: EngineSeen, repository: RepositorySeen | None, lacking: Mapping[str, str]
) -> Chosen:
    """The packages of the parts that are lacking; raises HostRefusedError where there are none to be had."""
    problem = _problem(repository)
    if wish == "docker" or (wish == "auto" and _takes_vendor(os, engine, repository, lacking)):
        return _vendor(os, engine, repository, lacking)
    if wish == "distro":
        return Chosen(packages=_distribution(os, lacking, hint="say docker_source: auto (source: auto)"))
    if engine.origin == "distro" and ("engine" in lacking or distribution_names(os).keys() >= lacking.keys()):
        there = f"{' and '.join(engine.rivals[:3])} {'is' if len(engine.rivals) == 1 else 'are'} {os.name}'s already"
        return Chosen(packages=_distribution(os, lacking, hint=_remove(engine)), why=there)
    if repository is None:
        return Chosen(packages=_distribution(os, lacking, hint=_BY_HAND))
    away = f"{repository.url} is out of reach: {problem}"
    hint = "open the way to it, or name a mirror of it: docker_repository: https://mirror.example/linux/…"
    return Chosen(packages=_distribution(os, lacking, hint=hint, also=away), why=away)


def _takes_vendor(
    os: OsSeen, engine: EngineSeen, repository: RepositorySeen | None, lacking: Mapping[str, str]
) -> bool:
    """Whether `auto` means Docker's own packages: where they are already, and where they can be had and stand alone."""
    if engine.origin == "docker":
        return True
    if repository is None or _problem(repository) is not None:
        return False
    has_all = distribution_names(os).keys() >= lacking.keys()
    return engine.origin is None or ("engine" not in lacking and not has_all)


def trust(add: RepositorySeen, os: OsSeen, fingerprint: str | None) -> Iterator[Put]:
    """Make a repository known to the host, with its key; raises HostRefusedError unless it is the right key."""
    apt = os.packages == "apt"
    wanted = (fingerprint or (DEB_KEY if apt else RPM_KEY)).replace(" ", "").upper()
    try:
        key = read_key(add.key, wanted)
    except ValueError as error:
        raise HostRefusedError(
            f"the key at {add.url}/gpg is not the one that is expected: {error}, not {wanted}",
            hint="ask whoever runs that repository which key it has; what is expected is docker_fingerprint",
        ) from error
    place, source = _DEB if apt else _RPM
    text = (_DEB822 if apt else _REPO).format(
        url=add.url, suite=add.suite, arch=add.arch, key=place, fingerprint=wanted
    )
    because = f"packages must be signed with it; its fingerprint is {wanted}, as expected"
    yield Put(path=place, content=key.encode(), because=because)
    yield Put(path=source, content=text.encode(), because=f"Docker's packages come from {add.url}")


def source_file(os: OsSeen) -> str:
    """The file that makes the repository known."""
    return (_DEB if os.packages == "apt" else _RPM)[1]


def _vendor(os: OsSeen, engine: EngineSeen, repository: RepositorySeen | None, lacking: Mapping[str, str]) -> Chosen:
    packages = _packages(VENDOR, lacking)
    if repository is None:
        if engine.origin == "docker":
            return Chosen(packages=packages)  # from wherever the host has the others
        raise HostRefusedError(f"Docker has no packages for {os.name}", hint="say docker_source: auto (source: auto)")
    if engine.rivals and "engine" in lacking:
        raise HostRefusedError(
            f"{' and '.join(engine.rivals)} of {os.name} cannot stand beside Docker's packages", hint=_remove(engine)
        )
    problem = _problem(repository)
    if problem is not None and not repository.source:
        raise HostRefusedError(
            f"Docker's own packages are needed, and {repository.url} is out of reach: {problem}",
            hint="open the way to it, or name a mirror of it: docker_repository; or say docker_source: auto",
        )
    is_known = repository.source not in ("", source_file(os))  # what this tool wrote it writes anew, with the key
    return Chosen(packages=packages, add=None if is_known else repository, why=f"{repository.url} can be reached")


def _problem(repository: RepositorySeen | None) -> str | None:
    """Why a repository is of no use; None: it is."""
    if repository is None or repository.problem:
        return repository.problem if repository else None
    return None if repository.arch in _ARCHES else f"it has nothing for {repository.arch}"


def _distribution(os: OsSeen, lacking: Mapping[str, str], *, hint: str, also: str = "") -> tuple[str, ...]:
    names = distribution_names(os)
    missing = [_WHAT[part] for part in lacking if part not in names]
    if missing:
        tail = f", and {also}" if also else ""
        raise HostRefusedError(
            f"{os.name} has no packages of {' and '.join(missing)} that this tool knows{tail}", hint=hint
        )
    return _packages(names, lacking)


def _packages(names: Names, lacking: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(package for part in lacking for package in names[part])


def _remove(engine: EngineSeen) -> str:
    return f"remove {' '.join(engine.rivals)} by hand if nothing needs it, then run this again; docs/docker.md"
