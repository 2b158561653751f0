"""The settings with which pip reaches packages here, as far as they mean anything on another machine."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deployer.lab.certificates import BUNDLE

_CARRIED = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
_SYNONYMS = {"default-timeout": "timeout"}
_HERE = ("localhost", "127.0.0.1", "::1")


def pip_conf(settings: Mapping[str, str]) -> str:
    """Render a pip.conf for a host: what is carried over, without what exists on this machine only."""
    lines = ["[global]", f"cert = {BUNDLE}", "disable-pip-version-check = true"]
    for key in _CARRIED:
        values = [value for value in settings.get(key, "").split() if not _is_local(value)]
        if values:
            lines.append(f"{key} = {' '.join(values)}")
    return "\n".join(lines) + "\n"


def merge_settings(files: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings: later files win over earlier ones, PIP_* variables over all."""
    settings: dict[str, str] = {}
    for text in files:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= dict(parser.items(section))
    settings |= {
        key.removeprefix("PIP_").lower().replace("_", "-"): value
        for key, value in environ.items()
        if key.startswith("PIP_")
    }
    return {_SYNONYMS.get(key, key): value for key, value in settings.items()}


def read_settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings that pip would use on this machine."""
    home = Path.home()
    paths = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf"]
    paths += [home / ".config/pip/pip.conf", Path(environ.get("PIP_CONFIG_FILE", "/nonexistent"))]
    return merge_settings([path.read_text() for path in paths if path.is_file()], environ)


def _is_local(value: str) -> bool:
    return value.startswith(("/", "~", ".", "file:")) or urlsplit(value).hostname in _HERE
