"""daemon.json as a value: read, merged, compared, written. Which host needs it is `docker_engine`'s decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deployer.facts.docker import DAEMON_JSON
from deployer.modules._refusals import HostRefusedError

# Where the engine keeps volumes follows from these: changed on a host that has some, all of them would seem empty.
MOVES_DATA = frozenset({"data-root", "graph", "userns-remap"})

LOG_DRIVER, LOG_OPTS = "log-driver", "log-opts"
LOG_ROTATION: Mapping[str, Any] = {LOG_DRIVER: "json-file", LOG_OPTS: {"max-size": "10m", "max-file": "3"}}

# What the engine takes over from its file without a restart, as its manual lists it; but not where registries are:
# a build asks BuildKit, which reads that only as the engine starts.
RELOADABLE = frozenset(
    {
        "authorization-plugins", "debug", "default-runtime", "features", "labels",
        "live-restore", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts",
        "runtimes", "shutdown-timeout",
    }
)  # fmt: skip


def parse_settings(text: str | None) -> dict[str, Any]:
    """The settings in a host's daemon.json; raises HostRefusedError if nobody can read it, the engine included."""
    if text is None or not text.strip():
        return {}
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise HostRefusedError(
            f"{DAEMON_JSON}:{error.lineno}:{error.colno}: not valid JSON: {error.msg.lower()}",
            hint=f"repair it on the host, then check it with: dockerd --validate --config-file={DAEMON_JSON}",
        ) from error
    if not isinstance(settings, dict):
        raise HostRefusedError(
            f"{DAEMON_JSON}: expected an object of settings, found {type(settings).__name__}",
            hint="repair it on the host: it begins with { and ends with }",
        )
    return settings


def with_rotation(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with rotated logs, unless they say anything about logs themselves: the default fills the disk."""
    if LOG_DRIVER in settings or LOG_OPTS in settings:
        return dict(settings)
    return {**settings, **LOG_ROTATION}


def merge(has: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`wanted` over `has`: objects are merged, lists joined without repetition, other values replaced."""
    merged = dict(has)
    for key, given in wanted.items():
        old, value = merged.get(key), _as_text(given) if key == LOG_OPTS else given
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(old, value)
        elif isinstance(old, list) and isinstance(value, list | tuple):
            merged[key] = old + [item for item in value if item not in old]
        else:
            merged[key] = value
    return merged


def _as_text(options: Any) -> Any:
    """Log options as strings: a number, which YAML makes of `max-file: 3`, keeps the engine from starting."""
    if not isinstance(options, Mapping):
        return options
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in options.items()}


def changed_keys(has: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """The top-level settings that differ, in alphabetical order."""
    missing = object()
    return tuple(sorted(k for k in {*has, *wanted} if has.get(k, missing) != wanted.get(k, missing)))


def render_settings(settings: Mapping[str, Any]) -> str:
    """The text of a daemon.json."""
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
