"""The examples on the pages of modules are what they say: they load, they bind, and they do what they are for.

Those of generic modules are run on this machine, twice, in a room where /etc, /home, /opt and /srv are folders of the
test, and the only network is the machine itself. The others are planned with the facts of `tests/cases`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any, NoReturn

import pytest
import yaml
from case_file import CaseFacts, answers, load_case
from jsonschema import Draft7Validator

from deployer.cli.schema import made
from deployer.config import settings
from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.config.static import check_playbook
from deployer.model.playbook import Task
from deployer.modules.all import MODULES
from deployer.report.module_docs import read_examples

CASES = Path(__file__).parents[1] / "cases"
DEPLOY = Path(sys.executable).parent / "deploy"
PLANNED = (  # what they do is nothing for this machine: Docker, packages, services, its name, what lies in the web
    "apt", "compose", "data_guard", "docker_engine", "gate", "git", "hostname", "migrate", "network", "package",
    "preflight", "project_sync", "prune", "release", "restore", "schema", "service", "snapshot", "systemd", "volume",
    "way_back",
)  # fmt: skip
RUN = [name for name in MODULES if name not in (*PLANNED, "reboot")]
ALWAYS = ("add_host", "command", "group_by", "script", "shell")  # in each run, unless `creates` is there
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2ZKXsn5XCIBqVz4FrUzJLuPIl8yd5OhHWkEs6Nq3Mq ann@example.com\n"
TOOL = b"#!/bin/sh\necho tool 1.2\n"
FILES = {  # beside the playbook
    "files/ann.pub": KEY,
    "files/motd": "welcome\n",
    "files/fill-cache.sh": '#!/bin/sh\necho "$1" >/srv/cache\n',
    "templates/site.conf.j2": "listen {{ port }};\n",
    "vars/web.yml": "workers: 4\n",
}


def playbook(folder: Path, text: str) -> Path:
    """A playbook with these tasks, and the files that they need beside it."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "index.html").write_text("<p>hello</p>\n")
    subprocess.run(["tar", "-czf", "files/site.tgz", "site"], cwd=folder, check=True)
    path = folder / "play.yml"
    path.write_text("- hosts: all\n  tasks:\n" + indent(text, "    ") + "\n")
    return path


def tasks_of(path: Path) -> list[Task]:
    return list(load_playbook(path, MODULES).plays[0].all_tasks)


SCHEMA = Draft7Validator(made("playbook"))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_examples_that_load(tmp_path: Path, name: str) -> None:
    text = read_examples(MODULES[name])
    assert text, "end its docstring with `Examples:` and tasks in YAML"
    path = playbook(tmp_path, text)
    tasks = tasks_of(path)
    assert name in {task.module for task in tasks}
    assert all(task.name != task.module for task in tasks), "say what it is for: give it a name"
    assert max(map(len, text.splitlines())) <= 100
    assert list(SCHEMA.iter_errors(yaml.safe_load(path.read_text()))) == []


@pytest.mark.parametrize("name", MODULES)
def test_an_example_binds(tmp_path: Path, name: str) -> None:
    path = playbook(tmp_path, read_examples(MODULES[name]))
    check_playbook(
        load_playbook(path, MODULES), Language(MODULES), lambda play: ("web1",),
        lambda host, play, task: {**known(tmp_path, {}), **(task.variables if task else {})},
    )  # fmt: skip


def known(folder: Path, args: Mapping[str, Any]) -> dict[str, Any]:
    """What templates see, a case's arguments as what a run knows."""
    given = {
        "release": args.get("release", {"id": "r2", "project": "shop", "root": "/srv/shop", "services": ["db", "web"]}),
        "release_tree": args.get("tree", {}),
        "release_env": args.get("env", {}),
        "restore_snapshot": args.get("snapshot", ""),
        "inventory_hostname": args.get("name", "web1"),
    }
    return {
        **settings.defaults(), **given, "playbook_dir": str(folder), "group_names": ["web"],
        "deploy_environment": "prod", "deploy_source": args.get("source", "."),
    }  # fmt: skip


@pytest.mark.parametrize("name", PLANNED)
def test_an_example_plans_nothing_where_nothing_is_to_do(tmp_path: Path, name: str) -> None:
    case = load_case(CASES / name / "unchanged.yml")
    seen = CaseFacts(answers(case))
    planned = []
    for task in tasks_of(playbook(tmp_path, read_examples(MODULES[name]))):
        module = Language(MODULES).bind(task, known(tmp_path, case.args))
        if set(module.facts()) <= {*answers(case)}:
            planned.append(task.name)
            assert list(module.plan(seen)) == [], task.name
    assert planned, f"no example asks what {name}/unchanged.yml answers"


