"""What `deploy run --output ansible` prints, beside what ansible-playbook prints: the same lines in the same order.

Compared is the text but for what must differ: of results as JSON only the keys that both have, of errors only that one
is told there, of the header of a diff the name of Ansible's temporary file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_runs import TIMEOUT, Ansible
from click.testing import CliRunner

from deployer.cli.main import deploy

HERE = Path(__file__).parent
RUNS = {  # name -> playbook, inventory, arguments
    **{
        name: (f"plays/{name}.yml", "plays/hosts.ini", ())
        for name in (
            "any_errors_fatal", "block_any_errors_fatal", "block_inherits", "block_nested", "block_per_host",
            "block_rescue_fails", "block_rescued", "delegate", "failed_hosts_stay_out",
            "force_handlers", "handlers", "handlers_fail", "handlers_flushed", "handlers_of_failed", "ignore",
            "import_playbook", "import_tasks", "include_fails", "include_tasks", "loop_control", "loops",
            "max_fail_goes_on", "max_fail_stops", "meta_clear_host_errors", "meta_end_batch", "meta_end_host",
            "meta_end_host_in_rescue", "meta_end_play", "names", "run_once", "run_once_play", "serial",
            "serial_all_of_a_batch_fail", "until",
        )
    },
    "tags": ("plays/tags.yml", "plays/hosts.ini", ("--tags", "one,two")),
    "forms": ("output/forms.yml", "output/hosts.ini", ("--limit", "web")),
    "forms_verbose": ("output/forms.yml", "output/hosts.ini", ("--limit", "web", "-v",)),
    "check_handlers": ("plays/handlers.yml", "plays/hosts.ini", ("--check",)),
    "check": ("output/differences.yml", "output/hosts.ini", ("--limit", "web", "--check",)),
    "differences": ("output/differences.yml", "output/hosts.ini", ("--limit", "web", "--diff",)),
    "differences_to_be": ("output/differences.yml", "output/hosts.ini", ("--limit", "web", "--diff", "--check", "-v")),
}  # fmt: skip
LINE = re.compile(r"(PLAY|TASK|RUNNING|NO MORE|ok|changed|skipping|fatal|failed|included|FAILED|\.\.\.|---|\w+ +: ok=)")
RESULT = re.compile(r"(?:ok|changed|skipping|fatal|failed|FAILED - RETRYING): \[([^\] ]+)")
NO_SETTINGS = "No config file found; using defaults\n"  # what Ansible says with -v
UNLIKE = ("msg", "cmd", "mode", "src", "stat")  # words, temporary files, a file's numbers


@dataclass(frozen=True)
class Told:
    """A line, and the JSON at its end."""

    text: str
    data: dict[str, Any] | None = None
    wide: bool = False  # over several lines


@dataclass
class Block:
    """What stands under a banner: the lines by host, each host's in order; whoever is done first is told first."""

    banner: str
    lines: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    error: bool = False  # one was told


def blocks(output: str) -> Iterator[Block]:
    """A run's output, cut at its banners."""
    block, host = Block(""), ""
    for one in told(output):
        found = RESULT.match(one.text)
        if one.text.endswith("*" * 3):
            yield block
            block, host = Block(one.text), ""
        elif one.text == "[ERROR]":
            block.error = True
        else:
            host = found[1] if found else host if one.text == "...ignoring" else ""
            block.lines[host].append(one)
    yield block


def told(output: str) -> Iterator[Told]:
    """The lines that are not empty; errors are cut down to one word."""
    at = 0
    while at < len(output):
        start, end = at, output.find("\n", at)
        line, at = output[at:end], end + 1
        if line.startswith("[ERROR]: "):
            found = re.compile(f"^(?={LINE.pattern})", re.M).search(output, at)
            assert found, output[at:]
            at = found.start()
            yield Told("[ERROR]")
            continue
        json_at = re.search(r"(?:=> |Result was: )(?=\{)", line)
        if json_at and RESULT.match(line):
            brace = json_at.end()
            data, length = json.JSONDecoder().raw_decode(output[start + brace :])
            at = start + brace + length + 1
            assert output[at - 1] == "\n", output[start:at]
            yield Told(line[:brace], data, wide="\n" in output[start + brace : at - 1])
        elif line:
            yield Told(re.sub(r"^\+\+\+ after: .*", "+++ after", line))


def assert_alike(ours: str, theirs: str) -> None:
    mine, wanted = list(blocks(ours)), list(blocks(theirs))
    assert [one.banner for one in mine] == [one.banner for one in wanted]
    for one, other in zip(mine, wanted, strict=True):
        assert one.error == other.error, (one, other)
        assert set(one.lines) == set(other.lines), (one, other)
        for host, lines in one.lines.items():
            assert [line.text for line in lines] == [line.text for line in other.lines[host]], one.banner
            for line, their in zip(lines, other.lines[host], strict=True):
                assert_same_data(line, their)


def assert_same_data(ours: Told, theirs: Told) -> None:
    """Fail unless both print JSON in the same form, and what both print is equal."""
    mine, wanted = ours.data or {}, theirs.data or {}
    assert (ours.data is None, ours.wide) == (theirs.data is None, theirs.wide), (ours, theirs)
    for key in {*mine} & {*wanted} - {*UNLIKE}:
        assert mine[key] == wanted[key], (key, ours, theirs)
    if theirs.wide:
        assert set(mine) == set(wanted), (ours, theirs)


def arguments(name: str, folder: Path) -> tuple[list[str], str]:
    playbook, inventory, more = RUNS[name]
    out = folder / name
    out.mkdir()
    return ["-i", str(HERE / inventory), "-e", f"out={out}", "--forks", "1", *more], str(HERE / playbook)


@pytest.fixture(scope="module")
def theirs(
    ansible: Ansible, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, str]:
    """What Ansible prints for those that are asked for."""
    folder = tmp_path_factory.mktemp("theirs")
    asked = {
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == Path(__file__)
    }
    python = ansible.commands / "python"
    jobs = []
    for name in RUNS.keys() & asked:
        options, playbook = arguments(name, folder)
        jobs.append({
            "name": name, "stderr": False,
            "args": [*options, "-e", f"ansible_python_interpreter={python}", playbook],
        })  # fmt: skip
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))},
        "HOME": str(ansible.home), "ANSIBLE_HOME": str(ansible.home), "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_GATHERING": "explicit", "ANSIBLE_PIPELINING": "1",
    }  # fmt: skip
    done = subprocess.run(
        [str(python), str(HERE / "ansible_plays.py")], input=json.dumps(jobs), env=environment, cwd=folder,
        capture_output=True, text=True, timeout=TIMEOUT * 4, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {name: output.replace(str(folder), "OUT") for name, (_, output) in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_reads_as_ansibles(name: str, theirs: dict[str, str], tmp_path: Path) -> None:
    options, playbook = arguments(name, tmp_path)
    done = CliRunner().invoke(deploy, ["run", "test", "--output", "ansible", *options, "--playbook", playbook])
    assert done.exit_code in (0, 6), done.output + str(done.exception)
    assert_alike(done.stdout.replace(str(tmp_path), "OUT"), theirs[name].removeprefix(NO_SETTINGS))
