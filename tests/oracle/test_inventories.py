"""Inventories and patterns mean what they mean to Ansible: each folder of `inventories/` is a case, asked of both.

All of Ansible's answers come from one process. `case.json` in a folder says more than one file can: `sources`,
`limit`, `playbook_dir`. What is meant to differ is listed here by name, with docs/ansible.md saying why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_runs import Ansible
from click.testing import CliRunner, Result

from deployer.cli.main import deploy
from deployer.errors import InventoryError

HERE = Path(__file__).parent
FOLDERS = sorted(folder for folder in (HERE / "inventories").iterdir() if folder.is_dir())
REFUSED = "refused_"  # so begin the names of those that Ansible cannot parse
DIFFERS = {  # Ansible takes these, or leaves what is in them away
    "differs_script_interpreter": "inventory script: cannot be run",
    "differs_port_range": "port 70000 of 'a:70000' is not between 1 and 65535",
    "differs_user_at": "'root@a' is no host name",
    "differs_dash": "'-a' is no host name",
    "differs_slash": "'/chroot/x' is no host name",
}
BETTER = {"differs_bom": ["a"]}  # Ansible cannot parse these; the hosts that are in them
DATES = "yaml_dates"  # are text here, in the tree as well as in JSON


@dataclass(frozen=True, kw_only=True)
class Case:
    """An inventory, and what is asked about it."""

    sources: Sequence[str]
    limit: str | None = None
    playbook_dir: str | None = None
    patterns: Sequence[str] = ()

    def options(self) -> list[str]:
        found = [part for source in self.sources for part in ("-i", source)]
        found += ["--limit", self.limit] if self.limit else []
        return found + (["--playbook-dir", self.playbook_dir] if self.playbook_dir else [])


def case_of(folder: Path) -> Case:
    """What a folder of `inventories/` holds."""
    told = json.loads(path.read_text()) if (path := folder / "case.json").exists() else {}
    given = told.get("sources") or [one.name for one in folder.iterdir() if one.name.split(".")[0] == "hosts"]
    sources = [one if "," in one else str((folder / one).resolve()) for one in given]
    limit = told.get("limit", "").replace("@LIMIT", f"@{folder / 'retry'}") or None
    play = str(folder / told["playbook_dir"]) if "playbook_dir" in told else None
    return Case(sources=sources, limit=limit, playbook_dir=play, patterns=PATTERNS.get(folder.name, ()))


def patterns_in(folder: Path) -> Mapping[str, Sequence[str]]:
    """The patterns of `patterns/`: a file for each inventory, one on each line."""
    return {path.stem: path.read_text().splitlines() for path in folder.glob("*.txt")}


PATTERNS = patterns_in(HERE / "patterns")
CASES = {folder.name: case_of(folder) for folder in FOLDERS}


@pytest.fixture(scope="module")
def answers(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Ansible's answer to every case."""
    asked = json.dumps([asdict(case) for case in CASES.values()])
    done = ansible.run(
        "python",
        str(HERE / "ansible_inventories.py"),
        cwd=tmp_path_factory.mktemp("cwd"),
        stdin=asked,
        ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1",
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


def ours(*args: str) -> Result:
    return CliRunner().invoke(deploy, ["inventory", *args])


def names_of(case: Case, pattern: str) -> list[str] | None:
    """The hosts that a pattern means here; None for an error."""
    done = ours(*case.options(), "--hosts", pattern)
    return None if done.exception else done.stdout.split()


ACCEPTED = [name for name in CASES if not name.startswith((REFUSED, "differs_"))]


@pytest.mark.parametrize("name", ACCEPTED)
def test_list_is_what_ansible_prints(name: str, answers: Mapping[str, Any]) -> None:
    assert answers[name]["list"], answers[name]
    done = ours(*CASES[name].options(), "--list")
    assert done.exception is None, done.exception
    assert json.loads(done.stdout) == answers[name]["list"]


@pytest.mark.parametrize("name", [name for name in ACCEPTED if name != DATES])
def test_graph_is_what_ansible_prints(name: str, answers: Mapping[str, Any]) -> None:
    done = ours(*CASES[name].options(), "--graph", "--vars")
    assert done.stdout.rstrip("\n") == answers[name]["graph"]


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(REFUSED)])
def test_what_ansible_cannot_parse_is_an_error(name: str, answers: Mapping[str, Any]) -> None:
    assert answers[name]["list"] is None, "Ansible takes it"
    done = ours(*CASES[name].options(), "--list")
    assert isinstance(done.exception, InventoryError)
    assert done.exception.place
    assert done.exception.hint
    assert done.stdout == ""


@pytest.mark.parametrize("name", DIFFERS)
def test_what_is_refused_only_here(name: str, answers: Mapping[str, Any]) -> None:
    assert answers[name]["list"] is not None
    done = ours(*CASES[name].options(), "--list")
    assert isinstance(done.exception, InventoryError)
    assert done.exception.message.startswith(DIFFERS[name])


@pytest.mark.parametrize("name", BETTER)
def test_what_is_taken_only_here(name: str, answers: Mapping[str, Any]) -> None:
    assert answers[name]["list"] is None
    assert names_of(CASES[name], "all") == BETTER[name]


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_mean_the_same_hosts(name: str, answers: Mapping[str, Any]) -> None:
    """Where nothing at all is meant, Ansible says so with a warning, and here it is an error."""
    theirs = answers[name]["patterns"]
    mine = [names_of(CASES[name], pattern) for pattern in PATTERNS[name]]
    asked = zip(PATTERNS[name], theirs, mine, strict=True)
    assert [one for one in asked if (one[1] or None) != (one[2] or None)] == []


def test_the_one_process_says_what_commands_say(ansible: Ansible, answers: Mapping[str, Any], tmp_path: Path) -> None:
    for name in ("vars_playbook", "several_sources", "limited_file"):
        listed = ansible.json("ansible-inventory", *CASES[name].options(), "--list", cwd=tmp_path)
        assert listed == answers[name]["list"]
    hosts = HERE / "inventories" / "fleet" / "hosts"
    done = ansible.run("ansible", "-i", str(hosts), "eu:!staging", "--list-hosts", cwd=tmp_path)
    theirs = [line.strip() for line in done.stdout.splitlines()[1:]]
    assert theirs == names_of(Case(sources=[str(hosts)]), "eu:!staging")


def test_there_are_enough_of_both() -> None:
    assert len(ACCEPTED) >= 60
    assert sum(len(set(patterns)) for patterns in PATTERNS.values()) >= 300
