"""A project's first inventory as text, from what its compose files say.

Finding the project and writing the file are left to `deploy init`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from deployer.config.interpolation import interpolate
from deployer.frozen import dataclass
from deployer.model.project import ComposeProject, Service

PLACEHOLDER = "192.0.2.10"  # an address for documentation: no host ever has it
MIGRATE = "python manage.py migrate --noinput"
SECRET = re.compile(r"SECRET|PASSW|TOKEN|KEY|CREDENTIAL|PRIVATE|DSN|_URL$|_URI$|^PG?PASS")
PLAIN = re.compile(r"[A-Za-z][\w.-]*|\d+\.\d+\.\d+\.\d+")
WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})  # YAML reads these as no text


@dataclass(frozen=True, kw_only=True)
class Starter:
    """What a first inventory is made of."""

    environment: str
    project: str  # the compose project name
    compose: ComposeProject
    hosts: tuple[str, ...] = ()  # names or addresses, each with `:port` if need be; none: a placeholder
    user: str | None = None
    django: bool = False  # there is a manage.py

    @property
    def variables(self) -> tuple[str, ...]:
        """The names that must be given; those that the tool itself gives are not among them."""
        return tuple(name for name in self.compose.variables if not name.startswith("DEPLOY_"))

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(name for name in self.variables if SECRET.search(name.upper()))


def render_inventory(starter: Starter) -> str:
    """YAML with a comment wherever a person may want to change something."""
    return "\n".join([*_head(starter), *_hosts(starter), "  vars:", *_vars(starter)]) + "\n"


def _head(starter: Starter) -> Iterator[str]:
    yield f"# `deploy {starter.environment} --check` shows what would happen, `deploy {starter.environment}` does it."
    yield "all:"


def _hosts(starter: Starter) -> Iterator[str]:
    yield "  hosts:"
    if not starter.hosts:
        yield f"    web1: {{ansible_host: {PLACEHOLDER}}} # put a host of yours here; one line for each"
    for host in starter.hosts:
        yield f"    {_key(host)}:"


def _key(name: str) -> str:
    return name if PLAIN.fullmatch(name) and name.lower() not in WORDS else json.dumps(name)


def _vars(starter: Starter) -> Iterator[str]:
    yield f"    ansible_user: {_key(starter.user)}" if starter.user else "    # ansible_user: deploy"
    yield f"    deploy_project: {_key(starter.project)} # names the volumes: another name means new, empty ones"
    settings = tuple(name for name in starter.variables if name not in starter.secrets)
    yield from _lookups("deploy_env", settings, "write the values here, or keep them in the environment")
    yield from _lookups("deploy_secrets", starter.secrets, "from the environment; never write a secret into this file")
    front = _front(starter.compose)
    if starter.django and front:
        yield f"    deploy_migrate: {MIGRATE} # once, before the new release serves"
        yield f"    deploy_migrate_service: {_key(front.name)}"
    if front and (port := _web_port(front)):
        yield "    # asked on every host before a release counts as healthy, beside the containers' own health checks:"
        yield f'    # gate_http: {{url: "http://127.0.0.1:{port}/", status: 200}}'


def _lookups(key: str, names: tuple[str, ...], comment: str) -> Iterator[str]:
    if names:
        yield f"    {key}: # {comment}"
    for name in names:
        yield f"      {name}: \"{{{{ lookup('env', '{name}') }}}}\""


def _front(compose: ComposeProject) -> Service | None:
    """The service that is the project's own: built here, publishing a port if one does."""
    built = [service for service in compose.services.values() if service.built]
    return next((service for service in built if service.ports), built[0] if built else None)


def _web_port(service: Service) -> str | None:
    """The first published port that is a plain number."""
    for port in service.ports:
        published = interpolate(port, {}).partition("/")[0].split(":")[-2:]
        if len(published) == 2 and published[0].isdigit():
            return published[0]
    return None
