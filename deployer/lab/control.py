"""What must be in every image so that it reaches the world as this machine does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from deployer.lab.apt import Source, read_options, read_sources
from deployer.lab.certificates import BUNDLE, read_extra
from deployer.lab.pip import pip_conf, read_settings

_APT_HABITS = ['Acquire::Languages "none";', 'APT::Install-Suggests "false";']


@cache
def debian_sources() -> tuple[Source, ...]:
    """Return Debian's package sources for hosts; none leaves an image's own."""
    return tuple(read_sources())


@cache
def control_files() -> dict[str, bytes]:
    """Return path → content of the files to lay over an image: package sources, apt's options, certificates."""
    files = {
        "etc/apt/apt.conf.d/90lab": _text([*_APT_HABITS, *read_options()]),
        "etc/dpkg/dpkg.cfg.d/90lab": b"force-unsafe-io\n",
        # replaced when ca-certificates is installed, which may need an https mirror
        str(BUNDLE).lstrip("/"): _bundle(),
    }
    for number, pem in enumerate(read_extra()):
        files[f"usr/local/share/ca-certificates/lab-{number}.crt"] = pem.encode()
    if debian_sources():
        files["etc/apt/sources.list"] = _text([source.line for source in debian_sources()])
        files["etc/apt/sources.list.d/debian.sources"] = b"# see ../sources.list\n"
    return files


def control_pip_conf() -> bytes:
    """Return the pip.conf for images with pip in them."""
    return pip_conf(read_settings()).encode()


def control_proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the proxy variables of the environment, for builds; they do not stay in images."""
    names = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {name: environ[name] for name in names if environ.get(name)}


def _text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _bundle() -> bytes:
    return BUNDLE.read_bytes() if BUNDLE.is_file() else "".join(read_extra()).encode()
