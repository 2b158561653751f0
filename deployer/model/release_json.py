"""A release as text (release.json) and as a digest: two releases with one digest bring the same to a host.

Reading and writing the file is left to whoever has the host; no secret is ever in the text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from deployer.model.release import FORMAT, Release

OWN_VARIABLE = "DEPLOY_RELEASE"  # names the release itself, so it is no part of the digest


def to_json(release: Release) -> str:
    """One line of ASCII; fields that have their default are left out."""
    told = {field.name: _plain(getattr(release, field.name)) for field in fields(Release)}
    kept = {field.name: told[field.name] for field in fields(Release) if told[field.name] != _plain(_default(field))}
    return json.dumps({"format": FORMAT, **kept}, separators=(",", ":"))


def from_json(text: str) -> Release:
    """The release that the text tells of; fields of newer tools are ignored, missing ones have their default.

    Raises ValueError if the text is no release.
    """
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError("a release is an object")
    known = {field.name: _cast(field, told[field.name]) for field in fields(Release) if field.name in told}
    missing = [field.name for field in fields(Release) if _default(field) is MISSING and field.name not in known]
    if missing:
        raise ValueError(f"a release needs {', '.join(missing)}")
    return Release(**known)


def release_digest(tree_digest: str, release: Release, env: Mapping[str, str]) -> str:
    """SHA-256, as 64 hex digits, of what is brought to a host; who, when and from which commit do not matter."""
    content = {
        "format": FORMAT,
        "tree": tree_digest,
        "compose_files": release.compose_files,
        "profiles": release.profiles,
        "services": sorted(release.services),
        "networks": sorted(release.networks),
        "volumes": sorted(release.volumes),
        "images": dict(release.images),
        "env": {name: value for name, value in env.items() if name != OWN_VARIABLE},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _cast(field: Field[Any], value: Any) -> Any:
    """The value as the field's type has it; ValueError if it is something else."""
    like = _default(field)
    if isinstance(like, tuple) and isinstance(value, list):
        return tuple(str(part) for part in value)
    if isinstance(like, dict) and isinstance(value, dict):
        return {str(name): _text(part) for name, part in value.items()}
    wanted = bool if isinstance(like, bool) else (str, type(None)) if like is None else str
    if isinstance(like, tuple | dict) or not isinstance(value, wanted):
        raise ValueError(f"{field.name} is {value!r}")
    return value


def _text(part: Any) -> str | tuple[str, ...]:
    return tuple(str(one) for one in part) if isinstance(part, list) else str(part)
