"""`deploy lint` through the real command line: what it finds, what it lets be, and how it says it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from deployer.cli.main import main

ROOT = Path(__file__).parents[2]
PLAYS = ROOT / "tests/oracle/plays"
INVENTORIES = ROOT / "tests/oracle/inventories"
MEANT = {  # what is wrong on purpose in the plays that are compared with Ansible
    "conditions.yml": ["undefined-variable"],
    "max_fail_stops.yml": ["unused-handler"],
}


@dataclass
class Linter:
    """A project's folder, and the command line in it."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def play(self, tasks: str, **words: str) -> None:
        """The project's playbook: without further words of the play, the tasks begin in line 3."""
        more = "".join(f"  {word}: {value}\n" for word, value in words.items())
        self.write("playbooks/deploy.yml", f"- hosts: all\n{more}  tasks:\n" + indented(tasks))

    def run(self, *argv: str) -> tuple[int, str]:
        """`deploy lint ARGV`: exit code and output."""
        self.patch.chdir(self.folder)
        self.patch.setattr(sys, "argv", ["deploy", "lint", *argv])
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capture.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out + said.err

    def found(self, *argv: str) -> list[dict[str, Any]]:
        """What `deploy lint --output json` says."""
        code, out = self.run("--output=json", *argv)
        found: list[dict[str, Any]] = json.loads(out)
        assert code == (3 if any(one["severity"] == "error" for one in found) else 0)
        return found

    def lines(self, *argv: str) -> list[str]:
        """`line rule message` of each finding."""
        return [f"{one['line']} {one['rule']} {one['message']}" for one in self.found(*argv)]


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in dedent(text).strip("\n").splitlines())


@pytest.fixture
def linter(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Linter:
    made = Linter(tmp_path, capsys, monkeypatch)
    made.write("inventories/prod.yml", "all: {hosts: {web1: {port: 80}, web2: {port: 81}}}\n")
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    return made


# what is known to be good -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("play", sorted(PLAYS.glob("*.yml")), ids=lambda path: path.name)
def test_plays_that_ansible_runs(linter: Linter, play: Path) -> None:
    found = linter.found("-i", str(PLAYS / "hosts.ini"), "--playbook", str(play), "-e", "out=/tmp")
    assert [one["rule"] for one in found] == MEANT.get(play.name, [])


def test_inventories_that_ansible_reads(linter: Linter) -> None:
    linter.write("site.yml", "- hosts: all\n  tasks: [{debug: {msg: '{{ inventory_hostname }}'}}]\n")
    good = [path for path in sorted(INVENTORIES.iterdir()) if not path.name.startswith(("refused", "differs"))]
    assert len(good) > 60
    wrong = {
        path.name: errors
        for path in good
        if (errors := [one for one in linter.found("-i", str(path), "--playbook", "site.yml") if not is_meek(one)])
    }
    assert wrong == {}


def is_meek(finding: dict[str, Any]) -> bool:
    return finding["severity"] == "warning"


def test_inventories_that_are_refused(linter: Linter) -> None:
    linter.write("site.yml", "- hosts: all\n  tasks: []\n")
    for path in sorted(INVENTORIES.glob("refused*")):
        found = linter.found("-i", str(path), "--playbook", "site.yml")
        assert [one["severity"] for one in found if one["rule"] == "inventory"].count("error") >= 1, path.name


def test_what_is_shipped(linter: Linter) -> None:
    linter.folder = ROOT
    assert linter.run("--strict") == (0, "nothing wrong in 4 inventories and 5 playbooks\n")


def test_the_example(linter: Linter) -> None:
    linter.folder = ROOT / "examples/django"
    assert linter.run("-i", str(ROOT / "inventories/lab.yml"), "--strict")[0] == 0


# undefined variables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "task",
    [
        "debug: {msg: '{{ x }}'}",
        "debug: {msg: '{{ ansible_os_family }} {{ x }}'}",  # cannot be bound before a run
        "debug: {msg: '{{ item }} {{ x }}'}\n  loop: [1]",
        "debug: {msg: a}\n  loop: '{{ x }}'",
        "debug: {msg: a}\n  when: x",
        "debug: {msg: a}\n  when: [ansible_os_family == 'Debian', x]",
        "command: ls\n  register: r\n  until: r.rc == x",
        "command: ls\n  environment: {A: '{{ x }}'}",
        "command: ls\n  delegate_to: '{{ x }}'",
        "assert: {that: [ansible_os_family == x]}",
        "debug: {msg: '{{ y | default(x) }}'}",
        "debug: {msg: '{{ x if ansible_os_family == 1 else 2 }}'}",
        "debug: {msg: '{{ through }} {{ ansible_hostname }}'}\n  vars: {through: '{{ x }}'}",
    ],
)
def test_a_variable_that_nobody_defines(linter: Linter, task: str) -> None:
    linter.play(f"- {task}\n")
    found = linter.lines()
    assert len(found) == 1, found
    assert " undefined-variable `x` is undefined" in found[0]
    assert found[0].endswith("(on all 2 hosts of inventories/prod.yml)")
    linter.write("inventories/group_vars/all.yml", "x: [1]\n")
    assert not [line for line in linter.lines() if "undefined" in line]


