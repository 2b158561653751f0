"""Playbooks read into plays and tasks; what is wrong in them is refused with file, line and hint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, ClassVar

import pytest

from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.errors import PlaybookError
from deployer.model.action import HttpCheck
from deployer.model.playbook import Play, Playbook, Task


@dataclass(frozen=True, kw_only=True)
class Command:
    """A module that takes a plain string."""

    free_form: ClassVar[str] = "cmd"
    cmd: str
    creates: str | None = None
    chdir: str | None = None


@dataclass(frozen=True, kw_only=True)
class DockerEngine:
    """A module without requirements."""

    version: str | None = None
    daemon: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Health:
    """A module with a nested argument and an opinion."""

    http: HttpCheck | None = None
    bake: float = 10.0

    def __post_init__(self) -> None:
        if self.bake < 0:
            raise ValueError("`bake` must not be negative")


MODULES = {"command": Command, "docker_engine": DockerEngine, "health": Health}
Load = Callable[[str], Playbook]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def write_and_load(text: str) -> Playbook:
        Path("site.yml").write_text(dedent(text))
        return load_playbook(Path("site.yml"), MODULES)

    return write_and_load


def in_play(tasks: str) -> str:
    """A play with these tasks; their first line is line 3 of the file."""
    return "- hosts: all\n  tasks:\n" + "".join(f"    {line}\n" for line in dedent(tasks).strip("\n").splitlines())


def only_task(playbook: Playbook) -> Task:
    (play,) = playbook.plays
    (task,) = play.tasks
    return task


def refused(load: Load, text: str) -> tuple[str, str | None]:
    """The message with its place (column left out) and the hint."""
    with pytest.raises(PlaybookError) as caught:
        load(text)
    place = caught.value.place
    assert place is not None
    return f"{place.path}:{place.line}: {caught.value.message}", caught.value.hint


FULL = """\
- name: Deploy {{ project }}
  hosts: web:!web3
  gather_facts: false
  become: true
  become_user: deploy
  serial: [1, "25%", "{{ rest }}"]
  any_errors_fatal: "{{ strict }}"
  tags: release
  vars:
    project: shop
  environment:
    LANG: C
  tasks:
    - name: Docker
      docker_engine:
        daemon: {live-restore: true}
      when:
        - want_docker
        - true
      register: docker
      notify: restart docker
      tags: [docker, "a, b"]
      become: no
      become_user: root
      ignore_errors: yes
      changed_when: docker is changed
      failed_when: false
      run_once: "{{ once }}"
      no_log: true
      vars: {a: 1}
      environment: {B: 2}
      loop: "{{ versions }}"
    - ansible.builtin.command: ls {{ item }}
      args:
        chdir: /srv
      loop: [a, b]
  handlers:
    - name: restart docker
      listen: [docker changed]
      command:
        cmd: systemctl restart docker
