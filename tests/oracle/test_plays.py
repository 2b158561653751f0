"""Playbooks of this folder, run by Ansible and by `deploy run`: the same tasks per host, in the same order, with the
same counts, the same exit (well or not), and the same files.

A play writes what it registers to `{{ out }}/NAME`. All run on this machine under the names of three hosts.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_runs import TIMEOUT, Ansible
from click.testing import CliRunner

from deployer.cli.main import deploy

HERE = Path(__file__).parent
PLAYS = HERE / "plays"
NAMES = sorted(path.stem for path in PLAYS.glob("*.yml"))
ARGS = {  # of the command line, where a play needs some
    "tags": ("--tags", "one,two"),
    "tags_skipped": ("--skip-tags", "one"),
    "tags_always_skipped": ("--skip-tags", "always"),
    "start_at": ("--start-at-task", "third*"),
}
COUNTS = {"ok": "ok", "changed": "changed", "failures": "failed", "skipped": "skipped", "rescued": "rescued",
          "ignored": "ignored", "unreachable": "unreachable"}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """What is compared of a run."""

    well: bool
    tasks: dict[str, list[tuple[str, str]]]  # host -> task, status
    counts: dict[str, dict[str, int]]
    files: dict[str, Any]


def arguments(name: str, out: Path) -> tuple[str, ...]:
    out.mkdir(parents=True)
    return ("-i", str(PLAYS / "hosts.ini"), "-e", f"out={out}", *ARGS.get(name, ()))


def files(out: Path) -> dict[str, Any]:
    found = {}
    for path in sorted(out.iterdir()):
        text = path.read_bytes().decode(errors="backslashreplace")
        try:
            found[path.name] = json.loads(text)
        except ValueError:
            found[path.name] = text
    return found


@pytest.fixture(scope="module")
def theirs(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """What Ansible made of all of them."""
    folder = tmp_path_factory.mktemp("theirs")
    python = ansible.commands / "python"
    jobs = [
        {
            "name": name, "events": str(folder / f"{name}.events"),
            "args": [*arguments(name, folder / name), "-e", f"ansible_python_interpreter={python}",
                     str(PLAYS / f"{name}.yml")],
        }
        for name in NAMES
    ]  # fmt: skip
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))},
        "HOME": str(ansible.home), "ANSIBLE_HOME": str(ansible.home), "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_GATHERING": "explicit", "ANSIBLE_PIPELINING": "1", "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "events",
    }  # fmt: skip
    done = subprocess.run(
        [str(python), str(HERE / "ansible_plays.py")], input=json.dumps(jobs), env=environment, cwd=folder,
        capture_output=True, text=True, timeout=TIMEOUT * 4, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    return {name: _theirs(ended[name], folder, name) for name in NAMES}


def _theirs(ended: tuple[int, str], folder: Path, name: str) -> Ran:
    status, output = ended
    events = folder / f"{name}.events"
    assert events.exists(), output
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    tasks: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in lines:
        if "task" in line:
            tasks[line["host"]].append((line["task"], line["status"]))
    counts = lines[-1]["counts"]
    told = {host: {ours: found[word] for word, ours in COUNTS.items()} for host, found in counts.items()}
    return Ran(well=status == 0, tasks=dict(tasks), counts=told, files=files(folder / name))


def run_ours(name: str, folder: Path) -> Ran:
    """The same, run by us."""
    out = folder / name
    done = CliRunner().invoke(
        deploy, ["run", "test", "--output=json", *arguments(name, out), "--playbook", str(PLAYS / f"{name}.yml")]
    )
    assert done.exit_code in (0, 6), done.output + str(done.exception)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    tasks: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in lines:
        if line["event"] == "TaskDone":
            tasks[line["result"]["host"]].append((line["result"]["task"], line["result"]["status"]))
    outcomes = lines[-1]["report"]["outcomes"]
    counts = {one["host"]: {word: one[word] for word in COUNTS.values()} for one in outcomes if one["host"] in tasks}
    return Ran(well=done.exit_code == 0, tasks=dict(tasks), counts=counts, files=files(out))


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_a_play_ends_as_ansibles(name: str, theirs: dict[str, Ran], tmp_path: Path) -> None:
    ours, wanted = run_ours(name, tmp_path), theirs[name]
    assert ours.tasks == wanted.tasks
    assert ours.files == wanted.files
    assert ours.counts == {host: counts for host, counts in wanted.counts.items() if host in wanted.tasks}
    assert ours.well == wanted.well


def test_a_listing_reads_as_ansibles(ansible: Ansible, tmp_path: Path) -> None:
    asked = ("--list-tasks", "--list-tags", "--list-hosts", "-i", str(PLAYS / "hosts.ini"), "--tags", "one")
    done = ansible.run("ansible-playbook", *asked, str(PLAYS / "tags.yml"), cwd=tmp_path)
    ours = CliRunner().invoke(deploy, ["run", "test", *asked, "--playbook", str(PLAYS / "tags.yml")])
    assert ours.exit_code == done.returncode == 0, ours.output
    assert sorted(ours.stdout.splitlines()) == sorted(done.stdout.splitlines())  # Ansible's hosts are in no order
