"""Whether a failed deployment has left every host as it was: asked of the hosts alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from host_state import ContainerSeen
from story import Project


@dataclass(frozen=True)
class Standing:
    """How a project stands on every host."""

    current: dict[str, str]
    folders: dict[str, list[str]]
    containers: dict[str, tuple[ContainerSeen, ...]]

    @classmethod
    def of(cls, project: Project, *, without: Collection[str] = ()) -> Standing:
        names = [name for name in project.fleet.names if name not in without]
        return cls(
            current={name: project.current_on(name) for name in names},
            folders={name: project.releases(name) for name in names},
            containers={name: project.containers(name) for name in names},
        )


@contextmanager
def put_back(project: Project, *switched: str, lost: Collection[str] = ()) -> Iterator[Standing]:
    """What happens inside fails and is undone.

    `switched` hosts have been on another release and are back, all others never were, `lost` ones are not looked at.
    """
    before = Standing.of(project)
    yield before
    after = Standing.of(project, without=lost)
    for name in after.current:
        assert_stands(project, name, before, after, was_switched=name in switched)


def assert_stands(project: Project, name: str, before: Standing, after: Standing, *, was_switched: bool) -> None:
    """One host runs the images that it ran, healthy; only where it was switched may containers be new ones."""
    seen = [_served(one) for one in after.containers[name]]
    assert after.current[name] == before.current[name]
    assert seen == [_served(one) for one in before.containers[name]], name
    assert {one.name for one in after.containers[name] if not one.is_well} == set(), name
    if not was_switched:
        assert _ids(after.containers[name]) == _ids(before.containers[name]), f"{name} was touched"
    new = set(after.folders[name]) - set(before.folders[name])
    assert marks(project, name, new) == ({"failed"} if was_switched else set()), name
    assert not is_locked(project, name)


def marks(project: Project, host: str, releases: Collection[str]) -> set[str]:
    """Which of the marks `healthy` and `failed` releases on a host bear."""
    files = [f"{project.root}/releases/{one}/{mark}" for one in releases for mark in ("healthy", "failed")]
    _, output = project.host(host).exec(" ".join(["ls -d", *files, "2>/dev/null"]) if files else "true")
    return {line.rpartition("/")[2] for line in output.split()}


def is_locked(project: Project, host: str) -> bool:
    """Whether the newest lease on a host is neither given back nor run out."""
    newest = f"cd {project.root}/.deploy 2>/dev/null && last=$(ls -d lock.* 2>/dev/null | sort -V | tail -n 1)"
    is_good = '[ -n "$last" ] && [ ! -e "$last/released" ] && [ "$(date +%s)" -lt "$(cat "$last/expires")" ]'
    return project.host(host).exec(f"{newest} && {is_good}")[0] == 0


def _served(one: ContainerSeen) -> dict[str, Any]:
    return {"name": one.name, "image": one.image, "image id": one.image_id, "environment": one.environment}


def _ids(containers: tuple[ContainerSeen, ...]) -> list[tuple[str, str]]:
    return [(one.id, one.started_at) for one in containers]