- hosts: [db, "web:!web3"]
"""


def test_a_play_is_read_with_all_its_keywords(load: Load) -> None:
    play, second = load(FULL).plays
    assert play.tasks[0].place.line == 14
    assert (play.place.path, play.place.line) == ("site.yml", 1)
    assert (play.name, play.hosts, play.become, play.become_user) == (
        "Deploy {{ project }}",
        "web:!web3",
        True,
        "deploy",
    )
    assert (play.serial, play.any_errors_fatal) == ([1, "25%", "{{ rest }}"], "{{ strict }}")
    assert (play.variables, play.environment) == ({"project": "shop"}, {"LANG": "C"})
    assert second == Play(name="db:web:!web3", hosts="db:web:!web3", place=second.place)


def test_a_task_is_read_with_all_its_keywords(load: Load) -> None:
    docker, listing = load(FULL).plays[0].tasks
    assert docker == Task(
        name="Docker",
        module="docker_engine",
        args={"daemon": {"live-restore": True}},
        place=docker.place,
        when=("want_docker", True),
        loop="{{ versions }}",
        register="docker",
        notify=("restart docker",),
        tags=frozenset({"release", "docker", "a", "b"}),
        variables={"a": 1},
        environment={"B": 2},
        become=False,
        become_user="root",
        ignore_errors=True,
        changed_when=("docker is changed",),
        failed_when=(False,),
        run_once="{{ once }}",
        no_log=True,
    )
    assert (listing.module, listing.name, listing.loop) == ("command", "command", ["a", "b"])
    assert listing.args == {"cmd": "ls {{ item }}", "chdir": "/srv"}
    assert listing.changed_when is None


def test_a_handler_is_a_task_that_listens(load: Load) -> None:
    (handler,) = load(FULL).plays[0].handlers
    assert (handler.name, handler.listen, handler.module) == ("restart docker", ("docker changed",), "command")


def test_what_was_loaded_can_be_bound(load: Load) -> None:
    task = load(FULL).plays[0].tasks[1]
    assert Language(MODULES).bind(task, {"item": "-l"}) == Command(cmd="ls -l", chdir="/srv")


def test_empty_values_of_keywords_are_as_if_absent(load: Load) -> None:
    task = only_task(load(in_play("- command: ls\n  when:\n  tags:\n  vars:\n  notify:\n  name:\n  args:")))
    assert task == Task(name="command", module="command", args={"cmd": "ls"}, place=task.place)


def test_a_module_without_arguments_needs_none(load: Load) -> None:
    assert only_task(load(in_play("- docker_engine:"))).args == {}


@pytest.mark.parametrize(
    ("hosts", "pattern"),
    [
        ("all", "all"),
        ("[a, b]", "a:b"),
        ('["a,b", c]', "a,b,c"),
        ('["g[0:2]", "!c"]', "g[0:2]:!c"),
        ("web, db", "web, db"),
    ],
)
def test_a_list_of_hosts_is_one_pattern_of_the_same_meaning(load: Load, hosts: str, pattern: str) -> None:
    assert load(f"- hosts: {hosts}\n").plays[0].hosts == pattern


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "site.yml:0: the playbook is empty", "write a play: `- hosts: all`"),
        ("# nothing\n[]\n", "site.yml:0: the playbook is empty", "write a play: `- hosts: all`"),
        ("\nhosts: all\n", "site.yml:2: a playbook must be a list of plays, got a mapping", "write `- hosts:`"),
        ("- hosts: all\n- nonsense\n", "site.yml:2: a play must be a mapping, got a string", "write `- hosts: all`"),
        ("- hosts: a\n- name: x\n  tasks: []\n", "site.yml:2: a play without hosts", "say for whom it is: `hosts: all`"),
        ("- name: x\n  hosts: []\n", "site.yml:2: a play without hosts", "say for whom it is: `hosts: all`"),
        ('- name: x\n  hosts: ["a:b", "c,d"]\n', "site.yml:2: `hosts` mixes `,` and `:`", "write one pattern an item"),
        ("- hosts: all\n  hosst: x\n", "site.yml:2: a play has no `hosst`", "did you mean `hosts`?"),
        ("- hosts: all\n  when: x\n", "site.yml:2: `when` belongs to a task, not to a play", "move it to the task"),
        ("- hosts: all\n  tasks: {}\n", "site.yml:2: `tasks` must be a list of tasks, got a mapping", "begin every task with `- `"),
        ("- hosts: all\n  tasks:\n    - ls\n", "site.yml:3: a task must be a mapping, got a string", "write `- module: …`"),
        ("- hosts: all\n  serial: 1.5\n", "site.yml:2: `serial` must be a number, a percentage or a list of them", 'such as [1, "25%"]'),
        ("- hosts: all\n  serial: [1, many]\n", "site.yml:2: `serial` must be a number, a percentage or a list of them", 'such as [1, "25%"]'),
        ("- hosts: all\n  become: maybe\n", "site.yml:2: `become` must be true or false, got a string", None),
        ("- hosts: all\n  gather_facts: maybe\n", "site.yml:2: `gather_facts` must be true or false, got a string", None),
        ("- hosts: all\n  vars:\n    a-b: 1\n", "site.yml:3: `a-b` cannot be the name of a variable", "use letters, digits and `_`"),
        ("- hosts: all\n  vars: [a]\n", "site.yml:2: `vars` must be a mapping, got a list", "write `vars:` and below it `name: value`"),
        ("- hosts: all\n  vars:\n    a: '{{ x'\n", "site.yml:3: broken template: unexpected end of template, expected 'end of print statement'.", "check the quotes and brackets"),
        ("- hosts: all\n  hosts: x\n", "site.yml:2: key 'hosts' is given twice, first in line 1", "remove one of the two"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_play_is_refused(load: Load, text: str, message: str, hint: str | None) -> None:
    assert refused(load, text) == (message, hint)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("roles", "write the tasks in the play's `tasks`"),
        ("pre_tasks", "write the tasks in the play's `tasks`"),
        ("strategy", "leave it out; `serial` and `--forks`"),
        ("vars_files", "put the variables into group_vars"),
        ("max_fail_percentage", "use `any_errors_fatal: true`"),
        ("import_playbook", "write the plays into one file"),
        ("remote_user", "set `ansible_connection`"),
    ],
)
def test_ansibles_other_words_for_plays_are_refused_by_name(load: Load, word: str, hint: str) -> None:
    message, said = refused(load, f"- hosts: all\n  {word}: x\n")
    assert message == f"site.yml:2: `{word}` is not supported"
    assert (said or "").startswith(hint)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("block", "write the tasks one after the other"),
        ("rescue", "write the tasks one after the other"),
        ("delegate_to", "put the task into a play of its own"),
        ("async", "leave it out"),
        ("with_items", "use `loop` with a list"),
        ("include_tasks", "write the tasks in the play's `tasks`"),
        ("until", "write the loop into the command"),
        ("loop_control", "the item of a `loop` is always called `item`"),
    ],
)
@pytest.mark.parametrize("module", ["", "  command: ls"])
def test_ansibles_other_words_for_tasks_are_refused_by_name(load: Load, word: str, hint: str, module: str) -> None:
    message, said = refused(load, in_play(f"- name: x\n  {word}: y\n{module}"))
    assert message == f"site.yml:4: `{word}` is not supported"
    assert (said or "").startswith(hint)


@pytest.mark.parametrize(
    ("task", "message", "hint"),
    [
        ("- name: x", "3: a task without a module", "say what to do, such as `command: …`"),
        ("- name: x\n  comand: ls", "4: there is no module or keyword `comand`", "did you mean `command`?"),
        ("- ansible.builtin.comand: ls", "3: there is no module or keyword `ansible.builtin.comand`", "did you mean `command`?"),
        ("- zzz: ls", "3: there is no module or keyword `zzz`", "modules: command, docker_engine, health"),
        ("- regster: x\n  name: y", "3: there is no module or keyword `regster`", "did you mean `register`?"),
        ("- command: ls\n  regster: x", "4: a task has no `regster`", "did you mean `register`?"),
        ("- command: ls\n  hosts: x", "4: `hosts` belongs to a play, not to a task", "move it to the play"),
        ("- command: ls\n  docker_engine:", "4: two modules in one task: `command` and `docker_engine`", "make two tasks of it"),
        ("- command: ls\n  command: ps", "4: key 'command' is given twice, first in line 3", "remove one of the two"),
        ("- command: ls\n  ansible.builtin.command: ps", "4: two modules in one task: `command` and `ansible.builtin.command`", "make two tasks of it"),
        ("- docker_engine: x=1", "3: docker_engine: arguments must be a mapping, got a string", "write `docker_engine:` and below it `argument: value`"),
        ("- command: [ls]", "3: command: arguments must be a mapping, got a list", "write `command:` and below it `argument: value`"),
        ("- command: ls\n  args: x", "4: `args` must be a mapping, got a string", "write `args:` and below it `name: value`"),
        ("- command: ls\n  args:\n    cmd: ps", "5: argument `cmd` is given twice", "remove one of the two"),
        ("- command: make creates=/x", "3: command: `creates=…` inside the text", "write it below `args:` as `creates: …`"),
        ("- command:", "3: command: argument `cmd` is missing", "write `cmd: …`"),
        ("- docker_engine:\n    deamon: {}", "4: docker_engine: no argument is called `deamon`", "did you mean `daemon`?"),
        ("- docker_engine:\n    version: '1'\n    daemon: x", "5: docker_engine: `daemon` must be a mapping, got a string", None),
        ("- health:\n    http:\n      url: x\n      status: ok", "6: health: `http.status` must be an integer, got a string", None),
        ("- health:\n    http:\n      url: '{{ x }}'\n      contians: y", "6: health: no argument is called `contians`", "did you mean `contains`?"),
        ("- health:\n    bake: -1", "3: health: `bake` must not be negative", None),
        ("- command: ls\n  loop: x", "4: `loop` must be a list, got a string", 'give a list, or a template: "{{ names }}"'),
        ("- command: ls\n  loop:", "4: `loop` must be a list, got nothing", 'give a list, or a template: "{{ names }}"'),
        ("- command: ls\n  register: a.b", "4: `register` must be the name of a variable", "use letters, digits and `_`"),
        ("- command: ls\n  listen: x", "4: `listen` belongs to a handler", "move the task to `handlers`, or use `notify`"),
        ("- command: ls\n  when: 1", "4: `when` must be an expression, true or false, got an integer", None),
        ("- command: ls\n  when: ''", "4: `when` is empty", "write an expression such as `x is defined`, or leave it out"),
        ("- command: ls\n  when: x ==", "4: broken template: unexpected 'end of print statement'", "check the quotes and brackets"),
        ("- command: ls\n  when: x is defind", "4: there is no test `defind` in templates", "did you mean `defined`?"),
        ("- command: ls\n  failed_when:\n    - \"'{{ x }}' == 'y'\"", "4: a condition must be one expression", "write it bare, without `{{ }}`: `x == 'y'`"),
        ("- command: 'echo {{ x | quot }}'", "3: there is no filter `quot` in templates", "did you mean `quote`?"),
        ("- docker_engine:\n    daemon:\n      a:\n        - \"{{ lookup('pipe', 'id') }}\"", "6: lookup `pipe` is not supported", "`env` and `file` are"),
        ("- command: ls\n  ignore_errors: perhaps", "4: `ignore_errors` must be true or false, got a string", None),
        ("- command: ls\n  tags: '{{ x }}'", "4: `tags` cannot be a template", "write the tags as they are; use `when` for what varies"),
        ("- command: ls\n  notify: {a: 1}", "4: `notify` must be a string or a list of strings, got a mapping", None),
        ("- command: ls\n  become_user: [a]", "4: `become_user` must be a string, got a list", None),
        ("- command: ls\n  notify: nobody", "4: no handler is called `nobody`", "add a handler with `name: nobody`"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_task_is_refused(load: Load, task: str, message: str, hint: str | None) -> None:
    said, how = refused(load, in_play(task))
    assert said.startswith(f"site.yml:{message}")
    assert how == hint


HANDLERS = """\
- hosts: all
  tasks:
    - command: ls
      notify: {notify}
  handlers:
    - name: restart docker
      command: a
    - name: {name}
      listen: docker changed
      command: b
