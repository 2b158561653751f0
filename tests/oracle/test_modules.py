"""Generic modules do on a host what Ansible's do: same words, files and registered values; also a second time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from ansible_runs import Ansible
from both_run import PYTHON, Side, run_ansible, run_deploy, tree

Calls = list[tuple[str, dict[str, Any]]]
HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"


def tasks(text: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in dedent(text).strip("\n").splitlines())


def written(**expressions: str) -> str:
    """A task that writes down what expressions come to, for `registered`."""
    whole = ", ".join(f"'{name}': {text}" for name, text in expressions.items())
    return f"""
- name: write down
  copy:
    dest: "{{{{ root }}}}/../registered.json"
    content: "{{{{ {{{whole}}} | to_json }}}}"
"""


def batch(side: Side, calls: Any) -> str:
    """What Ansible's modules return, as JSON."""
    command = side.command(str(PYTHON), str(Path(__file__).parent / "batch.py"))
    done = subprocess.run(command, input=json.dumps(calls), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Both:
    """The two sides of a comparison."""

    def __init__(self, ansible: Ansible, folder: Path) -> None:
        self.ansible = ansible
        self.theirs, self.ours = Side(folder / "theirs"), Side(folder / "ours")

    def run(self, playbook: str, *options: str) -> None:
        """Run a playbook on both sides; fails unless words and files are the same."""
        for side in (self.theirs, self.ours):
            side.prepare(playbook)
        run_deploy(self.ours, *options).same(run_ansible(self.ansible, self.theirs, *options))
        assert tree(self.ours.root) == tree(self.theirs.root)

    def twice(self, playbook: str) -> None:
        """… and once more: what is done already is done."""
        self.run(playbook)
        self.run(playbook)

    def files(self, contents: dict[str, str]) -> None:
        """What is there before."""
        for side in (self.theirs, self.ours):
            side.root.mkdir(parents=True, exist_ok=True)
            for name, text in contents.items():
                (side.root / name).write_text(text)

    def calls(self, calls: Calls, *keys: str) -> None:
        """Call modules one after the other on both sides: the same words, files, and values of these keys."""
        text = ""
        for number, (module, args) in enumerate(calls):
            call = {"name": str(number), module: args, "register": f"said_{number}", "ignore_errors": True}
            text += f"- {json.dumps(call)}\n"
        said = {str(number): f"said_{number}" for number in range(len(calls))}
        self.ours.prepare(tasks(text + written(**said)))
        self.theirs.prepare("")
        run = run_deploy(self.ours)
        ours = self.ours.registered()
        whole = json.dumps(calls).replace("{{ root }}", str(self.theirs.root))
        theirs = json.loads(batch(self.theirs, json.loads(whole)).replace(str(self.theirs.root), "ROOT"))
        for number, (module, args) in enumerate(calls):
            one, other = ours[str(number)], theirs[number]
            shown = f"{module} {args}\nours: {one}\ntheirs: {other}\n{run.text}"
            assert one["failed"] == other.get("failed", False), shown
            assert one["changed"] == other.get("changed", False) or one["failed"], shown
            assert one["failed"] or all(one.get(key) == other[key] for key in keys if key in other), shown
        assert tree(self.ours.root) == tree(self.theirs.root)

    def registered(self) -> tuple[Any, Any]:
        """What was registered and written down, of ours and of theirs."""
        return self.ours.registered(), self.theirs.registered()


@pytest.fixture
def walled(ansible: Ansible, tmp_path: Path) -> Both:
    """Both sides, each with an /etc of its own."""
    both = Both(ansible, tmp_path)
    both.theirs, both.ours = (Side(one.folder, walled=True) for one in (both.theirs, both.ours))
    for side in (both.theirs, both.ours):
        side.build_wall()
    return both


@pytest.fixture
def both(ansible: Ansible, tmp_path: Path) -> Both:
    return Both(ansible, tmp_path)


TEXT = "one\ntwo\nthree\ntwo words\nlast without end"
LINES: tuple[dict[str, Any], ...] = (
    {"line": "new"},
    {"line": "two"},
    {"line": "last without end"},
    {"regexp": "^two", "line": "TWO"},
    {"regexp": "^two", "line": "TWO", "firstmatch": True},
    {"regexp": "^four", "line": "four"},
    {"regexp": "^(two) (words)", "line": "\\2 \\1", "backrefs": True},
    {"regexp": "^(four)", "line": "\\1", "backrefs": True},
    {"search_string": "hre", "line": "3"},
    {"insertafter": "^two", "line": "after"},
    {"insertafter": "^two", "line": "after", "firstmatch": True},
    {"insertafter": "BOF", "line": "first"},
    {"insertafter": "EOF", "line": "end"},
    {"insertafter": "^four", "line": "after"},
    {"insertafter": "^two", "regexp": "^t", "line": "t"},
    {"insertbefore": "^two", "line": "before"},
    {"insertbefore": "^two", "line": "before", "firstmatch": True},
    {"insertbefore": "BOF", "line": "first"},
    {"insertbefore": "^one", "line": "zero"},
    {"insertbefore": "^four", "line": "last"},
    {"line": "two", "state": "absent"},
    {"regexp": "^two", "state": "absent"},
    {"search_string": "e", "state": "absent"},
    {"line": "four", "state": "absent"},
    {"value": "by another name", "mode": "0600"},
)
BLOCKS: tuple[dict[str, Any], ...] = (
    {"block": "a\nb"},
    {"block": "x", "insertbefore": "^two"},
    {"block": "x", "insertbefore": "BOF"},
    {"block": "x", "insertafter": "^one"},
    {"block": "x", "insertafter": "^four"},
    {"block": "x", "insertafter": "(?m)^two\nthree"},
    {"block": "x", "insertbefore": "(?m)^two\nthree"},
    {"block": "x", "insertafter": "^one", "append_newline": True, "prepend_newline": True},
    {"block": "x", "marker": "<!-- {mark} -->", "marker_begin": "HERE"},
    {"state": "absent"},
    {"block": ""},
)


def test_lines_and_blocks(both: Both) -> None:
    calls: Calls = []
    for module, cases in (("lineinfile", LINES), ("blockinfile", BLOCKS)):
        for number, args in enumerate(cases):
            name = f"{module}_{number}"
            both.files({name: TEXT})
            calls.append((module, {"path": f"{{{{ root }}}}/{name}", **args}))
    calls += [
        ("blockinfile", {"path": "{{ root }}/blockinfile_0", "block": "c"}),
        ("blockinfile", {"path": "{{ root }}/blockinfile_1", "state": "absent"}),
        ("blockinfile", {"path": "{{ root }}/blockinfile_2", "block": ""}),
        ("lineinfile", {"path": "{{ root }}/new/file", "line": "x", "create": True, "mode": "0600"}),
        ("blockinfile", {"path": "{{ root }}/new/block", "block": "x", "create": True}),
        ("lineinfile", {"path": "{{ root }}/none", "line": "x"}),
        ("lineinfile", {"path": "{{ root }}/none", "line": "x", "state": "absent"}),
        ("blockinfile", {"path": "{{ root }}/none", "state": "absent"}),
        ("blockinfile", {"path": "{{ root }}/none", "state": "absent", "create": True}),
        ("lineinfile", {"path": "{{ root }}", "line": "x"}),
        ("lineinfile", {"path": "{{ root }}/lineinfile_0", "line": "y", "validate": "grep y %s"}),
        ("lineinfile", {"path": "{{ root }}/lineinfile_0", "line": "z", "validate": "grep never %s"}),
        ("file", {"path": "{{ root }}/link", "src": "lineinfile_0", "state": "link"}),
        ("lineinfile", {"path": "{{ root }}/link", "line": "through a link"}),
    ]
    both.calls(calls, "msg", "backup", "found")
    both.calls(calls, "msg", "backup", "found")


ACCOUNTS: Calls = [
    ("group", {"name": "shop", "gid": 4711}),
    ("group", {"name": "shop", "gid": 4712}),
    ("group", {"name": "extra"}),
    ("group", {"name": "gone", "state": "absent"}),
    ("user", {"name": "ann", "comment": "Ann of the shop", "groups": ["shop"], "shell": "/bin/sh", "uid": 4800}),
    ("user", {"name": "ben", "system": True, "create_home": False, "home": "/srv/ben", "group": "shop"}),
    ("user", {"name": "shop"}),
    ("user", {"name": "ann", "groups": ["extra"], "append": True}),
    ("user", {"name": "ann", "groups": ["extra"], "append": True, "comment": "Ann"}),
    ("user", {"name": "ann", "groups": "shop"}),
    ("user", {"name": "ann", "groups": ["shop"]}),
    ("user", {"name": "ann", "password": "$6$salt$hash"}),
    ("user", {"name": "ann", "password": "$6$salt$other", "update_password": "on_create"}),
    ("user", {"name": "ben", "state": "absent"}),
    ("user", {"name": "nobody-here", "state": "absent"}),
    ("group", {"name": "extra", "state": "absent"}),
]
CRON: Calls = [
    ("cron", {"name": "backup", "job": "/usr/local/bin/backup --all", "minute": "5", "hour": "*/2"}),
    ("cron", {"name": "reboot it", "job": "true", "special_time": "reboot"}),
    ("cron", {"name": "off", "job": "true", "disabled": True, "weekday": "1-5"}),
    ("cron", {"name": "backup", "job": "/usr/local/bin/backup", "minute": "5", "hour": "*/2"}),
    ("cron", {"name": "reboot it", "state": "absent"}),
    ("cron", {"name": "not there", "state": "absent"}),
    ("cron", {"name": "in a file", "job": "date", "user": "root", "cron_file": "shop", "minute": "0"}),
    ("cron", {"name": "in a file too", "job": "date", "user": "root", "cron_file": "shop", "special_time": "daily"}),
]


def files(side: Side, *names: str) -> dict[str, str]:
    return {name: (side.folder / name).read_text() for name in names}


def test_accounts(walled: Both) -> None:
    for _ in range(2):
        walled.calls(ACCOUNTS, "name", "uid", "gid", "state", "home", "shell", "comment", "groups", "append", "system")
    names = ("etc/passwd", "etc/group")
    assert files(walled.ours, *names) == files(walled.theirs, *names)
    assert _passwords(walled.ours) == _passwords(walled.theirs)
    assert tree(walled.ours.folder / "home") == tree(walled.theirs.folder / "home")


def _passwords(side: Side) -> list[list[str]]:
    return [line.split(":")[:2] for line in (side.folder / "etc/shadow").read_text().splitlines()]


def test_cron(walled: Both) -> None:
    for _ in range(2):
        walled.calls(CRON, "jobs", "envs")
    assert files(walled.ours, "crontabs/root", "etc/cron.d/shop") == files(
        walled.theirs, "crontabs/root", "etc/cron.d/shop"
    )


def test_hostname(walled: Both) -> None:
    walled.calls([("hostname", {"name": "web1.example.org"})], "name")
    assert files(walled.ours, "etc/hostname") == files(walled.theirs, "etc/hostname")
