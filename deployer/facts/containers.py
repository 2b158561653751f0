"""What runs of a compose project on a host, and the images that its releases are pinned to."""

from __future__ import annotations

import json
import shlex
from typing import ClassVar

from deployer.facts._engine_api import ENGINE, IF_THERE, question
from deployer.frozen import dataclass
from deployer.model.release import PROJECT_LABEL, Container

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
    functions: ClassVar[str] = ENGINE

    project: str

    def script(self) -> str:
        listed = question("/containers/json", all=True, filters={"label": [f"{PROJECT_LABEL}={self.project}"]})
        return (
            f"{IF_THERE}"
            f'ids=$({listed} | grep -o \'"Id":"[0-9a-f]*"\' | cut -d \'"\' -f 4)\n'
            '[ -n "$ids" ] || exit 0\n'
            f"docker inspect --format {shlex.quote(_FORMAT)} $ids"
        )

    def parse(self, output: str, status: int) -> tuple[Container, ...]:
        found = [Container.from_inspect(json.loads(line)) for line in output.splitlines() if line.startswith("{")]
        return tuple(sorted(found, key=lambda one: one.name))


@dataclass(frozen=True)
class ProjectImages:
    """The tags of a project's own images (`<project>-<service>:<release>`); none without an engine."""

    constant: ClassVar[bool] = False
    functions: ClassVar[str] = ENGINE

    project: str

    def script(self) -> str:
        listed = question("/images/json", filters={"reference": [f"{self.project}-*"]})
        return f"{IF_THERE}{listed} | grep -o '\"RepoTags\":\\[[^]]*]'"

    def parse(self, output: str, status: int) -> frozenset[str]:
        found = (json.loads(line.partition(":")[2]) for line in output.splitlines())
        return frozenset(tag for tags in found for tag in tags if tag.startswith(f"{self.project}-"))
