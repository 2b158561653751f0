"""What runs of a compose project on a host, and the images that its releases are pinned to."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import ClassVar

from deployer.model.release import Container

_LABELS = ("service", "config-hash", "oneoff")
# `.ID`, not `.Id`: over a key that its own type lacks, docker falls back to plain JSON, where no Health is an error
_FORMAT = (
    '{"Id":{{json .ID}},"Name":{{json .Name}},"RestartCount":{{.RestartCount}},'
    '"State":{"Status":{{json .State.Status}},"ExitCode":{{.State.ExitCode}},"StartedAt":{{json .State.StartedAt}}'
    '{{if .State.Health}},"Health":{"Status":{{json .State.Health.Status}}}{{end}}},'
    '"HostConfig":{"RestartPolicy":{"Name":{{json .HostConfig.RestartPolicy.Name}}}},'
    '"Config":{"Image":{{json .Config.Image}},"Labels":{'
    + ",".join(
        f'"com.docker.compose.{label}":{{{{json (index .Config.Labels "com.docker.compose.{label}")}}}}'
        for label in _LABELS
    )
    + "}}}"
)


@dataclass(frozen=True)
class ProjectContainers:
    """All containers of a compose project, stopped and one-off ones included, by name; none without an engine."""

    constant: ClassVar[bool] = False

    project: str

    def script(self) -> str:
        label = shlex.quote(f"label=com.docker.compose.project={self.project}")
        return (
            "command -v docker >/dev/null || exit 0\n"
            f'ids=$(docker ps --all --quiet --no-trunc --filter {label}) && [ -n "$ids" ] || exit 0\n'
            f"docker inspect --format {shlex.quote(_FORMAT)} $ids"
        )

    def parse(self, output: str, status: int) -> tuple[Container, ...]:
        found = [Container.from_inspect(json.loads(line)) for line in output.splitlines() if line.startswith("{")]
        return tuple(sorted(found, key=lambda one: one.name))


@dataclass(frozen=True)
class ProjectImages:
    """The tags of a project's own images (`<project>-<service>:<release>`); none without an engine."""

    constant: ClassVar[bool] = False

    project: str

    def script(self) -> str:
        reference = shlex.quote(f"reference={self.project}-*")
        return (
            "command -v docker >/dev/null || exit 0\n"
            f"docker image ls --filter {reference} --format '{{{{.Repository}}}}:{{{{.Tag}}}}'"
        )

    def parse(self, output: str, status: int) -> frozenset[str]:
        return frozenset(line for line in output.split() if ":" in line)
