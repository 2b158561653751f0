"""`network`: a Docker network exists. Attaching containers is compose's business; removing it a person's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from deployer.facts.docker import DockerNetwork, NetworkSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, run
from deployer.modules._refusals import HostRefusedError, check_docker_name
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("network")
@dataclass(frozen=True, kw_only=True)
class Network:
    """Make sure that a Docker network exists; never changes or removes one.

    A network that is there with another driver, or is internal where it should not be, is refused: making it anew
    would cut off the containers in it.

    Examples:
        - name: A network that several projects share
          network:
            name: web
    """

    name: str  # as `docker network ls` prints it
    driver: str = "bridge"  # bridge, overlay, macvlan, …
    internal: bool = False  # no way out of it
    attachable: bool = False  # of an overlay: single containers may join
    subnet: str | None = None  # in CIDR notation, such as 10.5.0.0/24; Docker chooses otherwise
    labels: Mapping[str, str] = field(default_factory=dict)  # set when it is created, not compared later
    options: Mapping[str, str] = field(default_factory=dict)  # the driver's, set when it is created

    def __post_init__(self) -> None:
        check_docker_name("network", self.name)

    def facts(self) -> tuple[Fact[Any], ...]:
        return (DockerNetwork(self.name),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[DockerNetwork(self.name)]
        if found is None:
            yield run(
                "docker", "network", "create", *self._flags(), self.name, because=f"network {self.name} not found"
            )
        else:
            self._check(found)

    def _flags(self) -> tuple[str, ...]:
        return (
            "--driver", self.driver,
            *(("--internal",) if self.internal else ()),
            *(("--attachable",) if self.attachable else ()),
            *(("--subnet", self.subnet) if self.subnet else ()),
            *(part for key, value in self.labels.items() for part in ("--label", f"{key}={value}")),
            *(part for key, value in self.options.items() for part in ("--opt", f"{key}={value}")),
        )  # fmt: skip

    def _check(self, found: NetworkSeen) -> None:
        for key, wanted, has in (
            ("driver", self.driver, found.driver),
            ("internal", self.internal, found.internal),
        ):
            if wanted != has:
                raise HostRefusedError(
                    f"network {self.name} exists with {key}: {str(has).lower()}, not {str(wanted).lower()}",
                    hint=f"say {key}: {str(has).lower()}, or use another name; a network in use is never replaced",
                )
