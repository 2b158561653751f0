"""A project on a fleet, told as a story: the real command does something, the hosts say what came of it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from command_run import TIMEOUT, CommandRun, run_command
from host_state import ContainerSeen, ask, containers_of, volumes_of
from stage import Fleet

from deployer.errors import ExitCode
from deployer.lab.host import LabHost

HERE = Path(__file__).parent
SHOP = HERE / "shop"
DJANGO = HERE.parents[1] / "examples" / "django"

MIGRATE = """sh -c 'echo "$DEPLOY_RELEASE" >> /uploads/migrations.log'"""  # one line each time that it runs


@dataclass
class Project:
    """A compose project of its own on shared hosts: its folder, its inventory, its containers and volumes.

    `folder` is a copy that a story may break. `variables`, `web`, `db` and `host_variables` are written into the
    inventory before each command, so a story may change them too.
    """

    fleet: Fleet
    name: str
    room: Path  # where the command is started; holds inventories/lab.yml
    source: Path = SHOP
    variables: dict[str, Any] = field(default_factory=dict)
    web: dict[str, Any] = field(default_factory=dict)  # variables of the group
    db: dict[str, Any] = field(default_factory=dict)
    host_variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[CommandRun] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.folder.exists():
            shutil.copytree(self.source, self.folder)

    # the project's own files

    @property
    def folder(self) -> Path:
        return self.room / "app"

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text that must be there, once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        self.write(path, text.replace(old, new))

    def look_often(self) -> None:
        """Let the web service's health be asked for every second, and count from its start."""
        self.edit("compose.yaml", "      interval: 60s", "      interval: 1s")
        self.edit("compose.yaml", "start_period: 20s", "start_period: 0s")

    @property
    def inventory(self) -> Path:
        return self.room / "inventories" / "lab.yml"

    def write_inventory(self) -> None:
        def group(names: tuple[str, ...], variables: Mapping[str, Any]) -> dict[str, Any]:
            return {"hosts": {name: self._host(name) for name in names}, "vars": dict(variables)}

        every = {**self.fleet.variables(), "deploy_source": "app", "deploy_project": self.name, **self.variables}
        groups = {"web": group(self.fleet.web, self.web), "db": group(self.fleet.db, self.db)}
        self.inventory.parent.mkdir(exist_ok=True)
        self.inventory.write_text(yaml.safe_dump({"all": {"vars": every, "children": groups}}, sort_keys=False))

    def _host(self, name: str) -> dict[str, Any]:
        return {"ansible_host": self.fleet.hosts[name].address, **self.host_variables.get(name, {})}

    # the real command

    def command(self, *args: str, env: Mapping[str, str] | None = None, timeout: float = TIMEOUT) -> CommandRun:
        """Run `deploy` with these arguments in the project's room; a person's own SSH settings play no part."""
        self.write_inventory()
        done = run_command(args, self.room, env=env, timeout=timeout)
        self.runs.append(done)
        return done

    def deploy(self, *args: str) -> CommandRun:
        """`deploy lab ARGS`."""
        return self.command("lab", *args)

    def rollback(self, *args: str) -> CommandRun:
        return self.command("rollback", "lab", *args)

    def status(self, *args: str) -> CommandRun:
        return self.command("status", "lab", *args)

    def deployed(self) -> str:
        """Deploy, which must succeed on every host; the release that all of them now say they are on."""
        self.deploy().exits(ExitCode.OK)
        return self.release()

    # what the hosts say

    def host(self, name: str) -> LabHost:
        return self.fleet.hosts[name]

    @property
    def root(self) -> str:
        return f"/srv/{self.name}"

    def current(self) -> dict[str, str]:
        """Host -> the release that its own `current` link names; empty where there is none."""
        return {name: self.current_on(name) for name in self.fleet.hosts}

    def current_on(self, host: str) -> str:
        status, output = self.host(host).exec(["readlink", f"{self.root}/current"])
        return output.strip().rpartition("/")[2] if status == 0 else ""

    def release(self) -> str:
        """The one release that all hosts are on; AssertionError if they are not on the same."""
        found = set(self.current().values())
        assert len(found) == 1, f"hosts are mixed: {self.current()}"
        return found.pop()

    def releases(self, host: str) -> list[str]:
        """The release folders on a host, oldest first."""
        _, output = self.host(host).exec(f"ls -A {self.root}/releases 2>/dev/null")
        return sorted(output.split())

    def containers(self, host: str) -> tuple[ContainerSeen, ...]:
        return containers_of(self.host(host), self.name)

    def container(self, host: str, service: str) -> ContainerSeen:
        """The only container of a service on a host."""
        found = [one for one in self.containers(host) if one.service == service]
        assert len(found) == 1, f"{host} has {len(found)} containers of {service}: {found}"
        return found[0]

    def all_containers(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Host -> container -> its id and when it was started: equal means that none was touched."""
        return {
            name: {one.name: (one.id, one.started_at) for one in self.containers(name)} for name in self.fleet.hosts
        }

    def serving(self) -> dict[str, str]:
        """Host -> what its web page says; what went wrong in place of a page."""
        return {name: self.page(name) for name in self.fleet.web}

    def page(self, host: str, path: str = "") -> str:
        """The shop's page, asked for on the host itself, from the web container's own address."""
        address = next((one.address for one in self.containers(host) if one.name == f"{self.name}-web-1"), "")
        if not address:
            return "no web container runs"
        argv = ["curl", "--silent", "--show-error", "--fail", "--max-time", "10", f"http://{address}:8080/{path}"]
        return self.host(host).exec(argv)[1].strip()

    def rows(self, query: str) -> list[str]:
        """The rows of a query, as psql in the database's container prints them."""
        words = f'psql -v ON_ERROR_STOP=1 -qAt -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c {shlex.quote(query)}'
        return ask(
            self.host("db1"), shlex.join(["docker", "exec", f"{self.name}-db-1", "sh", "-c", words])
        ).splitlines()

    def volume_file(self, host: str, volume: str, path: str) -> str | None:
        """A file in one of the project's volumes, read on the host; None if it is not there."""
        status, output = self.host(host).exec(["cat", f"{self._mountpoint(host, volume)}/{path}"])
        return output if status == 0 else None

    def write_volume_file(self, host: str, volume: str, path: str, text: str) -> None:
        ask(self.host(host), f"printf %s {shlex.quote(text)} >{self._mountpoint(host, volume)}/{path}")

    def _mountpoint(self, host: str, volume: str) -> str:
        return f"/var/lib/docker/volumes/{self.name}_{volume}/_data"

    def volumes(self, host: str) -> dict[str, str]:
        """Volume -> when it was created."""
        return volumes_of(self.host(host), self.name)

    def migrations(self) -> list[str]:
        """The release of every migration that ran, on whichever host."""
        logs = [self.volume_file(name, "uploads", "migrations.log") or "" for name in self.fleet.web]
        return "".join(logs).splitlines()

    def end(self) -> None:
        """Stop what the story left running, so that the next one has the machine for itself."""
        listed = f"docker ps --all --quiet --filter label=com.docker.compose.project={self.name}"
        for host in self.fleet.hosts.values():
            host.exec(f'ids=$({listed}); [ -z "$ids" ] || docker rm --force $ids')


def shop_on(fleet: Fleet, name: str, room: Path) -> Project:
    """The test project: a page in busybox, a Postgres beside it, a migration that leaves a trace, short times."""
    password = f"secret-of-{name}"
    return Project(
        fleet=fleet,
        name=name,
        room=room,
        variables={
            "deploy_secrets": {"POSTGRES_PASSWORD": password},
            "gate_bake": 0.5,
            "gate_patience": 30,
            "deploy_allow": ["project-renamed"],  # many shops stand on one host, and look like one that was renamed
        },
        web={"deploy_services": ["web"], "deploy_migrate": MIGRATE},
        db={"deploy_services": ["db"]},
    )


def guestbook_on(fleet: Fleet, room: Path) -> Project:
    """The example project, as inventories/lab.yml deploys it; ports 8000 and 5432 of the hosts are its own."""
    database = fleet.hosts["db1"].address
    return Project(
        fleet=fleet,
        name="guestbook",
        room=room,
        source=DJANGO,
        variables={
            "deploy_secrets": {"SECRET_KEY": "secret-key-of-the-story", "POSTGRES_PASSWORD": "secret-of-the-story"},
            "gate_bake": 1,
        },
        web={
            "deploy_services": ["web"],
            "deploy_env": {"DATABASE_HOST": database},
            "deploy_migrate": "python manage.py migrate --noinput",
            "gate_http": {"url": "http://127.0.0.1:8000/healthz"},
        },
        db={
            "deploy_services": ["db"],
            "deploy_compose_files": ["compose.yaml", "compose.db.yaml"],
            "deploy_env": {"DATABASE_BIND": database},
        },
    )
