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
    (task,) = play.all_tasks
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
    assert play.tags == {"release"}
    assert second == Play(name="db:web:!web3", hosts="db:web:!web3", place=second.place)


def test_a_task_is_read_with_all_its_keywords(load: Load) -> None:
    docker, listing = load(FULL).plays[0].all_tasks[:2]
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
        folders=(".",),
    )
    assert (listing.module, listing.name, listing.loop) == ("command", "command", ["a", "b"])
    assert listing.args == {"cmd": "ls {{ item }}", "chdir": "/srv"}
    assert listing.changed_when is None


def test_a_handler_is_a_task_that_listens(load: Load) -> None:
    (handler,) = load(FULL).plays[0].handlers
    assert (handler.name, handler.listen, handler.module) == ("restart docker", ("docker changed",), "command")


def test_what_was_loaded_can_be_bound(load: Load) -> None:
    task = load(FULL).plays[0].all_tasks[1]
    assert Language(MODULES).bind(task, {"item": "-l"}) == Command(cmd="ls -l", chdir="/srv")


def test_empty_values_of_keywords_are_as_if_absent(load: Load) -> None:
    task = only_task(load(in_play("- command: ls\n  when:\n  tags:\n  vars:\n  notify:\n  name:\n  args:")))
    assert task == Task(name="command", module="command", args={"cmd": "ls"}, place=task.place, folders=(".",))


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
    assert play.all_tasks[0].notify == ("restart docker", "docker changed", "{{ x }}")


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


def test_types_behind_templates_are_left_to_the_run(load: Load) -> None:
    task = only_task(load(in_play('- health:\n    bake: "{{ bake }}"\n    http: {url: "{{ u }}", status: "{{ s }}"}')))
    language = Language(MODULES)
    assert language.bind(task, {"bake": 5, "u": "x", "s": "201"}) == Health(bake=5, http=HttpCheck(url="x", status=201))
    with pytest.raises(PlaybookError) as caught:
        language.bind(task, {"bake": "x", "u": "x", "s": 1})
    assert str(caught.value) == "site.yml:4:9: health: `bake` must be a number, got a string"
