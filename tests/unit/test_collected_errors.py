"""One error does not hide the next: what is wrong in inventories and playbooks is said at once, each cause once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from deployer.cli.main import main
from deployer.config.collector import MOST_ERRORS
from deployer.config.inventory import load_inventory
from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.config.static import check_playbook
from deployer.errors import ConfigError, ConfigGroupError, TooManyHostsError
from deployer.modules.all import MODULES


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def said(error: ConfigError) -> list[str]:
    """`file:line: message` of each, columns left out, paths from here."""
    errors = error.errors if isinstance(error, ConfigGroupError) else (error,)
    return [
        f"{os.path.relpath(one.place.path)}:{one.place.line}: {one.message}" if one.place else one.message
        for one in errors
    ]


def of_playbook(text: str) -> list[str]:
    path = write("site.yml", text)
    with pytest.raises(ConfigError) as caught:
        load_playbook(path, MODULES)
    return said(caught.value)


def of_inventory(*paths: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_inventory(*map(Path, paths))
    return said(caught.value)


def test_plays_tasks_and_words() -> None:
    found = of_playbook("""\
        - hosts: all
          taks: []
          serial: x y
          tasks:
            - shel: ls
            - copy: {dst: /x, content: y, bakcup: true}
              wehn: true
              when: a +
            - block:
                - debug: {msg: "{{ x | nofilter }}"}
              retry: 3
        - 5
        - hosts: all
          tasks: 5
          handlers:
            - debug: {msg: "{{ 1 +"}
        """)
    assert found == [
        "site.yml:2: a play has no `taks`",
        "site.yml:3: `serial` must be a number, a percentage or a list of them",
        "site.yml:5: there is no module or keyword `shel`",
        "site.yml:6: copy: no argument is called `dst`",
        "site.yml:6: copy: no argument is called `bakcup`",
        "site.yml:7: a task has no `wehn`",
        "site.yml:8: broken template: unexpected 'end of print statement'",
        "site.yml:10: there is no filter `nofilter` in templates",
        "site.yml:11: a block has no `retry`",
        "site.yml:12: a play must be a mapping, got an integer",
        "site.yml:14: `tasks` must be a list of tasks, got an integer",
        "site.yml:16: broken template: unexpected 'end of template'",
    ]


def test_broken_files_hide_no_others() -> None:
    write("a.yml", "- command: [\n")
    write("b.yml", "- comand: ls\n")
    write("other.yml", "- hosts: all\n  tasks: [{\n")
    found = of_playbook("""\
        - import_playbook: other.yml
        - import_playbook: nosuch.yml
        - hosts: all
          tasks:
            - import_tasks: a.yml
            - include_tasks: b.yml
            - import_tasks: b.yml
        """)
    assert [line.partition(": ")[0] for line in found] == ["a.yml:2", "b.yml:1", "other.yml:3", "site.yml:2"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- hostss: all\n  tasks: []\n", 1),  # and no play without hosts
        ("- hosts: all\n  tasks: [{command: ls, notify: x}]\n  handlers: [{nmae: x, command: ls}]\n", 3),
        ("- hosts: all\n  tasks:\n    - block: [{shel: ls}]\n", 3),  # and no block without tasks
        ("- hosts: all\n  tasks: [{copy: {dst: /x, content: y}}]\n", 2),  # and no `dest` that is missing
    ],
)
def test_an_error_that_follows_from_another_is_not_said(text: str, line: int) -> None:
    found = of_playbook(text)
    assert len(found) == 1
    assert found[0].startswith(f"site.yml:{line}: ")


def test_inventories_and_variables() -> None:
    write("inv/a.yml", "all:\n  hosts:\n    web1: 5\n    12:\n    web2: {x: 1}\n  children: [a]\n")
    write("inv/b.ini", "[web]\nweb3 x\nweb4 =y\n[db:chidren]\nthis is, not read\n[app:children]\nnosuch\n")
    write("inv/c.yml", "all: [\n")
    write("inv/group_vars/all.yml", "- no mapping\n")
    write("inv/host_vars/web2.yml", "a: [\n")
    assert [line.partition(": ")[0] for line in of_inventory("inv", "nosuch.yml")] == [
        "no inventory nosuch.yml; there are",
        "inv/group_vars/all.yml:1",
        "inv/host_vars/web2.yml:2",
        "inv/a.yml:3",
        "inv/a.yml:4",
        "inv/a.yml:6",
        "inv/b.ini:2",
        "inv/b.ini:3",
        "inv/b.ini:4",
        "inv/c.yml:2",
    ]


def test_all_undefined_groups_of_an_ini_inventory() -> None:
    write("hosts", "web1\n[a:children]\nb\n[c:vars]\nx=1\n")
    assert [line.partition(": ")[0] for line in of_inventory("hosts")] == ["hosts:3", "hosts:4"]


def test_a_missing_vault_password_is_one_error() -> None:
    vault = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"
    write("inv/hosts", "web1\nweb2\n[web]\nweb1\n")
    for name in ("group_vars/all", "group_vars/web", "host_vars/web1"):
        write(f"inv/{name}", vault)
    assert len(of_inventory("inv")) == 1


def test_too_many_errors_and_hosts_end_the_reading() -> None:
    write("hosts", "".join(f"web{number} x\n" for number in range(3 * MOST_ERRORS)))
    assert len(of_inventory("hosts")) == MOST_ERRORS + 1
    write("many", "web[1:60000]\nweb[60001:120000]\n[web]\nx y\n")
    with pytest.raises(TooManyHostsError):
        load_inventory(Path("many"))


def check(tasks: str, **by_host: dict[str, object]) -> list[str]:
    path = write("play.yml", f"- hosts: all\n  tasks:\n{tasks}")
    with pytest.raises(ConfigError) as caught:
        check_playbook(
            load_playbook(path, MODULES), Language(MODULES), lambda play: tuple(by_host),
            lambda host, play, task: by_host[host],
        )  # fmt: skip
    return said(caught.value)


def test_what_is_wrong_on_several_hosts_is_said_once() -> None:
    tasks = "    - debug: {msg: '{{ x }}'}\n    - debug: {msg: '{{ y }}'}\n    - file: {path: '{{ z }}'}\n"
    hosts = {f"web{number}": {"z": "relative" if number == 3 else "/z"} for number in range(1, 6)}
    hosts["web1"]["y"] = "1"
    assert check(tasks, **hosts) == [
        "play.yml:3: `x` is undefined (on all 5 hosts)",
        "play.yml:4: `y` is undefined (on 4 of 5 hosts: web2, web3, web4 …)",
        next(line for line in check(tasks, **hosts) if "absolute" in line and line.endswith("(on web3)")),
    ]


def test_one_host_is_not_named() -> None:
    assert check("    - debug: {msg: '{{ x }}'}\n", web1={}) == ["play.yml:3: `x` is undefined"]


def deploy(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *argv: str) -> tuple[object, str]:
    monkeypatch.setattr(sys, "argv", ["deploy", *argv])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err


def test_a_run_shows_what_is_wrong_in_inventory_and_playbook(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("inventories/prod.yml", "all:\n  hosts:\n    web1: 5\n")
    write("playbooks/deploy.yml", "- hosts: all\n  tasks: [{shel: ls}, {comand: ls}]\n")
    code, err = deploy(capsys, monkeypatch, "prod")
    assert code == 3
    assert err.splitlines() == [
        "error: inventories/prod.yml:3:5: variables of host 'web1' must be a mapping, found a number",
        "hint:  indent `name: value` lines under `web1:`",
        "error: playbooks/deploy.yml:2:12: there is no module or keyword `shel`",
        "hint:  did you mean `shell`?",
        "error: playbooks/deploy.yml:2:24: there is no module or keyword `comand`",
        "hint:  did you mean `command`?",
    ]


def test_a_run_shows_the_first_twenty(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write("inventories/prod.yml", "all: {hosts: {web1: }}\n")
    write("playbooks/deploy.yml", "- hosts: all\n  tasks:\n" + "    - comand: ls\n" * 50)
    code, err = deploy(capsys, monkeypatch, "prod")
    assert code == 3
    assert err.count("no module or keyword `comand`") == 20
    assert err.splitlines()[-2:] == ["error: and 30 more", "hint:  deploy lint shows all of them"]
