"""Advice about compose files: what works on a laptop and hurts on a host.

Nothing is refused here; showing the advice is left to `deploy init`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deployer.config.compose_file import find_files, load_compose
from deployer.config.compose_text import load_merged
from deployer.config.interpolation import interpolate
from deployer.model.project import Service

SERVERS = frozenset(
    {"postgres", "postgis", "pgvector", "timescaledb", "mysql", "mariadb", "mongo", "redis", "valkey", "memcached"}
    | {"rabbitmq", "kafka", "elasticsearch", "opensearch", "clickhouse-server", "cassandra"}
)
OLD_POSTGRES_DATA = "/var/lib/postgresql/data"


def lints(folder: Path, files: Sequence[str] = ()) -> tuple[str, ...]:
    """One sentence for each thing that a person should look at, in the order of the services.

    Raises what `load_compose` raises.
    """
    compose = load_compose(folder, files)
    raw = load_merged(folder, find_files(folder, files))["services"]
    once = _run_once(raw)
    return tuple(
        f"{service.name}: {words}"
        for service in compose.services.values()
        for words in _lint_service(service, raw[service.name], lasting=service.name not in once)
    )


def _lint_service(service: Service, raw: Mapping[str, Any], *, lasting: bool) -> Iterator[str]:
    image = interpolate(service.image or "", {})
    if not service.built:
        yield from _lint_tag(image)
    yield from _lint_postgres(image, raw)
    yield from _lint_ports(image, service.ports)
    yield from _lint_env_files(raw.get("env_file"))
    if not lasting:
        return
    if "restart" not in raw and not (raw.get("deploy") or {}).get("restart_policy"):
        yield "no restart policy: it stays down after a crash or a reboot; add `restart: unless-stopped`"
    if not service.health_check:
        yield "no health check here: unless its image has one, a release counts as healthy as soon as it keeps running"


def _run_once(raw: Mapping[str, Any]) -> frozenset[str]:
    """Services that others wait for the end of: neither restarts nor health checks belong to them."""
    return frozenset(
        str(name)
        for service in raw.values()
        if isinstance(waits := service.get("depends_on"), dict)
        for name, wait in waits.items()
        if (wait or {}).get("condition") == "service_completed_successfully"
    )


def _repository(image: str) -> str:
    return image.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]


def _tag(image: str) -> str:
    return image.partition("@")[0].rsplit("/", 1)[-1].partition(":")[2]


def _lint_tag(image: str) -> Iterator[str]:
    if not any(sign in image for sign in "@$") and _tag(image) in ("", "latest"):
        yield f"image {image} has no fixed version: hosts set up on different days may run different ones; name a tag"


def _lint_postgres(image: str, raw: Mapping[str, Any]) -> Iterator[str]:
    major = re.match(r"\d+", _tag(image))
    if _repository(image) != "postgres" or not major or int(major[0]) < 18:
        return
    if OLD_POSTGRES_DATA in _targets(raw.get("volumes") or ()):
        yield f"postgres {major[0]} keeps its data elsewhere: mount the volume at /var/lib/postgresql"


def _targets(volumes: Sequence[Any]) -> Iterator[str]:
    for volume in volumes:
        if isinstance(volume, dict):
            yield str(volume.get("target"))
        else:
            yield [*interpolate(str(volume), {}).split(":"), ""][1].rstrip("/")


def _lint_ports(image: str, ports: Sequence[str]) -> Iterator[str]:
    if _repository(image) not in SERVERS:
        return
    for port in ports:
        if _is_public(interpolate(port, {})):
            yield (
                f"port {port} is open on every interface, past the host's firewall: "
                "take `ports` out, or write an address before it (127.0.0.1:…)"
            )


def _is_public(port: str) -> bool:
    address, colon, _ = re.sub(r"/\w+$", "", port).rpartition(":")[0].rpartition(":")
    return not colon or address in ("0.0.0.0", "[::]")  # noqa: S104


def _lint_env_files(raw: Any) -> Iterator[str]:
    for entry in raw if isinstance(raw, list) else [raw]:
        path, required = (entry.get("path"), entry.get("required", True)) if isinstance(entry, dict) else (entry, True)
        name = Path(str(path or "")).name
        if name == ".env":
            yield "env_file .env holds deploy_env and deploy_secrets on a host, nothing else: name its variables there"
        elif name.startswith(".env") and required:
            yield (
                f"env_file {path} is seldom part of what is synced: pass the values with "
                "`environment: {NAME: ${NAME}}` and `deploy_env`, or mark the file `required: false`"
            )