@pytest.mark.parametrize(
    "tasks",
    [
        "- debug: {msg: '{{ x | default(1) }}'}",
        "- debug: {msg: '{{ x.y.z | d(omit) }}'}",
        "- debug: {msg: '{{ port | default(x) }}'}",
        "- debug: {msg: '{{ x }} {{ ansible_hostname }}'}\n  when: x is defined",
        "- debug: {msg: '{{ x if x is defined else 1 }}'}",
        "- debug: {msg: '{% if x is defined %}{{ x }}{% endif %}{{ ansible_hostname }}'}",
        "- debug: {msg: '{{ x }}'}\n  when: port == 0",
        "- debug: {msg: '{{ x if port == 0 else ansible_hostname }}'}",
        "- debug: {msg: '{{ port == 0 and x }} {{ ansible_hostname }}'}",
        "- debug: {msg: '{{ x }} {{ item }}'}\n  loop: []",
        "- debug: {msg: '{{ x }} {{ item }}'}\n  loop: '{{ none | default([], true) }}'",
        "- debug: {msg: '{% for x in [1] %}{{ x }}{{ loop.index }}{% endfor %}{{ ansible_hostname }}'}",
        "- debug: {msg: '{% set x = 1 %}{{ x }}{{ ansible_hostname }}'}",
        "- debug: {var: x}",
        "- debug: {msg: '{{ x }}'}\n- command: ls\n  register: x",
        "- set_fact: {x: 1}\n- debug: {msg: '{{ x }}'}",
        "- debug: {msg: '{{ x }}'}\n  loop: [1]\n  loop_control: {loop_var: x}",
        "- debug: {msg: '{{ x }}'}\n  vars: {x: 1}",
        "- include_vars: '{{ ansible_os_family }}.yml'\n- debug: {msg: '{{ x }}'}",
        "- include_tasks: '{{ ansible_os_family }}.yml'\n- debug: {msg: '{{ x }}'}",
        "- include_vars: vars.yml\n- debug: {msg: '{{ x }}'}",
        "- include_tasks: {file: tasks.inc}\n  vars: {x: 1}",
        "- assert: {that: x is defined}\n- debug: {msg: '{{ x }}'}",
        "- fail: {msg: say x}\n  when: x is not defined\n- debug: {msg: '{{ x }}'}",
        "- debug: {msg: \"{{ lookup('vars', 'x', default=1) }} {{ vars['x'] | d(1) }} {{ hostvars['web1'].port }}\"}",
        "- debug: {msg: '{{ groups.all }} {{ group_names }} {{ inventory_dir }} {{ playbook_dir }} {{ omit }}'}",
        "- debug: {msg: '{{ ansible_play_hosts }} {{ ansible_facts.distribution }} {{ ansible_check_mode }}'}",
        "- block: [{fail: }]\n  rescue: [{debug: {msg: '{{ ansible_failed_task.name }} {{ ansible_failed_result }}'}}]",
    ],
)
def test_a_variable_that_may_be_there(linter: Linter, tasks: str) -> None:
    linter.write("playbooks/vars.yml", "x: 1\n")
    linter.write("playbooks/tasks.inc", "- debug: {msg: '{{ x }} {{ ansible_hostname }}'}\n")
    linter.play(tasks)
    assert linter.found() == []


def test_hosts_and_inventories_are_named(linter: Linter) -> None:
    linter.write("inventories/prod.yml", "all: {hosts: {a: {x: 1}, b: , c: }}\n")
    linter.write("inventories/staging.yml", "all: {hosts: {d: }}\n")
    linter.play("- debug: {msg: '{{ x }}'}")
    assert linter.lines() == [
        "3 undefined-variable `x` is undefined (on b, c of inventories/prod.yml; on d of inventories/staging.yml)"
    ]
    assert linter.lines("staging", "-e", "x=1") == []


