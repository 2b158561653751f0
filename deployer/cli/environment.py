"""An environment put together from its files: inventory, variables, endpoints. No host is contacted here."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from deployer.cli.last_words import keep_clean
from deployer.cli.options import Choice
from deployer.cli.passwords import Passwords
from deployer.cli.vault_keys import given_keys
from deployer.config.collector import Collector
from deployer.config.endpoint import endpoint_of, wants_become
from deployer.config.extra_vars import parse_extra_vars
from deployer.config.inventory import read_inventory, variables_folders
from deployer.config.inventory_draft import Draft
from deployer.config.inventory_find import find_inventory
from deployer.config.inventory_live import LiveInventory
from deployer.config.keywords import did_you_mean
from deployer.config.language import Language
from deployer.config.limit_file import read_limit_file
from deployer.config.playbook import load_playbook
from deployer.config.settings import SETTINGS, defaults
from deployer.config.values import place_of
from deployer.config.vault_keys import Keyring
from deployer.errors import DeployerError, InventoryError
from deployer.frozen import dataclass
from deployer.model.connection import Endpoint
from deployer.model.inventory import Host, Inventory
from deployer.model.playbook import Playbook
from deployer.modules.all import MODULES
from deployer.protocols import Remote
from deployer.report.redact import Redactor
from deployer.rollout.addresses import IPV4, IPV6
from deployer.rollout.patterns import Doubt, group_hosts, refuse, select
from deployer.transport.options import SshOptions

LOCAL = ("localhost", "127.0.0.1", "::1")
SPOKEN = {"full": "2.19.14", "major": 2, "minor": 19, "revision": 14, "string": "2.19.14"}  # whose language this is
_CONNECTION = ("ansible_", "deploy_known_hosts")


@dataclass(frozen=True)
class Environment:
    """What the files and the command line say about an environment's hosts."""

    choice: Choice
    playbook_folder: Path | None = None  # where further group_vars and host_vars may lie
    errors: Collector | None = None  # keeps what is wrong in the inventory; without it, that is raised
    keys: Keyring | None = None  # the vault passwords, if they are known

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        return self.choice.inventory or (find_inventory(self.choice.environment),)

    @cached_property
    def live(self) -> LiveInventory:
        """What the sources say together, and what tasks may add to it."""
        return LiveInventory(*self._sources, variables_folders(self.paths, self.playbook_folder), self.vault)

    @cached_property
    def _sources(self) -> tuple[Draft, Inventory]:
        with self.vault.discreet():
            return read_inventory(
                *self.paths, playbook_folder=self.playbook_folder, vault=self.vault, errors=self.errors
            )

    @cached_property
    def inventory(self) -> Inventory:
        """What the sources say together; says on stderr what is odd in them."""
        found = self._sources[1]
        for host in found.hosts.values():
            self.vault.keep_out_of(host.variables, place_of)
            self.vault.keep_out_named(host.variables)
        for text in found.warnings if self.errors is None else ():
            click.secho(f"warning: {text}", err=True, fg="yellow")
        return found

    @cached_property
    def vault(self) -> Keyring:
        """The vault passwords of this run."""
        if self.keys is not None:
            return self.keys
        choice = self.choice
        return given_keys(choice.vault_ids, choice.vault_password_files, ask_vault_pass=choice.ask_vault_pass)

    @cached_property
    def secret(self) -> Redactor:
        """Who knows the values that no output may show: so far, and from now on, what was encrypted."""
        redactor = Redactor()
        self.vault.tell(redactor.add)
        keep_clean(redactor.text)
        return redactor

    @cached_property
    def passwords(self) -> Passwords:
        """What a person gives on the command line, or is asked for."""
        return Passwords(self.choice, self.secret.add)

    @contextmanager
    def kept_out(self) -> Iterator[None]:
        """An error that is raised inside names no secret."""
        try:
            yield
        except DeployerError as error:
            error.reword(self.secret.text)
            raise

    @cached_property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts of this run; raises InventoryError if there are none."""
        found = select(self.inventory, "all", limit=self.choice.limit, read=read_limit_file)
        if not found:
            raise InventoryError(
                f"{self.inventory.path}: no host is meant", hint="check --limit and the inventory's groups"
            )
        return found

    @cached_property
    def language(self) -> Language:
        return Language(MODULES, self.vault)

    @cached_property
    def extra(self) -> Mapping[str, Any]:
        with self.vault.discreet():
            found = parse_extra_vars(self.choice.extra, self.vault)
        self.vault.keep_out_named(found)
        return found

    def playbook(self, path: Path) -> Playbook:
        """A playbook's plays, decrypted if need be; raises PlaybookError for whatever is wrong in it."""
        with self.vault.discreet():
            return load_playbook(path, MODULES, self.vault)

    def grown(self, inventory: Inventory) -> Environment:
        """The same environment after tasks have added hosts and groups; what hosts have told and learnt is shared."""
        other = Environment(self.choice, self.playbook_folder)
        kept = ("paths", "vault", "secret", "passwords", "language", "extra", "_facts", "_learnt")
        vars(other).update({name: getattr(self, name) for name in kept}, inventory=inventory)
        return other

    def read(self, path: Path) -> Playbook:
        """Inventory and playbook; raises ConfigGroupError for all that is wrong in both."""
        wrong = Collector()
        with wrong.collecting():
            _ = self.inventory
        found = Playbook(path=str(path))
        with wrong.collecting():
            found = self.playbook(path)
        wrong.settle()
        return found

    def on(self, pattern: str, doubt: Doubt = refuse) -> tuple[str, ...]:
        """The hosts of this run that a play's pattern means, in order; what matches nothing is told to `doubt`."""
        mine = {host.name for host in self.hosts}
        if pattern.strip() in ("none", ""):
            return ()
        found = select(self.inventory, pattern, read=read_limit_file, doubt=doubt)
        return tuple(host.name for host in found if host.name in mine)

    def variables(self, host: Host) -> dict[str, Any]:
        """Defaults and inventory, lowest first, as templates."""
        return {**defaults(), **host.variables}

    @cached_property
    def known(self) -> list[dict[str, Any]]:
        """What is known of each host of this run from inventory and command line, as templates."""
        return [{**self.variables(host), **self.extra} for host in self.hosts]

    @cached_property
    def hostvars(self) -> Mapping[str, Any]:
        """Every host's variables, each rendered in its own scope."""
        known = {
            one.name: ChainMap(
                {**self._own(one), **self.extra}, self.learnt(one.name), self.facts(one.name), self.variables(one)
            )
            for one in self.inventory.hosts.values()
        }
        return self.language.hostvars(known)

    def learnt(self, host: str) -> dict[str, Any]:
        """What a run registers on a host: empty before, and shared with the run."""
        return self._learnt.setdefault(host, {})

    def facts(self, host: str) -> dict[str, Any]:
        """What a host tells of itself: empty before the run has looked, and shared with it."""
        return self._facts.setdefault(host, {})

    @cached_property
    def _facts(self) -> dict[str, dict[str, Any]]:
        return {}

    @cached_property
    def _learnt(self) -> dict[str, dict[str, Any]]:
        return {}

    def named(self, name: str) -> Host:
        """A host of the inventory, or this machine; raises InventoryError for any other name."""
        if name in self.inventory.hosts:
            return self.inventory.hosts[name]
        if name in LOCAL:
            return Host(name=name, variables={"ansible_connection": "local"})
        hint = did_you_mean(name, self.inventory.hosts) or "`localhost` is this machine"
        raise InventoryError(f"delegate_to: {name} is no host of the inventory", hint=hint)

    def _own(self, host: Host) -> dict[str, Any]:
        groups = list(host.groups)
        is_address = IPV4.match(host.name) or IPV6.match(host.name)
        short = host.name if is_address else host.name.split(".")[0]
        return {"inventory_hostname": host.name, "inventory_hostname_short": short, "group_names": groups}

    @cached_property
    def groups(self) -> Mapping[str, list[str]]:
        """Every group's hosts in play order."""
        return {name: group_hosts(self.inventory.groups, name) for name in self.inventory.groups}

    def magic(self, host: Host, playbook: Path) -> dict[str, Any]:
        """What nobody can override: -e, and what the tool itself knows."""
        return {
            **self.extra,
            **self._own(host),
            "groups": self.groups,
            "hostvars": self.hostvars,
            "inventory_dir": str(self._absolute(host.source or self.paths[0]).parent),
            "inventory_file": str(self._absolute(host.source or self.paths[0])),
            "ansible_inventory_sources": [str(self._absolute(path)) for path in self.paths],
            "ansible_version": SPOKEN,
            "ansible_forks": self.choice.forks,
            "ansible_verbosity": self.choice.verbose,
            **({"ansible_limit": self.choice.limit} if self.choice.limit else {}),
            "playbook_dir": str(self._absolute(playbook).parent),
            "deploy_environment": self.choice.environment,
        }

    def _absolute(self, path: str | Path) -> Path:
        """Found once for all hosts: links are followed."""
        if path not in self._known_paths:
            self._known_paths[path] = Path(path).resolve()
        return self._known_paths[path]

    @cached_property
    def _known_paths(self) -> dict[str | Path, Path]:
        return {}

    def rendered(self, host: Host, playbook: Path, names: tuple[str, ...]) -> dict[str, Any]:
        """Some of a host's variables, templates filled in."""
        known = {**self.variables(host), **self.magic(host, playbook)}
        return {name: self.language.render(known[name], known) for name in names if name in known}

    def settings(self, host: Host, playbook: Path) -> dict[str, Any]:
        return self.rendered(host, playbook, tuple(setting.name for setting in SETTINGS))

    def endpoint(self, host: Host) -> tuple[Endpoint, bool]:
        """How a host is reached, and whether its variables ask for sudo."""
        if host.name not in self._endpoints:
            self._endpoints[host.name] = self._endpoint(host)
        return self._endpoints[host.name]

    @cached_property
    def _endpoints(self) -> dict[str, tuple[Endpoint, bool]]:
        return {}

    def _endpoint(self, host: Host) -> tuple[Endpoint, bool]:
        names = tuple(name for name in {**self.variables(host), **self.extra} if name.startswith(_CONNECTION))
        rendered = self.rendered(host, self.paths[0], names)
        with self.kept_out():
            return self.passwords.completed(endpoint_of(host, rendered)), bool(wants_become(rendered))

    @property
    def ssh_options(self) -> SshOptions:
        """What all connections of this run have in common."""
        return SshOptions(keys=self.passwords.keys)

    def remote(self, host: Host) -> Remote:
        from deployer.transport.connect import remote_for

        return remote_for(self.endpoint(host)[0], self.ssh_options)
