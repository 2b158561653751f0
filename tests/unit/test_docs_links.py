"""What README.md and the hand-written pages of docs/ name is there: pages, files, functions, commands, keywords."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from deployer.cli.main import LAB_VERBS, VERBS, deploy
from deployer.config import keywords
from deployer.config.inventory import load_inventory
from deployer.config.playbook import load_playbook
from deployer.errors import ExitCode
from deployer.modules.all import MODULES

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
LANGUAGE = ROOT / "docs" / "inventories-and-playbooks.md"
GENERATED = {"cli.md", "modules.md", "variables.md", "exit-codes.md"}  # held by tests of their own
PAGES = sorted([README, *(page for page in (ROOT / "docs").glob("*.md") if page.name not in GENERATED)])
FOLDERS = "deployer|tests|playbooks|inventories|examples|docs"

LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
PATH = re.compile(rf"(?<![\w./-])(?:{FOLDERS})/[\w./-]*\w\.(?:py|yml|md|yaml)\b")
REFERENCE = re.compile(r"(deployer/[\w/]+\.py):(\w+)")
COMMAND = re.compile(r"(?:^|[\s`&$])deploy ([a-z][\w-]*)((?: +[^\s`&#|>]+)*)", re.MULTILINE)


def found(pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for page in PAGES:
        yield from ((page.name, match) for match in pattern.finditer(page.read_text(encoding="utf-8")))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def names_in(path: Path) -> set[str]:
    """What a module defines at its top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    imported = {one.asname or one.name for node in tree.body if isinstance(node, ast.ImportFrom) for one in node.names}
    return assigned | imported | {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [match[1] for match in LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_named_files_exist() -> None:
    named = [(page, match[0]) for page, match in found(PATH)]
    assert ("architecture.md", "deployer/engine/run.py") in named
    assert [(page, path) for page, path in named if not (ROOT / path).is_file()] == []


def test_named_functions_and_classes_exist() -> None:
    references = {(match[1], match[2]) for _, match in found(REFERENCE)}
    assert len(references) > 30
    assert sorted(f"{path}:{name}" for path, name in references if name not in names_in(ROOT / path)) == []


def test_shown_inventory_is_one(tmp_path: Path) -> None:
    (shown,) = blocks(README, "yaml")
    path = tmp_path / "prod.yml"
    path.write_text(shown, encoding="utf-8")
    inventory = load_inventory(path)
    assert [host.variables["ansible_host"] for host in inventory.hosts.values()] == ["192.0.2.11", "192.0.2.12"]
    assert {host.variables["ansible_user"] for host in inventory.hosts.values()} == {"deploy"}


def test_shown_playbook_is_one(tmp_path: Path) -> None:
    (shown,) = blocks(LANGUAGE, "yaml")
    path = tmp_path / "own.yml"
    path.write_text(shown, encoding="utf-8")
    (play,) = load_playbook(path, MODULES).plays
    assert [task.module for task in (*play.tasks, *play.handlers)] == ["command", "copy", "command"]


def environments() -> set[str]:
    return {path.stem for path in (ROOT / "inventories").glob("*.yml")}


def test_shown_commands_are_commands() -> None:
    shown = [(page, match[1], match[2].split()) for page, match in found(COMMAND)]
    assert {verb for _, verb, _ in shown} >= {"prod", "rollback", "status", "init", "hosts", "unlock", "lab"}
    unknown = [(page, verb) for page, verb, _ in shown if verb not in VERBS and verb not in environments()]
    assert unknown == []


def test_shown_options_are_options() -> None:
    wrong = []
    for page, match in found(COMMAND):
        command, rest = command_of(match[1], match[2].split())
        known = {option for param in command.params for option in param.opts + param.secondary_opts} | {"--help"}
        wrong += [(page, match[0], word) for word in rest if word.startswith("--") and word.rstrip(".,:;") not in known]
    assert wrong == []


def command_of(verb: str, rest: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words mean, and what follows."""
    if verb not in VERBS or (verb == "lab" and (not rest or rest[0] not in LAB_VERBS)):
        verb, rest = "run", [verb, *rest]
    assert isinstance(deploy, click.Group)
    context = click.Context(deploy)
    command = deploy.get_command(context, verb)
    while isinstance(command, click.Group) and rest:
        inner = command.get_command(context, rest[0])
        if inner is None:
            break
        command, rest = inner, rest[1:]
    assert command is not None
    return command, rest


def test_every_keyword_is_explained() -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    words = {*keywords.PLAY, *keywords.TASK, *keywords.UNSUPPORTED}
    assert sorted(word for word in words if f"`{word}`" not in text) == []


def test_exit_codes_of_the_readme_are_ours() -> None:
    table = README.read_text(encoding="utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
    codes = [int(code) for row in rows for code in row.split(",")]
    assert codes == sorted(codes)
    assert {0, 6, 7} <= set(codes) <= {int(code) for code in ExitCode}
