"""A host's variables and the project's folder to the release that the host shall have."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from deployer.config.compose_build import check_build_arguments
from deployer.config.compose_file import check_binds, load_compose, project_name
from deployer.config.compose_mounts import check_hidden, mounts_of
from deployer.config.compose_ports import ports_of, subnets_of
from deployer.config.dotenv import read_dotenv
from deployer.config.interpolation import interpolate
from deployer.config.snapshots import check_snapshots
from deployer.config.sources import ENV_FILE, Ref, Source, Sources
from deployer.errors import Place, ProjectError, SecretMissingError
from deployer.frozen import dataclass
from deployer.model.project import ComposeProject
from deployer.model.release import Release
from deployer.model.release_json import OWN_VARIABLE, release_digest
from deployer.model.secret_names import is_secret_name
from deployer.model.tree import Tree

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """When, by whom and with which tool a release is made."""

    now: datetime
    by: str
    tool: str
    environment: str = ""


@dataclass(frozen=True, kw_only=True)
class HostRelease:
    """What one host shall have."""

    release: Release
    env: Mapping[str, str]
    tree: Tree
    migrate_service: str | None  # None: no migration, or not on this host
    source: Path | None = None  # where the tree's files are, if not where the settings say


class ReleaseMaker:
    """Makes the releases of one run; folders and compose files are read once each."""

    def __init__(self, stamp: Stamp, ref: Ref | None = None, hide: Callable[[Any], None] = lambda value: None) -> None:
        self._stamp = stamp
        self._hide = hide  # is told the project's own `.env`, in which there may be secrets
        self._sources = Sources(ref)
        self._projects: dict[tuple[Path, tuple[str, ...]], ComposeProject] = {}

    def make(self, host: str, settings: Mapping[str, Any]) -> HostRelease:
        """The release of a host with these rendered settings.

        Raises ProjectError for a wrong folder, compose file or setting, SecretMissingError for a variable that the
        compose files ask for and nobody gives.
        """
        source = self._sources.read(Path(str(settings["deploy_source"])))
        with source.errors():
            return self._make(host, settings, source)

    def _make(self, host: str, settings: Mapping[str, Any], source: Source) -> HostRelease:
        compose = self._compose(source, _words(settings, "deploy_compose_files"))
        name = project_name(source.folder, compose, settings["deploy_project"] or None)
        check_snapshots(settings["deploy_snapshot"], compose)
        own = read_dotenv(source.folder / ENV_FILE)
        self._hide(dict(own))
        env = _environment(host, settings, _without(compose, own.keys()))
        bare = _with_names(_release(settings, compose, name=name, host=host), env)
        digest = release_digest(source.tree.digest, bare, env)
        release = replace(
            bare, digest=digest, id=f"{self._stamp.now:%Y%m%dT%H%M%SZ}-{source.tree.digest[:7]}",
            commit=source.checkout.commit, branch=source.checkout.branch, dirty=source.checkout.dirty,
            by=self._stamp.by, created=f"{self._stamp.now:%Y-%m-%dT%H:%M:%SZ}", tool=self._stamp.tool,
            environment=self._stamp.environment,
        )  # fmt: skip
        release = _with_mounts(release, compose, _open({**own, **env}, settings))
        allowed, place = (
            ",".join(_words(settings, "deploy_allow")).split(","),
            Place(str(source.folder / compose.files[0])),
        )
        if "build-argument" not in allowed:
            check_build_arguments(compose, _secret_names(settings, env), place)
        if "bind-hidden" not in allowed:
            check_binds(compose, source.tree.by_path.keys(), place)
            check_hidden(release, source.tree, place)
        return HostRelease(
            release=release, env=env, tree=source.tree, migrate_service=_migrator(settings, compose, bare),
            source=source.folder if source.ref else None,
        )  # fmt: skip

    def _compose(self, source: Source, files: tuple[str, ...]) -> ComposeProject:
        key = (source.folder, files)
        if key not in self._projects:
            self._projects[key] = load_compose(source.folder, files)
        return self._projects[key]


def _without(compose: ComposeProject, known: Collection[str]) -> ComposeProject:
    return replace(compose, variables=tuple(name for name in compose.variables if name not in known))


def project_root(settings: Mapping[str, Any]) -> tuple[str, str]:
    """The project's folder on the host and its compose name, for verbs that only look at hosts."""
    name = settings["deploy_project"]
    if not name:
        folder = Path(str(settings["deploy_source"])).expanduser().resolve()
        name = project_name(folder, load_compose(folder, _words(settings, "deploy_compose_files")))
    return f"{_root(settings)}/{name}", str(name)


def _root(settings: Mapping[str, Any]) -> str:
    root = str(settings["deploy_root"]).rstrip("/")
    if not root.startswith("/") or ".." in root.split("/") or not root.isprintable():
        raise ProjectError(f"deploy_root must be an absolute path without `..`, got {root!r}", hint="deploy_root: /srv")
    return root


