"""Playbooks of this folder, run by Ansible and by `deploy run`: the same tasks per host, in the same order, with the
same counts, the same exit (well or not), and the same files; and `--output ansible` reads as Ansible's output does.

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
from told import assert_alike

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
MORE = {  # for their output alone: name -> playbook, inventory, arguments
    "forms": ("output/forms.yml", "output/hosts.ini", ("--limit", "web")),
    "forms_verbose": ("output/forms.yml", "output/hosts.ini", ("--limit", "web", "-v")),
    "check_handlers": ("plays/handlers.yml", "plays/hosts.ini", ("--check",)),
    "check": ("output/differences.yml", "output/hosts.ini", ("--limit", "web", "--check")),
    "differences": ("output/differences.yml", "output/hosts.ini", ("--limit", "web", "--diff")),
    "differences_to_be": ("output/differences.yml", "output/hosts.ini", ("--limit", "web", "--diff", "--check", "-v")),
}
READ = (  # whose output is compared too
    "any_errors_fatal", "block_any_errors_fatal", "block_inherits", "block_nested", "block_per_host",
    "block_rescue_fails", "block_rescued", "delegate", "failed_hosts_stay_out",
    "force_handlers", "handlers", "handlers_fail", "handlers_flushed", "handlers_of_failed", "ignore",
    "import_playbook", "import_tasks", "include_fails", "include_tasks", "loop_control", "loops",
    "max_fail_goes_on", "max_fail_stops", "meta_clear_host_errors", "meta_end_batch", "meta_end_host",
    "meta_end_host_in_rescue", "meta_end_play", "names", "run_once", "run_once_play", "serial",
    "serial_all_of_a_batch_fail", "tags", "until", *MORE,
)  # fmt: skip
NO_SETTINGS = "No config file found; using defaults\n"  # what Ansible says with -v


@dataclass(frozen=True)
class Ran:
    """What is compared of a run."""

    well: bool
    tasks: dict[str, list[tuple[str, str]]]  # host -> task, status
    counts: dict[str, dict[str, int]]
    files: dict[str, Any]


@dataclass(frozen=True)
class Theirs:
    """What Ansible made of all of them."""

    folder: Path
    ended: dict[str, tuple[int, str, str]]  # name -> exit status, output, errors

    def ran(self, name: str) -> Ran:
        status, output, errors = self.ended[name]
        events = self.folder / f"{name}.events"
        assert events.exists(), output + errors
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        tasks: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for line in lines:
            if "task" in line:
                tasks[line["host"]].append((line["task"], line["status"]))
        counts = lines[-1]["counts"]
        told = {host: {ours: found[word] for word, ours in COUNTS.items()} for host, found in counts.items()}
        return Ran(well=status == 0, tasks=dict(tasks), counts=told, files=files(self.folder / name))

    def printed(self, name: str) -> str:
        return self.ended[name][1].replace(str(self.folder), "OUT").removeprefix(NO_SETTINGS)


def arguments(name: str, folder: Path) -> tuple[list[str], str]:
    """The options of a run, and its playbook."""
    playbook, inventory, more = MORE.get(name, (f"plays/{name}.yml", "plays/hosts.ini", ARGS.get(name, ())))
    out = folder / name
    out.mkdir(parents=True)
    return ["-i", str(HERE / inventory), "-e", f"out={out}", "--forks", "1", *more], str(HERE / playbook)


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
def theirs(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Theirs:
    """Those that are asked for, each run once."""
    folder = tmp_path_factory.mktemp("theirs")
    mine = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == Path(__file__)]
    asked = {item.callspec.params["name"] for item in mine if hasattr(item, "callspec")}
    python = ansible.commands / "python"
    jobs = []
    for name in sorted(asked):
        options, playbook = arguments(name, folder)
        own = [*options, "-e", f"ansible_python_interpreter={python}", playbook]
        jobs.append({"name": name, "events": str(folder / f"{name}.events"), "args": own})
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
    return Theirs(folder, json.loads(done.stdout))


def run_ours(name: str, folder: Path) -> Ran:
    """The same, run by us."""
    options, playbook = arguments(name, folder)
    done = CliRunner().invoke(deploy, ["run", "test", "--output=json", *options, "--playbook", playbook])
    assert done.exit_code in (0, 6), done.output + str(done.exception)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    tasks: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in lines:
        if line["event"] == "TaskDone":
            tasks[line["result"]["host"]].append((line["result"]["task"], line["result"]["status"]))
    outcomes = lines[-1]["report"]["outcomes"]
    counts = {one["host"]: {word: one[word] for word in COUNTS.values()} for one in outcomes if one["host"] in tasks}
    return Ran(well=done.exit_code == 0, tasks=dict(tasks), counts=counts, files=files(folder / name))


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_a_play_ends_as_ansibles(name: str, theirs: Theirs, tmp_path: Path) -> None:
    ours, wanted = run_ours(name, tmp_path), theirs.ran(name)
    assert ours.tasks == wanted.tasks
    assert ours.files == wanted.files
    assert ours.counts == {host: counts for host, counts in wanted.counts.items() if host in wanted.tasks}
    assert ours.well == wanted.well


@pytest.mark.parametrize("name", READ)
def test_a_run_reads_as_ansibles(name: str, theirs: Theirs, tmp_path: Path) -> None:
    options, playbook = arguments(name, tmp_path)
    done = CliRunner().invoke(deploy, ["run", "test", "--output", "ansible", *options, "--playbook", playbook])
    assert done.exit_code in (0, 6), done.output + str(done.exception)
    assert_alike(done.stdout.replace(str(tmp_path), "OUT"), theirs.printed(name))


def test_a_listing_reads_as_ansibles(ansible: Ansible, tmp_path: Path) -> None:
    asked = ("--list-tasks", "--list-tags", "--list-hosts", "-i", str(PLAYS / "hosts.ini"), "--tags", "one")
    done = ansible.run("ansible-playbook", *asked, str(PLAYS / "tags.yml"), cwd=tmp_path)
    ours = CliRunner().invoke(deploy, ["run", "test", *asked, "--playbook", str(PLAYS / "tags.yml")])
    assert ours.exit_code == done.returncode == 0, ours.output
    assert sorted(ours.stdout.splitlines()) == sorted(done.stdout.splitlines())  # Ansible's hosts are in no order
