"""A project's compose files as a ComposeProject: services, what they wait for and mount, which names they ask for.

Only what must be known before a host is contacted is read; the rest is for `docker compose` on the host to judge.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from posixpath import normpath
from typing import Any

from deployer.config.compose_build import build_variables
from deployer.config.compose_merge import mapping
from deployer.config.compose_mounts import pgdata, short_form
from deployer.config.compose_text import load_merged
from deployer.config.interpolation import filled_names, interpolate, needed_names
from deployer.config.values import nearest, place_of
from deployer.errors import Place, ProjectError
from deployer.model.project import ComposeProject, Service

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = ("compose.override.yml", "compose.override.yaml", "docker-compose.override.yml",
             "docker-compose.override.yaml")  # fmt: skip
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def load_compose(folder: Path, files: Sequence[str] = ()) -> ComposeProject:
    """The project in a folder, from the named files or, without any, from those that Compose itself would take.

    Paths of bind mounts and files are relative to the folder. Raises ProjectError with file and line.
    """
    chosen = find_files(folder, files)
    whole = load_merged(folder, chosen)
    services = whole["services"]
    if not services:
        raise ProjectError("no services", place=Place(str(folder / chosen[0])), hint="write a section `services:`")
    read = {str(name): _read_service(str(name), whole) for name in services}
    _check_dependencies(read, services)
    return ComposeProject(
        name=str(whole["name"]) if whole.get("name") else None,
        files=chosen,
        services=read,
        networks=_externals(whole["networks"]),
        volumes=_externals(whole["volumes"]),
        named_volumes=tuple(str(name) for name, value in whole["volumes"].items() if not _is_external(value)),
        volume_names=_volume_names(whole["volumes"]),
        subnets=dict(_subnets(whole["networks"])),
        variables=_variables(whole),
        filled=tuple(dict.fromkeys(name for text in _texts(whole) for name in filled_names(text))),
    )


def find_files(folder: Path, files: Sequence[str] = ()) -> tuple[str, ...]:
    """The named compose files if each exists, else Compose's default file and its override; raises ProjectError."""
    for name in files:
        if not (folder / name).is_file():
            hint = "name files relative to `deploy_source`, in `deploy_compose_files`"
            raise ProjectError(f"there is no compose file {name} in {folder.resolve()}", hint=hint)
    if files:
        return tuple(files)
    base = [name for name in DEFAULT_FILES if (folder / name).is_file()]
    if not base:
        raise ProjectError(
            f"no compose file in {folder.resolve()}: looked for {', '.join(DEFAULT_FILES)}",
            hint="change to the project's folder, or set `deploy_source` or `deploy_compose_files` in the inventory",
        )
    return (base[0], *[name for name in OVERRIDES if (folder / name).is_file()][:1])


def project_name(folder: Path, compose: ComposeProject, override: str | None = None) -> str:
    """Compose's project name: `override`, else the files' `name:`, else the folder's, lower-cased and cleaned.

    It names the volumes, so a given one is never changed: raises ProjectError if it is not [a-z0-9][a-z0-9_-]*.
    """
    given = override or (interpolate(compose.name, {}) if compose.name else None)
    name = given or _cleaned(folder.resolve().name)
    if NAME.fullmatch(name):
        return name
    where = "deploy_project" if override else f"`name:` of {compose.files[-1]}" if given else f"folder name {folder}"
    proposal = _cleaned(Path(name).name)
    raise ProjectError(
        f"{where}: '{name}' cannot be a project name: expected lower-case letters, digits, - and _",
        hint=f"set `deploy_project: {proposal or 'NAME'}`",
    )


def check_binds(compose: ComposeProject, paths: Collection[str], place: Place) -> None:
    """Refuse a relative bind mount whose source is not among the synced paths: it would be empty in each release.

    `paths` are relative to the project folder, with `/`. Raises ProjectError at `place`.
    """
    for service in compose.services.values():
        for source in service.bind_mounts:
            path = normpath(interpolate(source, {}))
            if path == "." or path in paths or any(other.startswith(f"{path}/") for other in paths):
                continue
            raise ProjectError(
                f"service {service.name} mounts {source}, which is no part of the synced project: "
                "each release would find it empty",
                place=place,
                hint="use a named volume or an absolute path for data; commit the file if it belongs to the project; "
                "or allow it: -e deploy_allow=bind-hidden",
            )


