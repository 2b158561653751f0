"""The facts of this machine, asked with a shell, are what Ansible's `setup` finds out with Python."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_runs import Ansible

from deployer.engine.look import read_look, render_look
from deployer.facts.ansible import FACTS, HostFacts

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
    assert set(ours) == set(FACTS)
    assert set(FACTS) <= set(theirs)


@pytest.mark.parametrize("name", sorted(set(FACTS) - MOVING))
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


def test_environment_is_that_of_the_shell(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert ours["env"]["HOME"]
    assert {"PATH", "HOME"} <= set(ours["env"]) & set(theirs["env"])
