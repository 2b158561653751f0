"""Playbooks that nobody would write: read, or refused with file and line; in bounded time and memory, no traceback."""

from __future__ import annotations

import random
import resource
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from mutation import SEED, disfigured, mutated, soon_done

from deployer.config.keywords import IMPORT
from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.config.settings import defaults
from deployer.config.static import check_playbook
from deployer.errors import ConfigError, ConfigGroupError
from deployer.model.playbook import Play, Task
from deployer.model.release import Release
from deployer.model.tree import Tree
from deployer.modules.all import MODULES

ROOT = Path(__file__).parents[2]
PLAYS = ROOT / "tests" / "oracle" / "plays"
HOSTS = ("a", "b", "c")
RUNS_COMMANDS = ("pipe", "lines")  # lookups that the check asks: no mutation of them is to be run
MODELS = [
    path
    for path in sorted([*PLAYS.glob("*.yml"), *(ROOT / "playbooks").glob("*.yml")])
    if not any(word in path.read_text() for word in RUNS_COMMANDS)
]
WORDS = [*IMPORT, *MODULES, "hosts", "tasks", "block", "rescue", "serial", "vars", "vars_files", "handlers", "nosuch"]
TEXTS, DOCUMENTS = 3000, 3000
RELEASE = Release(id="20261122T063000Z-3f9a2c1", project="shop", root="/srv/shop", by="ann@laptop")
KNOWN: dict[str, Any] = {
    **defaults(), "out": "/out", "playbook_dir": str(PLAYS), "release": RELEASE, "release_state": "up", "z": 1,
    "release_failed": None, "release_tree": Tree(), "release_env": {}, "restore_data": False, "restore_snapshot": "",
    "migrate_hosts": [], "migrate_service": "web", "deploy_environment": "prod",
}  # fmt: skip
Change = Callable[[Path, random.Random], bytes]


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Whatever takes more than a gigabyte above what tests take fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 1_000_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def flipped(model: Path, chance: random.Random) -> bytes:
    return mutated(model.read_bytes(), chance)


def turned(model: Path, chance: random.Random) -> bytes:
    document = yaml.unsafe_load(model.read_text().replace("!unsafe", ""))
    for _ in range(chance.randrange(1, 3)):
        document = disfigured(document, chance, WORDS)
    return yaml.safe_dump(document, sort_keys=False).encode()


def variables(host: str, play: Play, task: Task | None) -> Mapping[str, Any]:
    """What is known of a host before the run."""
    own = task.variables if task else {}
    return {**KNOWN, "inventory_hostname": host, **play.variables, **own}


@cache
def language() -> Language:
    return Language(MODULES)


def read(path: Path) -> ConfigError | None:
    """Load it and check it, as `deploy run` does before it contacts a host."""
    try:
        with soon_done():
            playbook = load_playbook(path, MODULES)
            check_playbook(playbook, language(), lambda play: HOSTS, variables)
    except ConfigError as error:
        return error
    return None


@pytest.mark.parametrize(("change", "count"), [(flipped, TEXTS), (turned, DOCUMENTS)])
def test_mutated_playbooks_are_read_or_refused(
    change: Change, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(PLAYS, tmp_path / "plays")  # what they import is there
    monkeypatch.chdir(tmp_path / "plays")
    chance, outcomes = random.Random(SEED), {True: 0, False: 0}
    for number in range(count):
        model = MODELS[number % len(MODELS)]
        path = tmp_path / "plays" / "play.yml"
        path.write_bytes(change(model, chance))
        error = read(path)
        if error is not None:
            for one in error.errors if isinstance(error, ConfigGroupError) else (error,):
                assert one.place, (model, one.message)
                assert one.message.strip()
        outcomes[error is None] += 1
    assert min(outcomes.values()) > count // 20, outcomes


@pytest.mark.parametrize("deep", ["[" * 100_000, "{a: " * 20_000, "- " * 50_000, "- block:\n" + "  - block: [" * 999])
def test_deep_nesting_is_refused(tmp_path: Path, deep: str) -> None:
    path = tmp_path / "play.yml"
    path.write_text(deep)
    error = read(path)
    assert error is not None
    assert str(path) in str(error)


@pytest.mark.parametrize("depth", [20, 200, 2000])
def test_blocks_in_blocks_are_read_or_refused(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "play.yml"
    path.write_text("[{hosts: all, tasks: [" + "{block: [" * depth + "{debug: {}}" + "]}" * depth + "]}]")
    error = read(path)
    assert error is None or str(path) in str(error)


@pytest.mark.parametrize(
    "tasks",
    [
        "- debug: {msg: &a [*a]}",
        "- &a {block: [*a]}",
        "- set_fact: {x: &a [1, 1, 1], y: &b [*a, *a, *a, *a], z: &c [*b, *b, *b, *b], e: &d [*c, *c, *c, *c, *c]}",
    ],
)
def test_aliases_are_read_or_refused(tmp_path: Path, tasks: str) -> None:
    path = tmp_path / "play.yml"
    path.write_text(f"- hosts: all\n  tasks:\n    {tasks}\n")
    error = read(path)
    assert error is None or str(path) in str(error)


@pytest.mark.parametrize("word", ["import_tasks", "import_playbook"])
def test_a_file_that_imports_itself_is_refused(tmp_path: Path, word: str) -> None:
    path = tmp_path / "play.yml"
    if word == "import_playbook":
        path.write_text("- import_playbook: play.yml\n")
    else:
        path.write_text("- hosts: all\n  tasks: [{import_tasks: more.yml}]\n")
        (tmp_path / "more.yml").write_text("- import_tasks: more.yml\n")
    error = read(path)
    assert error is not None
    assert error.place


def test_a_template_that_grows_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "play.yml"
    path.write_text("- hosts: all\n  vars: {x: '{{ y }}{{ y }}', y: '{{ x }}'}\n  tasks: [{debug: {msg: '{{ x }}'}}]\n")
    error = read(path)
    assert error is not None
    assert "itself" in str(error)
