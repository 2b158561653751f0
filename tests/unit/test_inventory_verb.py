"""`deploy inventory`: which inventory is meant, what is printed where, and how it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from deployer.cli.main import deploy
from deployer.errors import InventoryError

FLEET = "lone\n[web]\nweb[1:3] port=80\n[db]\ndb1\n[web:vars]\ncolor=blue\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "prod.ini").write_text(FLEET)
    return tmp_path


def say(*args: str) -> Result:
    return CliRunner().invoke(deploy, ["inventory", *args])


def refused(*args: str) -> InventoryError:
    done = say(*args)
    assert isinstance(done.exception, InventoryError), done.output
    assert done.stdout == ""
    return done.exception


def test_an_environment_is_the_inventory_of_that_name() -> None:
    assert say("prod", "--hosts", "all").stdout == "lone\nweb1\nweb2\nweb3\ndb1\n"
    assert say("prod", "--list").stdout == say("-i", "inventories/prod.ini", "--list").stdout


def test_the_tree_is_the_default_and_can_begin_at_a_group() -> None:
    assert say("prod").stdout == say("prod", "--graph").stdout
    assert say("prod", "db", "--graph").stdout == "@db:\n  |--db1\n"
    assert say("-i", "inventories/prod.ini", "--graph", "db").stdout == "@db:\n  |--db1\n"


def test_a_hosts_variables_are_those_of_its_groups_too() -> None:
    assert json.loads(say("prod", "--host", "web1").stdout) == {"color": "blue", "port": 80}
    assert json.loads(say("prod", "--host", "web1", "-e", "port=81").stdout) == {"color": "blue", "port": "81"}


def test_a_limit_takes_hosts_away_and_no_groups(project: Path) -> None:
    (project / "failed").write_text("web3\n\n# a comment\nweb1\n")
    assert say("prod", "--hosts", "all", "--limit", "@failed").stdout == "web1\nweb3\n"
    assert say("prod", "--hosts", "@failed,!web1").stdout == "web3\n"
    listed = json.loads(say("prod", "--list", "--limit", "web:!web2").stdout)
    assert listed["web"] == {"hosts": ["web1", "web3"]}
    assert set(listed["_meta"]["hostvars"]) == {"web1", "web3"}


def test_several_inventories_are_one() -> None:
    assert say("-i", "inventories/prod.ini", "-i", "x1,x2", "--hosts", "ungrouped").stdout == "lone\nx1\nx2\n"


def test_what_a_run_would_refuse_is_a_warning() -> None:
    done = say("prod", "--hosts", "all:!wbe3:!web[-2:]")
    assert done.stdout.split() == ["lone", "web1", "web3", "db1"]
    assert "no host or group matches 'wbe3' in inventories/prod.ini; a run refuses this" in done.stderr
    assert "did you mean 'web3'?" in done.stderr


def test_what_is_odd_in_the_files_is_a_warning(project: Path) -> None:
    (project / "odd.yml").write_text("all:\n  hosts:\n    a:\n  hots:\n    b:\n")
    done = say("-i", "odd.yml", "--hosts", "all")
    assert (done.stdout, done.stderr) == (
        "a\n",
        "warning: odd.yml:4:3: unknown key 'hots' in group 'all' (known: hosts, vars, children): skipped; "
        "did you mean 'hosts'?\n",
    )


def test_an_inventory_without_hosts_can_be_looked_at(project: Path) -> None:
    (project / "none").write_text("[web]\n")
    assert json.loads(say("-i", "none", "--list").stdout)["all"] == {"children": ["ungrouped", "web"]}
    assert say("-i", "none", "--list", "--limit", "web").stdout == say("-i", "none", "--list").stdout
    assert refused("-i", "none", "--hosts", "all").message == "pattern 'all' matches no host"


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (("prdo", "--list"), "no inventory for 'prdo' in inventories", "did you mean 'prod'?"),
        (("-i", "nowhere/x", "--list"), "no inventory nowhere/x: no folder nowhere", "check the path"),
        (("prod", "--hosts", "wbe"), "no host or group matches 'wbe'", "did you mean 'web'?"),
        (("prod", "--hosts", "web:&db"), "pattern 'web:&db' matches no host", "groups: web, db"),
        (("prod", "--list", "--limit", "@none"), "cannot be read: no such file", "ls -l none"),
        (("prod", "--host", "web"), "--host 'web' means 3 hosts", "name one"),
        (("prod", "--host", "web9"), "no host or group matches 'web9'", "did you mean 'web"),
        (("prod", "wbe", "--graph"), "no group 'wbe' in inventories/prod.ini", "did you mean 'web'?"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(args: tuple[str, ...], message: str, hint: str) -> None:
    error = refused(*args)
    assert error.message.startswith(message)
    assert hint in (error.hint or "")


@pytest.mark.parametrize(("args", "words"), [((), "which inventory?"), (("prod", "--list", "--graph"), "only one of")])
def test_a_question_must_be_one(args: tuple[str, ...], words: str) -> None:
    done = say(*args)
    assert done.exit_code == click.UsageError.exit_code
    assert words in done.stderr


def test_variables_beside_a_playbook_are_read_when_asked_for(project: Path) -> None:
    (project / "playbooks" / "group_vars").mkdir(parents=True)
    (project / "playbooks" / "group_vars" / "web.yml").write_text("color: red\n")
    assert '"blue"' in say("prod", "--host", "web1").stdout
    assert '"red"' in say("prod", "--host", "web1", "--playbook-dir", "playbooks").stdout


def test_nothing_that_talks_to_hosts_is_loaded(project: Path) -> None:
    """Nor anything else that is heavy: a thousand hosts are shown at once."""
    (project / "many").write_text("[web]\nw[1:1000]\n")
    code = (
        "import sys; from deployer.cli.main import deploy; "
        "deploy(['inventory', '-i', 'many', '--list'], standalone_mode=False); "
        "heavy = {'fabric', 'paramiko', 'docker', 'requests', 'cryptography', 'jinja2', 'rich', 'msgspec'}; "
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["web"]["hosts"]) == 1000