# on this machine ------------------------------------------------------------------------------------------------

ROOM = """\
room=$1; shift
for folder in etc home opt srv; do mount --bind "$room/$folder" "/$folder" || exit 97; done
ip link set lo up || exit 97
"$PYTHON" -m http.server --directory "$room/web" 80 >/dev/null 2>&1 &
"$PYTHON" -m http.server --directory "$room/web" 8000 >/dev/null 2>&1 &
"$@"
status=$?
kill %1 %2 2>/dev/null
exit $status
"""
INVENTORY = "web1 ansible_connection=local\n"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, not_run: Callable[[str], NoReturn]) -> Path:
    """Folders that stand for the machine's own, with what the examples find there."""
    if os.geteuid() != 0:
        not_run("only root may put other folders in the place of /etc")
    folder = tmp_path_factory.mktemp("room")
    subprocess.run(["cp", "-a", "/etc", str(folder)], check=True)
    shutil.rmtree(folder / "etc/ssh", ignore_errors=True)
    for name in ("home/deploy", "opt", "srv/shop", "web", "etc/ssh", "etc/cron.d"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    os.chown(folder / "home/deploy", 4243, 4243)
    lines = {
        "passwd": "deploy:x:4243:4243::/home/deploy:/bin/sh\n",
        "group": "deploy:x:4243:\n",
        "shadow": "deploy:!:20000::::::\n",
        "hosts": "127.0.0.1 download.example.com\n",
        "ssh/sshd_config": "#PasswordAuthentication yes\n",
    }
    if "\ndocker:" not in (folder / "etc/group").read_text():
        lines["group"] += "docker:x:4242:\n"
    for name, line in lines.items():
        with (folder / "etc" / name).open("a") as file:
            file.write(line)
    (folder / "web" / "healthz").write_text("ok\n")
    (folder / "web" / "tool-1.2").write_bytes(TOOL)
    return folder


def run(room: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Run the playbook in the room: every task with how it ended."""
    done = subprocess.run(
        ["unshare", "--mount", "--net", "--propagation", "private", "bash", "-c", ROOM, "bash", str(room),
         str(DEPLOY), "run", "test", "-i", "hosts", "--playbook", "play.yml", "--output=json"],
        cwd=folder, env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=180,
    )  # fmt: skip
    assert '"report"' in done.stdout, done.stdout[-3000:] + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])["report"]
    for one in report["results"]:
        assert one["status"] in ("ok", "changed", "skipped"), f"{one}\n{done.stdout[-3000:]}"
        yield one["task"], one["status"]
    assert done.returncode == 0, done.stderr


def test_examples_run_and_run_again_without_a_change(tmp_path: Path, room: Path) -> None:
    text = "\n\n".join(read_examples(MODULES[name]) for name in RUN)
    path = playbook(tmp_path, text.replace("https://download.example.com", "http://download.example.com"))
    (tmp_path / "hosts").write_text(INVENTORY)
    tasks = {task.name: task for task in tasks_of(path)}
    assert len(tasks) == text.count("- name:"), "two examples have one name"
    first, second = dict(run(room, tmp_path)), dict(run(room, tmp_path))
    assert {*first} == {*second} == {*tasks}
    again = {name for name, status in second.items() if status == "changed"}
    assert not {name for name in again if tasks[name].module not in ALWAYS or "creates" in tasks[name].args}
    assert left(room, tmp_path) == EXPECTED
    changed = {tasks[name].module for name, status in first.items() if status == "changed"}
    assert {"copy", "file", "get_url", "user", "group", "template", "unarchive", "lineinfile"} <= changed


def left(room: Path, folder: Path) -> dict[str, str]:
    """What the examples have made."""
    paths = {name: (folder if name.startswith("fetched") else room) / name for name in EXPECTED}
    return {name: path.read_text() if path.is_file() else "folder" for name, path in paths.items() if path.exists()}


EXPECTED = {
    "etc/motd": "welcome\n",
    "etc/site.conf": "listen 8000;\n",
    "etc/ssh/sshd_config": "PasswordAuthentication no\n",
    "home/deploy/.ssh/authorized_keys": KEY,
    "opt/tool": TOOL.decode(),
    "srv/cache": "--all\n",
    "srv/site/index.html": "<p>hello</p>\n",
    "srv/uploads": "folder",
}


def test_the_tool_has_the_digest_of_the_example() -> None:
    assert hashlib.sha256(TOOL).hexdigest() in read_examples(MODULES["get_url"])