def test_each_kind_of_host_is_looked_at(linter: Linter) -> None:
    hosts = "".join(f"    h{number}: {{own{number}: 1, {'x' if number != 49 else 'y'}: 1}}\n" for number in range(50))
    linter.write("inventories/prod.yml", f"all:\n  hosts:\n{hosts}")
    linter.play("- debug: {msg: '{{ x }} {{ ansible_hostname }}'}\n- debug: {msg: '{{ inventory_hostname }}'}")
    assert linter.lines() == ["3 undefined-variable `x` is undefined (on h49 of inventories/prod.yml)"]


def test_variables_of_the_inventory_that_every_run_renders(linter: Linter) -> None:
    linter.write(
        "inventories/prod.yml",
        """\
        all:
          vars:
            ansible_user: "{{ nobody_says }}"
            deploy_env: {A: "{{ nor_this }}"}
            never_used: "{{ nor_that }}"
            odd: "{{ 1 | password_hash }}"
          hosts: {web1: }
        """,
    )
    linter.play("- debug: {msg: hello}")
    assert linter.lines() == [
        "3 undefined-variable `nobody_says` is undefined (on web1 of inventories/prod.yml)",
        "4 undefined-variable `nor_this` is undefined (on web1 of inventories/prod.yml)",
        "6 template there is no filter `password_hash` in templates",
    ]


def test_once_is_enough_for_a_task_that_runs_once(linter: Linter) -> None:
    linter.write("inventories/prod.yml", "all: {hosts: {a: {x: 1}, b: }}\n")
    linter.play("- debug: {msg: '{{ x }} {{ ansible_hostname }}'}\n  run_once: true\n")
    assert [line for line in linter.lines() if "undefined" in line] == []


# templates --------------------------------------------------------------------------------------------------------


def test_templates_and_what_they_include(linter: Linter) -> None:
    linter.write("playbooks/a.j2", "{# head #}\n{% include 'b.j2' %}\n{% set own = 1 %}{{ port }} {{ nosuch }}\n")
    linter.write("playbooks/templates/b.j2", "{{ own }}\n{{ template_path }} {{ nor_that }}\n{% include 'c.j2' %}\n")
    linter.write("playbooks/d.j2", "fine\n{{ x | nofilter }}\n")
    linter.write("playbooks/e.j2", "{% if port is defined %}\n")
    linter.play("""
        - template: {src: a.j2, dest: /a}
        - template: {src: d.j2, dest: /d}
        - template: {src: nosuch.j2, dest: /d}
        - debug: {msg: "{{ lookup('template', 'e.j2') }}"}
        - template: {src: skipped.j2, dest: /d}
          when: port == 0
    """)
    found = [f"{one['file']}:{one['line']}:{one['column'] or ''} {one['message']}" for one in linter.found()]
    assert [line.partition(" (on")[0] for line in found] == [
        "playbooks/a.j2:3:32 `nosuch` is undefined",
        "playbooks/d.j2:2: there is no filter `nofilter` in templates",
        "playbooks/deploy.yml:5:18 playbooks/nosuch.j2: no such file",
        "playbooks/e.j2:1: broken template: unexpected end of template. Jinja was looking for the following tags: "
        "'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'.",
        "playbooks/templates/b.j2:2:24 `nor_that` is undefined",
        "playbooks/templates/b.j2:3: no template file `c.j2`",
    ]


# playbooks, handlers, hosts ---------------------------------------------------------------------------------------


def test_errors_of_all_files_at_once(linter: Linter) -> None:
    linter.write("inventories/prod.yml", "all: {hosts: {web1: 5}}\n")
    linter.write("inventories/staging.yml", "all: [\n")
    linter.write("playbooks/other.yml", "- hosts: all\n  taks: []\n")
    linter.play("- shel: ls\n- comand: ls")
    code, out = linter.run()
    assert code == 3
    assert [line.partition(" ")[0] for line in out.splitlines() if not line.startswith("  hint")] == [
        "inventories/prod.yml:1:15:",
        "inventories/staging.yml:2:1:",
        "playbooks/deploy.yml:3:7:",
        "playbooks/deploy.yml:4:7:",
        "playbooks/other.yml:2:3:",
        "5",
    ]
    assert "playbooks/deploy.yml:3:7: playbook there is no module or keyword `shel`\n  hint: did you mean" in out
    assert out.endswith("5 errors in 2 inventories and 2 playbooks\n")


