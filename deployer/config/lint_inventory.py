"""What is wrong with the variables of an inventory, whatever playbook is run on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployer.config.keywords import did_you_mean, is_template
from deployer.config.lint_names import TOLD
from deployer.config.lint_needs import Needs
from deployer.config.lint_world import World
from deployer.config.settings import SETTINGS
from deployer.config.values import place_of
from deployer.errors import NOWHERE, ConfigError, InventoryError, Place, PlaybookError, ProjectError, VaultError
from deployer.model.finding import Finding

RULES = {InventoryError: "inventory", PlaybookError: "playbook", ProjectError: "project", VaultError: "vault"}
WARNING = re.compile(r"(?P<path>.+?):(?:(?P<line>\d+):)?(?:(?P<column>\d+):)? (?P<message>.*)", re.DOTALL)
RENDERED = frozenset(setting.name for setting in SETTINGS)  # of every host, whatever is run
CONNECTION = "ansible_"  # the same, by the beginnings of their names


def of_errors(errors: Iterable[ConfigError], *, has_keys: bool) -> Iterator[Finding]:
    """What a loader says; that something is encrypted is no error while no password was given."""
    for error in errors:
        rule = next((rule for kind, rule in RULES.items() if isinstance(error, kind)), "configuration")
        locked = isinstance(error, VaultError) and not has_keys
        place = error.place or NOWHERE
        message = "encrypted: not looked into, and what hangs on it is not checked" if locked else error.message
        yield Finding(
            rule=rule, message=message, place=place, severity="warning" if locked else "error", hint=error.hint
        )


def of_warnings(warnings: Iterable[str]) -> Iterator[Finding]:
    """What Ansible passes over, too."""
    for text in warnings:
        found = WARNING.fullmatch(text)
        place, message = NOWHERE, text
        if found:
            place = Place(found["path"], int(found["line"] or 0), int(found["column"] or 0))
            message = found["message"]
        yield Finding(rule="inventory", message=message, place=place, severity="warning")


def lint_inventory(world: World) -> Iterator[Finding]:
    """Broken templates in variables, and undefined names in those that a run always renders."""
    broken: dict[Place, Finding] = {}
    missing: dict[tuple[str, Place], tuple[Finding, list[str]]] = {}
    for some in world.alike(world.inventory.hosts.values()):
        variables = world.variables(some[0])
        broken |= {one.place: one for one in _broken(world, some[0].variables)}
        needs = Needs(world.templates, variables, TOLD, world.folder)
        for name in some[0].variables:
            if name in RENDERED or str(name).startswith(CONNECTION):
                needs.value(variables[name], place_of(variables, name))
        for need in needs.missing() if world.is_whole else ():
            hint = did_you_mean(need.name, variables) or f"define `{need.name}` in the inventory"
            finding = Finding(rule="undefined-variable", message=need.words(), place=need.place, hint=hint)
            missing.setdefault((need.name, need.place), (finding, []))[1].extend(host.name for host in some)
    yield from broken.values()
    for finding, hosts in missing.values():
        where = world.where(hosts, len(world.inventory.hosts))
        yield Finding(rule=finding.rule, message=finding.message, place=finding.place, hint=finding.hint, where=where)


def _broken(world: World, variables: Mapping[str, Any]) -> Iterator[Finding]:
    """Templates that cannot be compiled; a warning, since nobody may use them."""
    for name, value in variables.items():
        place = place_of(variables, name)
        for text in _texts(value):
            try:
                world.templates.tree(text)
            except PlaybookError as error:
                yield Finding(rule="template", message=error.message, place=place, severity="warning", hint=error.hint)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and is_template(value):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
