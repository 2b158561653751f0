"""What a host's Docker Engine says of itself: its API asked with curl, which costs a tenth of a docker command."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from deployer.lab.host import LabHost

PROJECT_LABEL = "com.docker.compose.project"
_CURL = ("curl", "--silent", "--max-time", "30", "--unix-socket", "/run/docker.sock")


def engine(host: LabHost, *paths: str) -> list[Any]:
    """The answers to GETs of the Engine's API, in order; none at all where no Engine answers."""
    if not paths:
        return []
    status, output = host.exec([*_CURL, *(f"http://engine{path}" for path in paths)])
    return list(_documents(output)) if status == 0 else []


def has_engine(host: LabHost) -> bool:
    return bool(engine(host, "/version"))


def inspected(host: LabHost, project: str | None = None) -> list[dict[str, Any]]:
    """All containers of a host, or of one compose project, stopped and one-off ones too."""
    filters = {"label": [f"{PROJECT_LABEL}={project}"]} if project else {}
    listed = engine(host, f"/containers/json?all=1&filters={quote(json.dumps(filters))}")
    found = engine(host, *(f"/containers/{one['Id']}/json" for one in (listed[0] if listed else ())))
    return [one for one in found if "Id" in one]  # the others went away meanwhile


def _documents(text: str) -> Iterable[Any]:
    """JSON documents that follow one another."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].lstrip()
