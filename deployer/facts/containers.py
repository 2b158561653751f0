"""What runs of a compose project on a host, and the images that its releases are pinned to."""

from __future__ import annotations

import json
import shlex
from typing import ClassVar

from deployer.facts._engine_api import ENGINE, IF_THERE, PACK, question, unpacked
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


# Where all run, the engine's list says enough, and costs a tenth; it calls an image that has lost its name by its id.
_SCRIPT = """\
{there}said=$({listed})
case $said in
  *'"State":"'[!r]* | *'"State":"re'* | *'"Image":"sha256:'*)
    docker inspect --format {form} $(printf '%s' "$said" | grep -o '"Id":"[0-9a-f]*"' | cut -d '"' -f 4) ;;
  *'"Id":"'*) printf '%s' "$said" | {pack} ;;
esac
"""


def listing(project: str) -> str:
    """Shell that prints the engine's list of all of a project's containers, with nothing else defined."""
    return f"{ENGINE}{_listed(project)}"


def _listed(project: str) -> str:
    return question("/containers/json", all=True, filters={"label": [f"{PROJECT_LABEL}={project}"]})


@dataclass(frozen=True)
class ProjectContainers:
    """All containers of a compose project, stopped and one-off ones included, by name; none without an engine."""

    constant: ClassVar[bool] = False
    functions: ClassVar[str] = ENGINE

    project: str

    def script(self) -> str:
        listed = _listed(self.project)
        return _SCRIPT.format(there=IF_THERE, listed=listed, form=shlex.quote(_FORMAT), pack=PACK)

    def parse(self, output: str, status: int) -> tuple[Container, ...]:
        lines = output.splitlines()
        found = [Container.from_inspect(json.loads(line)) for line in lines if line.startswith("{")]
        found += [Container.from_list(raw) for raw in unpacked("" if found else output)]
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