def test_undefined_variables_of_a_broken_playbook(linter: Linter) -> None:
    linter.play("- {comand: ls, register: x}\n- debug: {msg: '{{ x }} {{ y }}'}")
    assert [line.split()[1] for line in linter.lines()] == ["playbook", "undefined-variable"]
    linter.play("- import_tasks: nosuch.yml\n- debug: {msg: '{{ x }} {{ y }}'}")
    assert [line.split()[1] for line in linter.lines()] == ["playbook"]


def test_a_broken_template_is_one_error(linter: Linter) -> None:
    linter.play("- debug: {msg: '{{ 1 + }}'}\n  loop: '{{ [ }}'\n- debug: {msg: '{{ odd }}'}")
    linter.write("inventories/group_vars/all.yml", "odd: '{{ 1 | nofilter }}'\n")
    found = linter.found()
    assert [(one["line"], one["rule"], one["severity"]) for one in found] == [
        (1, "template", "error"),
        (3, "playbook", "error"),
        (4, "playbook", "error"),
    ]
    linter.play("- debug: {msg: hello}")
    assert [one["severity"] for one in linter.found()] == ["warning"]


def test_what_is_wrong_with_rendered_arguments(linter: Linter) -> None:
    linter.play("- file: {path: '{{ where }}'}\n  vars: {where: not/absolute}\n- debug: {msg: '{{ vm.nosuch }}'}\n"
                "  vars: {vm: {such: 1}}")  # fmt: skip
    found = linter.lines()
    assert [line.split()[:2] for line in found] == [["3", "task"], ["5", "task"]]


def test_handlers(linter: Linter) -> None:
    linter.play(
        "- {command: ls, notify: [one, topic]}",
        handlers="[{name: one, command: ls}, {name: two, command: ls}, {name: three, command: ls, listen: topic}]",
    )
    assert linter.lines() == ["2 unused-handler no task notifies the handler `two`"]
    assert linter.run()[0] == 0
    assert linter.run("--strict")[0] == 3
    linter.play("- {command: ls, notify: nosuch}")
    assert linter.lines() == ["3 playbook no handler is called `nosuch`"]


def test_a_play_that_matches_no_host_of_any_inventory(linter: Linter) -> None:
    linter.write("playbooks/deploy.yml", "- hosts: wbe\n  tasks: []\n- hosts: localhost\n  tasks: []\n")
    linter.write("inventories/staging.yml", "all: {hosts: {a: }}\n")
    assert [line.partition(" (")[0] for line in linter.lines()] == ["1 no-hosts `hosts: wbe` matches no host"]
    linter.write("inventories/staging.yml", "wbe: {hosts: {a: }}\n")
    assert linter.lines() == []


def test_without_an_inventory(linter: Linter) -> None:
    (linter.folder / "inventories/prod.yml").unlink()
    (linter.folder / "inventories").rmdir()
    linter.play("- debug: {msg: '{{ x }}'}")
    assert linter.run() == (0, "nothing wrong in 0 inventories and 1 playbook\n")


def test_no_program_is_started_by_a_template(linter: Linter) -> None:
    linter.play("- debug: {msg: \"{{ lookup('pipe', 'touch ran') }}\"}\n- debug: {msg: '{{ x }}'}\n"
                "  vars: {x: \"{{ lookup('pipe', 'touch ran') }}\"}\n"
                "- debug: {msg: a}\n  when: lookup('pipe', 'touch ran') == ''\n")  # fmt: skip
    assert linter.found() == []
    assert not list(linter.folder.rglob("ran"))


def test_a_script_is_run_as_the_inventory(linter: Linter) -> None:
    script = linter.write("inventory.sh", '#!/bin/sh\necho \'{"web": {"hosts": ["a"], "vars": {"x": 1}}}\'\n')
    script.chmod(0o755)
    linter.play("- debug: {msg: '{{ x }} {{ y }}'}")
    assert linter.lines("-i", "inventory.sh") == ["3 undefined-variable `y` is undefined (on a of inventory.sh)"]


def test_what_is_encrypted_needs_no_password(linter: Linter) -> None:
    linter.write("pw", "secret\n").chmod(0o600)
    linter.write("inventories/group_vars/all.yml", "x: 1\n")
    linter.play("- debug: {msg: '{{ x }} {{ y }}'}")
    executable = Path(sys.executable).parent / "deploy"
    argv = [executable, "vault", "encrypt", "--vault-password-file", "pw", "inventories/group_vars/all.yml"]
    subprocess.run(argv, cwd=linter.folder, check=True, capture_output=True)
    assert [(one["rule"], one["severity"]) for one in linter.found()] == [("vault", "warning")]
    found = linter.found("--vault-password-file", "pw")
    assert [(one["rule"], one["line"]) for one in found] == [("undefined-variable", 3)]
