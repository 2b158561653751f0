"""A Compose project as far as a deployment needs to know it before any host is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of a compose file, several files merged."""

    name: str
    built: bool = False  # it has a `build` section
    build_variables: tuple[str, ...] = ()  # whose values it takes as build arguments
    image: str | None = None  # as written, `${…}` kept
    depends_on: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    health_check: bool = False
    ports: tuple[str, ...] = ()  # published, as written
    bind_mounts: tuple[str, ...] = ()  # relative host paths, as written
    volumes: tuple[str, ...] = ()  # volumes and bind mounts in Compose's short form, as written
    data_directory: str | None = None  # PGDATA, if the environment names one; as written


@dataclass(frozen=True, kw_only=True)
class ComposeProject:
    """All services with their files; `name` is the top-level `name:`, if any."""

    name: str | None = None
    files: tuple[str, ...] = ()  # relative to the project folder
    services: Mapping[str, Service] = field(default_factory=dict)
    networks: tuple[str, ...] = ()  # external ones, by their real name
    volumes: tuple[str, ...] = ()  # external ones, by their real name
    named_volumes: tuple[str, ...] = ()  # declared ones that are not external
    volume_names: Mapping[str, str] = field(default_factory=dict)  # with a name of their own -> that, as written
    variables: tuple[str, ...] = ()  # `${NAME}` that the files ask for, without those that have a default
    subnets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # networks that are not external, those with a subnet of their own: name or, with a `:` in front, key -> as written
    filled: tuple[str, ...] = ()  # those of them that must not be empty: `${NAME:?}`