def _release(settings: Mapping[str, Any], compose: ComposeProject, *, name: str, host: str) -> Release:
    profiles = _words(settings, "deploy_profiles")
    active = {one.name for one in compose.services.values() if not one.profiles or set(one.profiles) & set(profiles)}
    mine = _chosen(_words(settings, "deploy_services"), compose, active, host)
    needed = {other for one in compose.services.values() for other in one.depends_on}
    built = tuple(one for one in mine if compose.services[one].built)
    return Release(
        id="", project=name, root=f"{_root(settings)}/{name}",
        compose_files=compose.files, profiles=profiles, services=mine, built=built,
        support=tuple(one for one in mine if one in needed and one not in built),
        images={one: compose.services[one].image or "" for one in mine if one not in built},
        whole=set(mine) == active, networks=compose.networks, volumes=compose.volumes,
    )  # fmt: skip


def _with_names(release: Release, env: Mapping[str, str]) -> Release:
    """External networks and volumes by the names that they have on the host: `${NAME}` filled in."""
    networks, volumes = ([interpolate(one, env) for one in names] for names in (release.networks, release.volumes))
    return replace(release, networks=tuple(networks), volumes=tuple(volumes))


def _open(variables: Mapping[str, str], settings: Mapping[str, Any]) -> Mapping[str, str]:
    """The variables that anybody may read: release.json holds no secret."""
    return {name: value for name, value in variables.items() if name not in _mapping(settings, "deploy_secrets")}


def _secret_names(settings: Mapping[str, Any], env: Mapping[str, str]) -> frozenset[str]:
    return frozenset([*_mapping(settings, "deploy_secrets"), *filter(is_secret_name, env)])


def _with_mounts(release: Release, compose: ComposeProject, variables: Mapping[str, str]) -> Release:
    """Images, volumes and data directories as they are on the host; the digest is that of the text, and stays."""
    known = {**variables, OWN_VARIABLE: release.id, "COMPOSE_PROJECT_NAME": release.project}
    services = {name: compose.services[name] for name in release.services}
    kept = {name: one.data_directory for name, one in services.items() if one.data_directory}
    return replace(
        release,
        images={name: interpolate(image, known) for name, image in release.images.items()},
        mounts={name: mounts_of(one, compose, release.project, known) for name, one in services.items()},
        data_directories={name: interpolate(directory, known) for name, directory in kept.items()},
        ports={name: ports for name, one in services.items() if (ports := ports_of(one, known))},
        subnets=subnets_of(compose, release.project, known),
    )


def _chosen(wanted: Sequence[str], compose: ComposeProject, active: set[str], host: str) -> tuple[str, ...]:
    unknown = [one for one in wanted if one not in compose.services]
    if unknown:
        raise ProjectError(
            f"deploy_services names {unknown[0]!r}, which no compose file defines", host=host,
            hint=f"services are {', '.join(sorted(compose.services))}",
        )  # fmt: skip
    return tuple(sorted(wanted or active))


def _environment(host: str, settings: Mapping[str, Any], compose: ComposeProject) -> dict[str, str]:
    env = {**_mapping(settings, "deploy_env"), **_mapping(settings, "deploy_secrets")}
    filled = {*_mapping(settings, "deploy_secrets"), *compose.filled}
    empty = [name for name, value in env.items() if name in filled and value in (None, "")]
    missing = empty or [name for name in compose.variables if name not in env and name != OWN_VARIABLE]
    if missing:
        raise SecretMissingError(
            f"{', '.join(missing)} has no value, and the project asks for it", host=host,
            hint="set it in deploy_env or deploy_secrets; "
            "if the inventory takes it from the environment: export it before deploy",
        )  # fmt: skip
    return {name: _valued(name, value, host) for name, value in env.items()}


def _valued(name: str, value: Any, host: str) -> str:
    """The value as text; raises ProjectError, never naming the value, for what no environment can hold."""
    if not NAME.fullmatch(name):
        raise ProjectError(f"{name!r} is no name of a variable", host=host, hint="letters, digits and _, as in A_1")
    text = _text(value)
    if "\0" in text:
        raise ProjectError(f"the value of {name} holds a NUL, which no environment can", host=host, hint="encode it")
    return text


def _text(value: Any) -> str:
    """Booleans as YAML writes them, all else as Python does."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _migrator(settings: Mapping[str, Any], compose: ComposeProject, release: Release) -> str | None:
    """The service that migrates, if this host is one that can."""
    if not settings["deploy_migrate"]:
        return None
    built = [one.name for one in compose.services.values() if one.built]
    service = settings["deploy_migrate_service"] or (built[0] if len(built) == 1 else None)
    if service is None or service not in compose.services:
        raise ProjectError(
            f"deploy_migrate is set, and {service or 'its service'} is not to be found",
            hint=f"set deploy_migrate_service to one of {', '.join(sorted(compose.services))}",
        )
    return str(service) if service in release.services else None


def _words(settings: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = settings[name] or ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ProjectError(f"{name} must be a list of names, got {value!r}", hint=f"{name}: [one, another]")
    return tuple(value)


def _mapping(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = settings[name] or {}
    if not isinstance(value, Mapping):
        raise ProjectError(f"{name} must be a mapping of names to values", hint=f"{name}:\n  NAME: value")
    return value
