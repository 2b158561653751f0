"""The facts of this machine, asked with a shell, are what Ansible's `setup` finds out with Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_runs import Ansible

from deployer.engine.look import read_look, render_look
from deployer.facts.ansible import HostFacts
from deployer.model.facts import FACT_NAMES

MOVING = {  # from one moment to the next, or from one way of asking to the other
    "date_time", "memfree_mb", "swapfree_mb", "uptime_seconds", "env", "mounts", "interfaces", "all_ipv4_addresses",
}  # fmt: skip


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    script = render_look([HostFacts()], "mark")
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True)
    ((output, status),) = read_look(done.stdout, "mark")
    return dict(HostFacts().parse(output, status))


@pytest.fixture(scope="module")
def theirs(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = ansible.run("ansible", "localhost", "-c", "local", "-m", "setup", cwd=tmp_path_factory.mktemp("facts"))
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])["ansible_facts"]
    return {name.removeprefix("ansible_"): value for name, value in found.items()}


def test_every_name_is_one_of_ansibles(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(ours) == set(FACT_NAMES)
    assert set(FACT_NAMES) <= set(theirs)


@pytest.mark.parametrize("name", sorted(set(FACT_NAMES) - MOVING))
def test_fact_is_the_same(ours: dict[str, Any], theirs: dict[str, Any], name: str) -> None:
    assert ours[name] == theirs[name]
    assert type(ours[name]) is type(theirs[name])


def test_lists_hold_the_same_in_any_order(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Test runs beside this one make and take away networks: what is there for good is compared."""
    assert theirs["default_ipv4"]["address"] in ours["all_ipv4_addresses"]
    assert {"lo", theirs["default_ipv4"]["interface"]} <= set(ours["interfaces"]) & set(theirs["interfaces"])


def test_mounts_are_the_same_as_far_as_they_stand_still(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    still = ("device", "fstype", "options", "block_size", "block_total", "size_total", "inode_total")
    mine = {one["mount"]: one for one in ours["mounts"]}
    for mount in theirs["mounts"]:
        if Path(mount["mount"]).exists() and mount["mount"] in ("/", "/boot", "/home"):
            assert {key: mine[mount["mount"]][key] for key in still} == {key: mount[key] for key in still}
            assert set(mine[mount["mount"]]) <= set(mount)


def test_time_has_the_same_words(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    mine, other = ours["date_time"], theirs["date_time"]
    assert {key: len(text) for key, text in mine.items() if key not in ("weekday", "weeknumber")} == {
        key: len(other[key]) for key in mine if key not in ("weekday", "weeknumber")
    }
    assert abs(int(mine["epoch"]) - int(other["epoch"])) < 600
    assert {key: mine[key] for key in ("tz", "tz_offset")} == {key: other[key] for key in ("tz", "tz_offset")}
    assert abs(ours["memfree_mb"] - theirs["memfree_mb"]) < theirs["memtotal_mb"]


PLAYBOOK = """
- hosts: all
  gather_facts: true
  vars: {family: "{{ ansible_os_family }}", ansible_machine: mine}
  tasks:
    - copy:
        dest: "{{ out }}/{{ inventory_hostname }}"
        content: >-
          {{ [ansible_distribution, ansible_facts.hostname, family, ansible_machine, hostvars['b'].ansible_system,
          ansible_facts['default_ipv4'].address, ansible_date_time.year, ansible_memtotal_mb] | to_json }}
      when: ansible_architecture == ansible_facts['architecture'] and ansible_processor_vcpus > 0
    - template: {src: t.j2, dest: "{{ out }}/{{ inventory_hostname }}.t"}
    - meta: clear_facts
    - copy:
        dest: "{{ out }}/{{ inventory_hostname }}.cleared"
        content: "{{ 'there' if ansible_distribution is defined else 'gone' }}"
"""


def test_playbooks_use_them_the_same_way(ansible: Ansible, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("a ansible_connection=local\nb ansible_connection=local ansible_system=Plan9\n")
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    (tmp_path / "t.j2").write_text("{{ ansible_distribution_release }} on {{ ansible_kernel }}\n")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").mkdir()
    python = f"ansible_python_interpreter={ansible.commands / 'python'}"
    theirs = ansible.run(
        "ansible-playbook", "-i", "hosts", "-e", f"out={tmp_path}/theirs", "-e", python, "play.yml", cwd=tmp_path
    )
    assert theirs.returncode == 0, theirs.stdout
    deploy = Path(sys.executable).parent / "deploy"
    ours = subprocess.run(
        [deploy, "run", "hosts", "-i", "hosts", "--playbook", "play.yml", "-e", f"out={tmp_path}/ours"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ours.returncode == 0, ours.stderr
    found = {side: {one.name: one.read_text() for one in (tmp_path / side).iterdir()} for side in ("ours", "theirs")}
    assert len(found["ours"]) == 6
    assert found["ours"] == found["theirs"]


def test_environment_is_that_of_the_shell(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert ours["env"]["HOME"]
    assert {"PATH", "HOME"} <= set(ours["env"]) & set(theirs["env"])