def _cleaned(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _read_service(name: str, whole: Mapping[str, Any]) -> Service:
    place = place_of(whole["services"], name)
    raw = mapping(whole["services"][name], f"service {name}", place)
    if not raw.get("build") and not raw.get("image") and "provider" not in raw:
        hint = "add `build: .` or `image: NAME:TAG`"
        raise ProjectError(f"service {name} has neither image nor build", place=place, hint=hint)
    return Service(
        name=name,
        built=bool(raw.get("build")),
        build_variables=tuple(dict.fromkeys(build_variables(raw.get("build")))),
        image=str(raw["image"]) if raw.get("image") else None,
        depends_on=tuple(str(other) for other in _items(raw, "depends_on", mapped=True)),
        profiles=tuple(str(profile) for profile in _items(raw, "profiles")),
        health_check=_has_health_check(raw.get("healthcheck")),
        ports=tuple(_port(port) for port in _items(raw, "ports")),
        bind_mounts=tuple(dict.fromkeys([*_bind_mounts(raw), *_mounted_files(raw, whole)])),
        volumes=tuple(short_form(_items(raw, "volumes"))),
        data_directory=pgdata(raw.get("environment")),
    )


def _items(raw: Any, key: str, *, mapped: bool = False) -> list[Any]:
    value = raw.get(key)
    if value is None:
        return []
    if isinstance(value, list) or (mapped and isinstance(value, dict)):
        return list(value)
    raise ProjectError(f"{key} must be a list", place=place_of(raw, key), hint="write each item on a line with `- `")


def _has_health_check(raw: Any) -> bool:
    if not isinstance(raw, dict) or raw.get("disable") in (True, "true"):
        return False
    test = raw.get("test")
    return test not in (None, "NONE", [], ["NONE"])


def _port(port: Any) -> str:
    """A published port as Compose's short form writes it."""
    if not isinstance(port, dict):
        return str(port)
    published = ":".join(str(port[key]) for key in ("host_ip", "published") if port.get(key))
    tail = f"{port.get('target')}" + (f"/{port['protocol']}" if port.get("protocol") else "")
    return f"{published}:{tail}" if published else tail


def _bind_mounts(raw: Any) -> Iterator[str]:
    """Relative sources, the last one for each place in the container."""
    by_target: dict[str, str] = {}
    for volume in _items(raw, "volumes"):
        if isinstance(volume, dict):
            kind, source, target = volume.get("type"), str(volume.get("source") or ""), str(volume.get("target"))
        else:
            source, _, target = interpolate(str(volume), {}).partition(":")
            kind, target = "bind" if source.startswith(".") else "volume", target.partition(":")[0]
        by_target[target] = source if kind == "bind" else ""
    yield from (source for source in by_target.values() if source and not source.startswith(("/", "~", "$")))


def _mounted_files(raw: Any, whole: Mapping[str, Any]) -> Iterator[str]:
    """Files of `configs` and `secrets`: Compose mounts them from the project's folder."""
    for section in ("configs", "secrets"):
        for entry in _items(raw, section):
            declared = whole[section].get(entry.get("source") if isinstance(entry, dict) else entry)
            file = str((declared if isinstance(declared, dict) else {}).get("file") or "")
            if file and not file.startswith(("/", "~", "$")):
                yield file


def _check_dependencies(services: Mapping[str, Service], raw: Any) -> None:
    for service in services.values():
        for other in service.depends_on:
            if other in services:
                continue
            close = nearest(other, services)
            hint = f"did you mean `{close}`?" if close else f"there are {', '.join(services)}"
            place = place_of(raw[service.name], "depends_on")
            raise ProjectError(
                f"service {service.name} depends on {other}, which does not exist", place=place, hint=hint
            )


def _is_external(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("external")) and value.get("external") != "false"


def _externals(section: Mapping[str, Any]) -> tuple[str, ...]:
    """The real names of a section's external entries."""
    return tuple(_real_name(str(key), value) for key, value in section.items() if _is_external(value))


def _volume_names(section: Mapping[str, Any]) -> dict[str, str]:
    """The volumes whose name does not begin with the project's, each with the one that it has."""
    named = {str(key): value for key, value in section.items() if isinstance(value, dict)}
    return {key: _real_name(key, value) for key, value in named.items() if value.get("name") or _is_external(value)}


def _real_name(key: str, value: Mapping[str, Any]) -> str:
    legacy = value["external"].get("name") if isinstance(value.get("external"), dict) else None
    return str(value.get("name") or legacy or key)


def _subnets(section: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The networks that ask for certain subnets; what cannot be read is for Compose to judge."""
    for key, value in section.items():
        ipam = value.get("ipam") if isinstance(value, dict) and not _is_external(value) else None
        pools = ipam.get("config") if isinstance(ipam, dict) else None
        found = [str(one["subnet"]) for one in pools or () if isinstance(one, dict) and one.get("subnet")]
        if found:
            yield str(value.get("name") or f":{key}"), tuple(found)


def _variables(whole: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that the files need; Compose itself knows the project's."""
    names = dict.fromkeys(name for text in _texts(whole) for name in needed_names(text))
    return tuple(name for name in names if name != "COMPOSE_PROJECT_NAME")


def _texts(value: Any) -> Iterator[str]:
    """Every value in which Compose replaces `${NAME}`: all but keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
