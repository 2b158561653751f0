"""What `deploy lint` reads, put together: inventories, playbooks, vault passwords. No host is contacted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from deployer.cli.assemble import find_playbook
from deployer.cli.environment import Environment
from deployer.cli.options import Choice
from deployer.cli.vault_keys import VARIABLE, given_keys
from deployer.config.collector import Collector
from deployer.config.inventory_find import find_inventory, inventories_in
from deployer.config.lint import gathered
from deployer.config.lint_files import (
    compose_files,
    inventory_files,
    lint_password_files,
    playbooks_in,
    variables_files,
)
from deployer.config.lint_inventory import lint_inventory, of_errors, of_warnings
from deployer.config.lint_plays import PlaybookLint
from deployer.config.lint_secrets import leaks_in
from deployer.config.lint_world import World
from deployer.config.playbook import load_playbook
from deployer.config.vault_keys import Keyring
from deployer.errors import ConfigError
from deployer.model.finding import Finding
from deployer.model.inventory import Inventory
from deployer.model.playbook import Playbook
from deployer.modules.all import MODULES
from deployer.report.redact import Redactor


@dataclass
class Linting:
    """What is to be linted: the inventories and the playbooks that were named, or all of the project."""

    choice: Choice
    playbooks: tuple[Path, ...]
    secrets: list[str] = field(default_factory=list)  # that were found in clear text
    read: dict[Path, bool] = field(default_factory=dict)  # files for secrets to be looked for: whether an inventory

    def __post_init__(self) -> None:
        one = self.choice
        self.keys: Keyring = given_keys(one.vault_ids, one.vault_password_files, ask_vault_pass=one.ask_vault_pass)
        self.inventories = list(self._inventories())
        self.paths = self._paths()

    def _inventories(self) -> Iterator[tuple[Path, ...]]:
        folder = Path("inventories")
        if self.choice.inventory:
            yield self.choice.inventory
        elif self.choice.environment:
            yield (find_inventory(self.choice.environment),)
        elif folder.is_dir():
            yield from ((find_inventory(name),) for name in inventories_in(folder))

    def _paths(self) -> list[Path]:
        if self.playbooks:
            return [find_playbook(path) for path in self.playbooks]
        return playbooks_in(Path("playbooks")) or playbooks_in(find_playbook(Path("deploy.yml")).parent)

    def findings(self) -> list[Finding]:
        """All findings, sorted."""
        found = [*self._of_inventories_and_playbooks(), *self._of_files()]
        redactor = Redactor()
        self.keys.tell(redactor.add)
        redactor.add(*self.secrets)
        return gathered(found, inventories=len(self.inventories), secret=redactor.text)

    def _of_inventories_and_playbooks(self) -> Iterator[Finding]:
        plays = {path: self._load(path) for path in self.paths}
        for path, (_playbook, wrong) in plays.items():
            self.read[path] = False
            yield from self._of_errors(wrong)
        folders = dict.fromkeys(path.parent for path in self.paths)
        for sources in self.inventories or [()]:
            for folder in folders:
                world, errors = self._world(sources, folder) if sources else (self._nowhere(folder), [])
                yield from (*errors, *of_warnings(world.inventory.warnings), *lint_inventory(world))
                for path, (playbook, wrong) in plays.items():
                    if path.parent == folder:
                        yield from self._lint(playbook, world, wrong)

    def _load(self, path: Path) -> tuple[Playbook, tuple[ConfigError, ...]]:
        """What could be read of a playbook, and what is wrong with it."""
        errors = Collector()
        playbook = load_playbook(path, MODULES, self.keys, errors)
        places = (Path(one.place.path) for one in errors.found if one.place)
        self.read.update((place, False) for place in places if place.is_file())
        return playbook, errors.found

    def _of_errors(self, errors: Iterable[ConfigError]) -> Iterator[Finding]:
        return of_errors(map(self.keys.hushed, errors), has_keys=bool(self.keys.keys))

    def _world(self, sources: tuple[Path, ...], folder: Path) -> tuple[World, list[Finding]]:
        """An inventory with the variables beside a playbook, and what is wrong with it."""
        errors = Collector()
        name = self.choice.environment or sources[0].stem
        choice = Choice(environment=name, inventory=sources, extra=self.choice.extra)
        environment = Environment(choice, folder, errors, self.keys)
        inventory = environment.inventory
        found = list(self._of_errors(errors.found))
        world = World(inventory, _above(environment, folder), MODULES, self.keys, folder, is_whole=not found)
        self.read.update(dict.fromkeys(inventory_files(sources), True))
        self.read.update(dict.fromkeys(variables_files(sources, folder), False))
        projects = {str(host.variables.get("deploy_source", ".")) for host in inventory.hosts.values()} | {"."}
        self.read.update((path, False) for project in projects for path in compose_files(Path(project)))
        return world, found

    def _nowhere(self, folder: Path) -> World:
        """No inventory at all: what does not hang on hosts can be linted all the same."""
        return World(Inventory(path=""), lambda _host: {}, MODULES, self.keys, folder)

    def _lint(self, playbook: Playbook, world: World, errors: tuple[ConfigError, ...]) -> Iterator[Finding]:
        lint = PlaybookLint(playbook, world, errors)
        yield from lint.findings()
        self.read.update((path, False) for path in lint.all_files())

    def _of_files(self) -> Iterator[Finding]:
        """Secrets in clear text, and vault passwords that others can read."""
        for path, is_inventory in self.read.items():
            for leak in leaks_in(path, is_inventory=is_inventory):
                self.secrets.append(leak.value)
                yield leak.finding
        given = os.environ.get(VARIABLE, "")
        named = (given, *self.choice.vault_password_files, *(one.rpartition("@")[2] for one in self.choice.vault_ids))
        yield from lint_password_files(Path(), (Path(name) for name in named if Path(name).is_file()))


def _above(environment: Environment, folder: Path) -> Any:
    """What nothing overrides, asked once for each host."""

    @cache
    def above(name: str) -> Mapping[str, Any]:
        return environment.magic(environment.named(name), folder / "playbook.yml")

    return lambda host: above(host.name)
