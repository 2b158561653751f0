"""Hosts and groups that tasks add to a run; what Ansible makes of the same is in tests/oracle."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deployer.cli.main import deploy
from deployer.errors import DeployerError, ExitCode, PlaybookError

INVENTORY = "all:\n  hosts: {a: {}, b: {}}\n  vars: {ansible_connection: local}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "prod.yml").write_text(INVENTORY)
    return tmp_path


def run(project: Path, playbook: str, *more: str) -> Result:
    (project / "play.yml").write_text(playbook)
    return CliRunner().invoke(deploy, ["run", "prod", "--playbook", "play.yml", *more])


def test_a_group_that_nobody_has_joined_is_told_and_passed_over(project: Path) -> None:
    done = run(
        project,
        "- hosts: all\n  tasks: [{group_by: {key: 'made_{{ inventory_hostname }}'}}]\n"
        "- hosts: made_c\n  tasks: [{fail: {}}]\n"
        "- hosts: made_b\n  tasks: [{debug: {msg: 'seen {{ inventory_hostname }}'}}]\n",
    )
    assert done.exit_code == ExitCode.OK, done.output
    assert "made_c" in done.output
    assert "seen b" in done.output


def test_where_nothing_is_added_such_a_group_is_a_mistake(project: Path) -> None:
    done = run(project, "- hosts: made_c\n  tasks: [{debug: {}}]\n")
    assert isinstance(done.exception, DeployerError)
    assert "made_c" in done.exception.message


def test_variables_of_a_group_come_from_its_group_vars(project: Path) -> None:
    (project / "inventories" / "group_vars").mkdir()
    (project / "inventories" / "group_vars" / "blue.yml").write_text("colour: blue\n")
    done = run(
        project,
        "- hosts: all\n  tasks:\n"
        "  - {group_by: {key: blue}, when: inventory_hostname == 'a'}\n"
        "  - debug: {msg: 'colour {{ colour | default(\"none\") }} of {{ inventory_hostname }}'}\n",
        "--check",
    )
    assert "colour blue of a" in done.output
    assert "colour none of b" in done.output


def test_a_host_that_is_added_and_cannot_be_reached_fails_for_itself(project: Path) -> None:
    done = run(
        project,
        "- hosts: all\n  tasks:\n"
        "  - add_host: {name: gone, groups: new, ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}\n"
        "- hosts: new\n  tasks: [{debug: {msg: never}}]\n- hosts: a\n  tasks: [{debug: {msg: after it}}]\n",
    )
    assert "gone" in done.output
    assert "never" not in done.output
    assert "after it" in done.output
    assert done.exit_code != ExitCode.OK


def test_a_rollout_has_the_hosts_with_which_it_begins(project: Path) -> None:
    (project / "compose.yaml").write_text("services: {web: {image: web:1}}\n")
    done = run(project, "- hosts: all\n  tasks:\n  - {add_host: {name: c}}\n  - compose: {release: '{{ release }}'}\n")
    assert isinstance(done.exception, PlaybookError)
    assert "play.yml:3" in str(done.exception)
    assert "inventory" in str(done.exception.hint)
