"""Compose files as one merged mapping: several files, `extends` and `include` resolved.

Everything is kept as written, places included; what the result means is left to `compose_file`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from posixpath import join, normpath
from typing import Any

import yaml

from deployer.config.compose_merge import Override, Reset, cleaned, mapping, mapping_of, merge
from deployer.config.files import read_text
from deployer.config.text import load_yaml
from deployer.config.values import Mapping as PlacedMapping
from deployer.config.values import nearest, place_of
from deployer.config.yaml_loader import STANDARD, PlacedLoader
from deployer.errors import Place, ProjectError
from deployer.frozen import dataclass

SECTIONS = ("services", "networks", "volumes", "configs", "secrets")
OTHERS = ("version", "name", "include", "models")
WORDS = frozenset({"yes", "no", "on", "off", "y", "n"})
TAGS = re.compile(r"!(?:reset|override)\b")


class ComposeLoader(PlacedLoader):
    """The placed loader with Compose's two tags, and with YAML 1.2's idea of plain words."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """`no` and `2222:22` are text for Compose, where YAML 1.1 reads a boolean and a sexagesimal number."""
        if kind is yaml.ScalarNode and implicit[0] and (":" in value or value.lower() in WORDS):
            return f"{STANDARD}str"
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def reset(self, _node: yaml.Node) -> Reset:
        return Reset()

    def override(self, node: yaml.Node) -> Override:
        if isinstance(node, yaml.MappingNode):
            return Override(self.placed_mapping(node))
        if isinstance(node, yaml.SequenceNode):
            return Override(self.placed_list(node))
        return Override(self.construct_scalar(node))  # type: ignore[arg-type]


ComposeLoader.yaml_constructors = {
    **PlacedLoader.yaml_constructors,
    **dict.fromkeys(("!vault", "!vault-encrypted"), ComposeLoader.unknown_tag),  # Compose cannot open them
    "!reset": ComposeLoader.reset,
    "!override": ComposeLoader.override,
}


@dataclass(frozen=True)
class Source:
    """A compose file and how it was come by."""

    path: Path
    base: str = "."  # its folder, seen from the project's
    seen: tuple[Path, ...] = ()  # the files that led here

    def beside(self, name: str) -> Source:
        """A file that this one names, relative to itself."""
        folder = normpath(join(self.base, str(Path(name).parent)))
        return Source(self.path.parent / name, folder, (*self.seen, self.path.resolve()))


def load_merged(folder: Path, files: Iterable[str]) -> PlacedMapping:
    """The files as one, later ones over earlier ones; raises ProjectError with the place of what is wrong."""
    merged = mapping_of({}, None)
    for name in files:
        merged = merge(merged, _load(Source(folder / name), merged))
    whole: PlacedMapping = cleaned(merged)
    return whole


def load_document(path: Path) -> PlacedMapping:
    """One file as written; raises ProjectError if it cannot be read, is broken, or is no mapping."""
    text = read_text(path, ProjectError)
    loader: Any = ComposeLoader(text)
    loader.file = str(path)
    try:
        document = loader.get_single_data()
    except (yaml.YAMLError, RecursionError) as broken:
        document = load_yaml(path, TAGS.sub(lambda tag: " " * len(tag[0]), text), ProjectError)  # says what is wrong
        _refuse_vault(broken, path)
    finally:
        loader.dispose()
    return mapping(document, "a compose file", Place(str(path), 1))


def _refuse_vault(broken: Exception, path: Path) -> None:
    """Refuse the one tag that other files may have."""
    problem, mark = str(getattr(broken, "problem", "")), getattr(broken, "problem_mark", None)
    if "!vault" in problem and mark:
        hint = "write ${NAME}, and put the value into deploy_secrets"
        raise ProjectError(problem, place=Place(str(path), mark.line + 1, mark.column + 1), hint=hint)


def _load(source: Source, earlier: Mapping[str, Any]) -> PlacedMapping:
    """One file with what it includes and extends."""
    if source.path.resolve() in source.seen:
        raise ProjectError("this file leads back to itself", place=Place(str(source.path)), hint=_loop(source))
    document = load_document(source.path)
    _check_sections(document)
    for section in SECTIONS:
        document[section] = mapping(document.get(section), section, place_of(document, section))
    services = document["services"]
    plain = [name for name, value in services.items() if not isinstance(value, (Reset, Override))]
    for name in plain:
        services[name] = mapping(services[name], f"service {name}", place_of(services, name))
    _rebase(document, source.base)
    whole = _included(document, source)
    known = {**earlier.get("services", {}), **whole.get("services", {}), **services}
    for name in plain:
        services[name] = _extended(services[name], source, known, chain=(name,))
    return merge(whole, document)


def _loop(source: Source) -> str:
    return f"take one `include` or `extends` out of {' -> '.join(path.name for path in source.seen)}"


def _check_sections(document: PlacedMapping) -> None:
    for key in document:
        if key in SECTIONS or key in OTHERS or str(key).startswith("x-"):
            continue
        close = nearest(key, (*SECTIONS, *OTHERS))
        hint = f"did you mean `{close}`?" if close else "services stand below a line `services:`"
        raise ProjectError(f"unknown top-level key '{key}'", place=place_of(document, key), hint=hint)


# include --------------------------------------------------------------------------------------------------------


def _included(document: PlacedMapping, source: Source) -> PlacedMapping:
    whole = mapping_of({}, None)
    place = place_of(document, "include")
    for name in _included_names(document.pop("include", None) or (), place):
        if "://" in name or "$" in name or name.startswith(("git@", "oci:")):
            raise ProjectError(
                f"include {name} cannot be read before a host is contacted", place=place,
                hint="keep the included file in the project and name it by its relative path",
            )  # fmt: skip
        whole = merge(whole, _load(source.beside(name), whole))
    return whole


def _included_names(entries: Any, place: Place) -> list[str]:
    names: list[Any] = []
    for entry in entries if isinstance(entries, (list, tuple)) else [entries]:
        named = entry.get("path") if isinstance(entry, dict) else entry
        names += [named] if isinstance(named, str) else named or []
    if all(isinstance(name, str) for name in names):
        return names
    raise ProjectError("include must name compose files", place=place, hint="write `include: [path/compose.yaml]`")


# extends --------------------------------------------------------------------------------------------------------


def _extended(
    service: PlacedMapping, source: Source, known: Mapping[str, Any], *, chain: tuple[str, ...]
) -> PlacedMapping:
    """The service over those that it extends; `chain` names the ones that led here."""
    if "extends" not in service:
        return service
    place = place_of(service, "extends")
    name, file = _extends(service["extends"], place)
    if file and (source.path.parent / file).resolve() != source.path.resolve():
        parent = _found(name, _load(source.beside(file), {})["services"], place)
    elif name in chain:
        raise ProjectError(f"service {name} extends itself", place=place, hint="take one `extends` out")
    else:
        parent = _extended(_found(name, known, place), source, known, chain=(*chain, name))
    own = mapping_of({key: value for key, value in service.items() if key != "extends"}, service)
    own.places = service.places
    return merge(parent, own)


def _extends(value: Any, place: Place) -> tuple[str, str | None]:
    name, file = (value.get("service"), value.get("file")) if isinstance(value, dict) else (value, None)
    if isinstance(name, str) and (file is None or isinstance(file, str)):
        return name, file
    raise ProjectError("extends must name a service", place=place, hint="write `extends: {service: NAME, file: FILE}`")


def _found(name: str, services: Mapping[str, Any], place: Place) -> PlacedMapping:
    if name in services:
        found: PlacedMapping = services[name]
        return found
    close = nearest(name, services)
    hint = f"did you mean `{close}`?" if close else f"there are {', '.join(services) or 'no services'}"
    raise ProjectError(f"there is no service {name} to extend", place=place, hint=hint)


# places ---------------------------------------------------------------------------------------------------------


def _rebase(document: PlacedMapping, base: str) -> None:
    """Make what a file in another folder mounts from beside it relative to the project's folder."""
    if base == ".":
        return
    for service in document["services"].values():
        volumes = service.get("volumes") if isinstance(service, dict) else None
        if isinstance(volumes, list):
            volumes[:] = [_rebased(volume, base) for volume in volumes]
    for entry in (*document["configs"].values(), *document["secrets"].values()):
        if isinstance(entry, dict) and isinstance(entry.get("file"), str):
            entry["file"] = _moved(entry["file"], base)


def _rebased(volume: Any, base: str) -> Any:
    if isinstance(volume, str) and volume.startswith("."):
        source, colon, rest = volume.partition(":")
        return f"{_moved(source, base)}{colon}{rest}"
    if isinstance(volume, dict) and str(volume.get("source", "")).startswith("."):
        volume["source"] = _moved(volume["source"], base)
    return volume


def _moved(path: str, base: str) -> str:
    return path if path.startswith(("/", "~", "$")) else f"./{normpath(join(base, path))}"