"""


def test_notify_reaches_names_and_topics(load: Load) -> None:
    play = load(HANDLERS.format(notify='[restart docker, docker changed, "{{ x }}"]', name="other")).plays[0]
    assert play.tasks[0].notify == ("restart docker", "docker changed", "{{ x }}")


def test_an_unknown_handler_is_refused_with_the_nearest(load: Load) -> None:
    message, hint = refused(load, HANDLERS.format(notify="restart dokcer", name="other"))
    assert message == "site.yml:4: no handler is called `restart dokcer`"
    assert hint == "did you mean `restart docker`?"


def test_a_handler_may_notify_another_but_not_nobody(load: Load) -> None:
    text = HANDLERS.format(notify="other", name="other")
    assert load(text + "      notify: restart docker\n").plays[0].handlers[1].notify == ("restart docker",)
    assert refused(load, text + "      notify: x\n")[0] == "site.yml:11: no handler is called `x`"


def test_two_handlers_of_one_name_are_refused(load: Load) -> None:
    message, hint = refused(load, HANDLERS.format(notify="restart docker", name="restart docker"))
    assert message == "site.yml:8: two handlers are called `restart docker`, the first in line 6"
    assert "listen" in (hint or "")


def test_a_file_that_is_not_there_is_an_error_of_the_playbook(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="cannot be read"):
        load_playbook(tmp_path / "nosuch.yml", MODULES)


def test_types_behind_templates_are_left_to_the_run(load: Load) -> None:
    task = only_task(load(in_play('- health:\n    bake: "{{ bake }}"\n    http: {url: "{{ u }}", status: "{{ s }}"}')))
    language = Language(MODULES)
    assert language.bind(task, {"bake": 5, "u": "x", "s": "201"}) == Health(bake=5, http=HttpCheck(url="x", status=201))
    with pytest.raises(PlaybookError) as caught:
        language.bind(task, {"bake": "x", "u": "x", "s": 1})
    assert str(caught.value) == "site.yml:4:9: health: `bake` must be a number, got a string"
