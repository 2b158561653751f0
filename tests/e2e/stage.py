"""Lab hosts for stories: made on a subnet of their own, taken down at the end, kept where KEEP_FAILED=1."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deployer.lab.engine import ensure_engine
from deployer.lab.fleet import HostSpec, Lab
from deployer.lab.host import LabHost
from deployer.lab.lock import alone
from deployer.lab.network import free_subnet
from deployer.lab.recipe import LABEL

PREFIX = "e2e"
KEEP_FAILED = os.environ.get("KEEP_FAILED") == "1"
WEB, DB = ("web1", "web2"), ("db1",)
NAMES = (*WEB, *DB)


def say(line: str) -> None:
    print(f"lab: {line}", flush=True)


@dataclass(frozen=True)
class Fleet:
    """Hosts by their names: web1, web2 … in the group `web`, db1 in the group `db`."""

    lab: Lab
    names: tuple[str, ...] = NAMES  # in the inventory's order

    @cached_property
    def hosts(self) -> Mapping[str, LabHost]:
        return {host.name: host for host in self.lab.hosts() if host.name in self.names}

    def only(self, *names: str) -> Fleet:
        """Some of the hosts, for stories in which more would do the same."""
        return Fleet(self.lab, names)

    @property
    def web(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name.startswith("web"))

    @property
    def db(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name.startswith("db"))

    @property
    def known_hosts(self) -> Path:
        return self.lab.state_dir / "known_hosts"

    @property
    def key(self) -> Path:
        return self.lab.key

    @property
    def registry(self) -> str:
        """The address of the registry that stands in for Docker Hub."""
        return self.lab.registry_mirror.removeprefix("http://").partition(":")[0]

    def variables(self) -> dict[str, object]:
        """What an inventory says to reach these hosts and the registry beside them."""
        return {
            "ansible_user": "deploy",
            "ansible_ssh_private_key_file": str(self.key),
            "deploy_known_hosts": str(self.known_hosts),
            "docker_daemon": {
                "registry-mirrors": [self.lab.registry_mirror],
                "insecure-registries": [self.lab.registry_mirror.removeprefix("http://")],
            },
        }

    def down(self, *, failed: bool) -> None:
        """Take the hosts away; after a failure they stay where KEEP_FAILED=1, until the next session."""
        if not (failed and KEEP_FAILED):
            self.lab.down()
            return
        for host in self.hosts.values():
            options = f"-i {self.key} -o UserKnownHostsFile={self.known_hosts} -p {host.port}"
            say(f"kept: ssh {options} deploy@{host.address}   # {host.name}")


def make_fleet(
    kind: str, state_dir: Path, *, docker: bool, names: Sequence[str] = NAMES, packages: tuple[str, ...] = ()
) -> Fleet:
    """Boot the hosts of a fleet; raises LabError where this machine cannot."""
    client = ensure_engine(say)
    lab = Lab(f"{PREFIX}-{os.getpid()}-{kind}", free_subnet(client), state_dir, say=say)
    try:
        lab.up([HostSpec(name=name, docker=docker, packages=packages) for name in names])
        lab.write_known_hosts(state_dir / "known_hosts")
    except BaseException:
        lab.down()
        raise
    return Fleet(lab, tuple(names))


def sweep() -> None:
    """Take down what earlier sessions left behind: kept fleets, and those of a session that was killed."""
    client = ensure_engine(say)
    with alone("sweep"):  # tests run side by side, and all of them sweep
        found = client.containers.list(all=True, filters={"label": LABEL})
        for name in {container.labels[LABEL] for container in found}:
            if _is_left(name):
                Lab(name, "10.210.0.0/24", Path(), say=say).down()


def _is_left(name: str) -> bool:
    """Whether a fleet's session has ended."""
    prefix, _, rest = name.partition("-")
    pid = rest.partition("-")[0]
    return prefix == PREFIX and pid.isdigit() and not Path(f"/proc/{pid}").exists()
