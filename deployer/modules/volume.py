"""`volume`: a Docker volume exists. What is in it is nobody's business here; removing it is a person's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from deployer.facts.docker import DockerVolume
from deployer.frozen import dataclass
from deployer.model.action import Action, run
from deployer.modules._refusals import HostRefusedError, check_docker_name
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("volume")
@dataclass(frozen=True, kw_only=True)
class Volume:
    """Make sure that a Docker volume exists; never changes, empties or removes one.

    Examples:
        - name: A volume that outlives every release
          volume:
            name: shop_data
            labels: {backup: daily}
    """

    name: str  # as `docker volume ls` prints it
    driver: str = "local"  # another one must be installed on the host
    labels: Mapping[str, str] = field(default_factory=dict)  # set when it is created, not compared later
    options: Mapping[str, str] = field(default_factory=dict)  # the driver's, set when it is created

    def __post_init__(self) -> None:
        check_docker_name("volume", self.name)

    def facts(self) -> tuple[Fact[Any], ...]:
        return (DockerVolume(self.name),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[DockerVolume(self.name)]
        if found is None:
            yield run("docker", "volume", "create", *self._flags(), self.name, because=f"volume {self.name} not found")
        elif found.driver != self.driver:
            raise HostRefusedError(
                f"volume {self.name} exists with driver: {found.driver}, not {self.driver}",
                hint=f"say driver: {found.driver}, or use another name; a volume is never replaced",
            )

    def _flags(self) -> tuple[str, ...]:
        return (
            "--driver", self.driver,
            *(part for key, value in self.labels.items() for part in ("--label", f"{key}={value}")),
            *(part for key, value in self.options.items() for part in ("--opt", f"{key}={value}")),
        )  # fmt: skip
