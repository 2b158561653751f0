"""A case file: arguments and what a host looks like go in, the actions that a module plans come out as text.

args: {name: web}                  as in a playbook; releases, trees and other dataclasses as mappings
loaded: "text"                     for modules that read a file: its bytes
tree: {a.conf: "text", sub: null}  for modules that read a folder: its files and folders
facts:                             all that the module asks, nothing else
  - {fact: DockerNetwork, args: {name: web}, is: null}
actions: |                         one line per action: title — because
  docker network create web — network web not found
puts: {/etc/app.conf: "text"}      content of files that are written; optional
shell: [apt-get update]            lines of what the actions run, among others; optional
serves: [docker compose stop]      titles of the actions that change what the host serves; optional
outputs: ["text"]                  what the actions print, all ending well; optional
returns: {stat: {exists: false}}   some of what the module returns then; optional
refused: part of the message       instead of actions
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
import yaml

import deployer.facts
import deployer.modules
from deployer.config import binding
from deployer.model.action import Action, Outcome
from deployer.model.loaded import Loaded
from deployer.modules.registry import MODULES
from deployer.protocols import Fact, Inquiring, Module, Returning

T = TypeVar("T")
ROOT = Path(__file__).parent


class CaseFacts:
    """What was seen, strictly: a fact that the case does not script is an error."""

    def __init__(self, answers: dict[Fact[Any], Any]) -> None:
        self.answers = answers

    def __getitem__(self, fact: Fact[T]) -> T:
        found: T = self.answers[fact]
        return found


class Case(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file as it is written."""

    args: dict[str, Any] = {}
    loaded: str | None = None
    tree: dict[str, str | None] | None = None
    facts: list[dict[str, Any]] = []
    actions: str = ""
    puts: dict[str, str] = {}
    shell: list[str] = []
    serves: list[str] | None = None
    outputs: list[str] = []
    returns: dict[str, Any] = {}
    refused: str | None = None


@dataclass(frozen=True)
class Planned:
    """What came of a case."""

    asked: tuple[Fact[Any], ...]
    actions: tuple[Action, ...]
    returned: Mapping[str, Any]

    @property
    def text(self) -> str:
        return "".join(f"{action.title} — {action.because}\n" for action in self.actions)


def case_files() -> list[Path]:
    return sorted(ROOT.glob("*/*.yml"))


@cache
def load_case(path: Path) -> Case:
    return msgspec.convert(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader), Case)


@cache
def all_modules() -> dict[str, type[Any]]:
    """Every module of the package, by the name that playbooks call it by."""
    _import_all(deployer.modules)
    return dict(MODULES)


@cache
def all_facts() -> dict[str, type[Any]]:
    """Every fact of the package, by its class name."""
    found = (value for one in _import_all(deployer.facts) for value in vars(one).values())
    return {
        cls.__name__: cls for cls in found if isinstance(cls, type) and is_dataclass(cls) and hasattr(cls, "script")
    }


def _import_all(package: Any) -> list[Any]:
    names: Iterable[str] = (info.name for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
    return [importlib.import_module(name) for name in names]


def bind(name: str, case: Case) -> Module:
    """The module with its arguments, bound as those in a playbook are."""
    made: Module = binding.make(all_modules()[name], name, case.args)
    if case.tree is not None:
        tree = [Loaded(path, None if text is None else text.encode(), 0o644) for path, text in case.tree.items()]
        made = replace(made, tree=tuple(tree))  # type: ignore[type-var]
    return made if case.loaded is None else replace(made, loaded=case.loaded.encode())  # type: ignore[type-var]


def answers(case: Case) -> dict[Fact[Any], Any]:
    """The scripted facts with their answers, in the types that they really have."""
    return dict(_answer(**{"args": {}, **entry}) for entry in case.facts)


def _answer(*, fact: str, args: dict[str, Any], **rest: Any) -> tuple[Fact[Any], Any]:
    cls = all_facts()[fact]
    returned = get_type_hints(cls.parse)["return"]
    return msgspec.convert(args, cls), msgspec.convert(rest["is"], returned)


def plan(name: str, case: Case) -> Planned:
    made, seen = bind(name, case), CaseFacts(answers(case))
    actions = tuple(made.plan(seen))
    done = [Outcome(action=one, output=text or "") for one, text in zip_longest(actions, case.outputs)]
    returned = made.returns(seen, done) if case.returns and isinstance(made, Returning) else {}
    further = made.further_facts(seen) if isinstance(made, Inquiring) else ()
    return Planned((*made.facts(), *further), actions, returned)
