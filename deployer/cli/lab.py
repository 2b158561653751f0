"""`deploy lab`: throw-away hosts on this machine, as an inventory names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployer.errors import InventoryError, Place
from deployer.frozen import dataclass

if TYPE_CHECKING:  # docker takes a while to import: only those who ask for a lab wait for it
    from deployer.lab.fleet import HostSpec, Lab

_STATE = Path(".lab")
_SUBNET = "10.209.0.0/24"
_YES = ("yes", "true", "on", "1")

_inventory = click.option(
    "--inventory",
    "-i",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("inventories/lab.yml"),
    show_default=True,
    help="Names the hosts; lab_name, lab_subnet and lab_docker are read from its vars.",
)


@dataclass(frozen=True, kw_only=True)
class LabPlan:
    """What an inventory says about a lab."""

    name: str
    subnet: str
    specs: tuple[HostSpec, ...]


@click.group()
def lab() -> None:
    """Throw-away hosts on this machine, to rehearse on.

    \b
    Example:
      deploy lab up && deploy lab && deploy lab down
    """


@lab.command()
@_inventory
@click.option("--trust/--no-trust", default=True, show_default=True, help="Write the hosts' keys to .lab/known_hosts.")
def up(inventory: Path, trust: bool) -> None:
    """Start the hosts of an inventory, and a Docker Engine to carry them where none runs.

    \b
    Example:
      deploy lab up --inventory inventories/lab.yml
    """
    plan = specs_from_inventory(inventory)
    the_lab = lab_of(plan)
    hosts = the_lab.up(plan.specs)
    if trust:
        the_lab.write_known_hosts(_STATE / "known_hosts")
    for host in hosts:
        click.echo(f"{host.name}\t{host.address}\t{host.port}\tup")


@lab.command()
@_inventory
def down(inventory: Path) -> None:
    """Remove the lab's hosts and all that is on them; images stay for the next time.

    \b
    Example:
      deploy lab down
    """
    lab_of(specs_from_inventory(inventory)).down()


@lab.command()
@_inventory
def status(inventory: Path) -> None:
    """Show which hosts are up.

    \b
    Example:
      deploy lab status
    """
    plan = specs_from_inventory(inventory)
    there = {host.name: host for host in lab_of(plan).hosts()}
    for name in [*(spec.name for spec in plan.specs), *sorted(there.keys() - {spec.name for spec in plan.specs})]:
        host = there.get(name)
        where = f"{host.address}\t{host.port}\t{'up' if host.is_running() else 'off'}" if host else "-\t-\tabsent"
        click.echo(f"{name}\t{where}")


def specs_from_inventory(path: Path) -> LabPlan:
    """Return the lab that an Ansible-style YAML inventory describes; raises InventoryError if it is none."""
    from deployer.lab.fleet import HostSpec

    data = _load(path)
    root = _mapping(data.get("all", data), path)
    common = _mapping(root.get("vars"), path)
    hosts = {name: common | own for name, own in _walk(root, {}, path)}
    if not hosts:
        raise InventoryError("names no hosts", place=Place(str(path)))
    specs = [
        HostSpec(
            name=name,
            address=str(own["ansible_host"]) if "ansible_host" in own else None,
            docker=str(own.get("lab_docker", False)).lower() in _YES,
            ssh_port=int(own.get("ansible_port", 22)),
        )
        for name, own in hosts.items()
    ]
    subnet, name = str(common.get("lab_subnet", _SUBNET)), str(common.get("lab_name", "lab"))
    return LabPlan(name=name, subnet=subnet, specs=tuple(specs))


def _walk(group: Mapping[str, Any], inherited: Mapping[str, Any], path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each host with its vars; what is nearer to the host wins."""
    variables = {**inherited, **_mapping(group.get("vars"), path)}
    for name, own in _mapping(group.get("hosts"), path).items():
        yield str(name), {**variables, **_mapping(own, path)}
    for child in _mapping(group.get("children"), path).values():
        yield from _walk(_mapping(child, path), variables, path)


def _load(path: Path) -> dict[str, Any]:
    from deployer.config.text import load_yaml

    return _mapping(load_yaml(path, error=InventoryError), path)


def _mapping(value: object, path: Path) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InventoryError(f"expected a mapping, found {value!r}", place=Place(str(path)))
    return value


def lab_of(plan: LabPlan) -> Lab:
    from deployer.lab.fleet import Lab

    return Lab(plan.name, plan.subnet, _STATE, say=lambda line: click.echo(line, err=True))
