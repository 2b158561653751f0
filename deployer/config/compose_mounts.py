"""What a service writes to, from its `volumes` in any form to text that two releases can be compared by.

Whether a release may mount something else than the one before is `rollout.data_guard`'s decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from posixpath import normpath
from typing import Any

from deployer.config.interpolation import interpolate
from deployer.errors import Place, ProjectError
from deployer.model.project import ComposeProject, Service
from deployer.model.release import Release
from deployer.model.tree import Tree
from deployer.rollout.databases import covers, database_of

PATHS = ("/", ".", "~", "$")  # how the source of a bind mount begins
HIDDEN_HINT = (
    "use a named volume or an absolute path for data, add `:ro` if nothing is written; "
    "or allow it: -e deploy_allow=bind-hidden"
)
PLACEHOLDERS = frozenset({".gitkeep", ".keep", ".gitignore", ".placeholder"})  # files of a folder that is kept empty


def short_form(entries: Iterable[Any]) -> Iterator[str]:
    """Volumes and bind mounts as Compose's short form writes them, `${NAME}` kept; other kinds are left out."""
    for entry in entries:
        if not isinstance(entry, dict):
            yield str(entry)
        elif entry.get("type", "volume") in ("volume", "bind"):
            yield _shortened(entry)


def pgdata(environment: Any) -> str | None:
    """Where Postgres is told to keep its data, as written; None if nobody tells it."""
    if isinstance(environment, dict):
        value = environment.get("PGDATA")
        return str(value) if value else None
    pairs = (str(entry).partition("=") for entry in environment or ())
    return next((value for name, _, value in pairs if name == "PGDATA" and value), None)


def mounts_of(service: Service, compose: ComposeProject, project: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    """`source:target` of all that the service may write to, by target.

    The source is a volume's name as Docker knows it, `/folder` or `./folder`, or nothing for an anonymous volume.
    """
    by_target: dict[str, str | None] = {}
    for text in service.volumes:
        source, target, writable = _split(interpolate(text, variables))
        by_target[target] = _real(source, compose, project, variables) if writable else None
    return tuple(f"{source}:{target}" for target, source in sorted(by_target.items()) if source is not None)


def check_hidden(release: Release, tree: Tree, place: Place) -> None:
    """Refuse to mount a folder of the release for data, which the next release would hide.

    Raises ProjectError at `place` where the synced folder is kept empty, or a database would keep its data there.
    """
    for service in release.mounts:
        database = database_of(release.images.get(service, ""), release.data_directories.get(service))
        directory = database.directory if database else None
        for source, _, target in (text.rpartition(":") for text in release.mounts[service]):
            for_data = bool(directory and covers(target, directory)) or _is_kept_empty(normpath(source), tree)
            if source.startswith(".") and for_data:
                raise ProjectError(
                    f"service {service} mounts {source} at {target}, a folder of the release: what is written there "
                    "is hidden by the next release, which has a folder of its own",
                    place=place, hint=HIDDEN_HINT,
                )  # fmt: skip


def _shortened(entry: Mapping[str, Any]) -> str:
    source, target = str(entry.get("source") or ""), str(entry.get("target"))
    if entry.get("type") == "bind" and not source.startswith(PATHS):
        source = f"./{source}"
    options = entry.get("volume")
    if isinstance(options, dict) and options.get("subpath"):
        source = f"{source}/{options['subpath']}"
    read_only = ":ro" if entry.get("read_only") in (True, "true") and source else ""
    return f"{source}:{target}{read_only}" if source else target


def _split(text: str) -> tuple[str, str, bool]:
    """Source, target, and whether it may be written to; a volume always may, for another service can."""
    source, _, rest = text.partition(":") if ":" in text else ("", "", text)
    target, _, options = rest.partition(":")
    read_only = "ro" in options.split(",") and source.startswith(PATHS)
    return source, normpath(target), not read_only


def _real(source: str, compose: ComposeProject, project: str, variables: Mapping[str, str]) -> str:
    if source.startswith("."):
        path = normpath(source)
        return path if path.startswith(".") else f"./{path}"
    if not source or source.startswith(PATHS):
        return source.rstrip("/") or source
    key, slash, inside = source.partition("/")
    own = compose.volume_names.get(key)
    return (f"{project}_{key}" if own is None else interpolate(own, variables)) + slash + inside


def _is_kept_empty(path: str, tree: Tree) -> bool:
    """It is a folder of the tree, and no file but placeholders is in it."""
    inside = [entry.path for entry in tree.entries if entry.path.startswith(f"{path}/") and entry.kind != "dir"]
    if not inside:
        return path in tree.by_path and tree.by_path[path].kind == "dir"
    return all(one.rpartition("/")[2] in PLACEHOLDERS for one in inside)
