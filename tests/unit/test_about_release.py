"""What makes a playbook a rollout, and what makes a run ask its hosts for facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli.assemble import assemble
from deployer.cli.options import Aim, Choice
from deployer.config.about_release import is_about_release, wants_facts
from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.modules.all import MODULES

SHIPPED = Path(__file__).parents[2] / "playbooks"
KNOWN = [{"plain": "x"}, {"mine": "{{ release.id }}", "inner": "{{ family }}", "family": "{{ ansible_os_family }}"}]


def about(path: Path) -> bool:
    return is_about_release(load_playbook(path, MODULES), MODULES, Language(MODULES), KNOWN)


def asks(path: Path) -> bool:
    return wants_facts(load_playbook(path, MODULES), Language(MODULES), KNOWN)


@pytest.fixture
def play(tmp_path: Path) -> Path:
    return tmp_path / "play.yml"


@pytest.mark.parametrize("name", ["deploy.yml", "rollback.yml", "resume.yml"])
def test_shipped_rollouts_are_about_a_release_and_ask_for_no_facts(name: str) -> None:
    assert about(SHIPPED / name)
    assert not asks(SHIPPED / name)


def test_shipped_provisioning_is_not() -> None:
    assert not about(SHIPPED / "provision.yml")
    assert not asks(SHIPPED / "provision.yml")


@pytest.mark.parametrize(
    "task",
    [
        "compose: {release: '{{ release }}'}",
        "debug: {msg: '{{ release.id }}'}",
        "debug: {msg: '{{ mine }}'}",
        "{command: 'true', when: release_state == 'up'}",
        "block: [{rescue: [{debug: {msg: x}}], block: [{debug: {msg: '{{ release_env }}'}}]}]",
        "include_tasks: more.yml",
    ],
)
def test_a_release_that_is_named_anywhere_makes_a_rollout(play: Path, task: str) -> None:
    play.with_name("more.yml").write_text("- debug: {msg: '{{ release.id }}'}\n")
    play.write_text(f"- hosts: all\n  tasks:\n    - {task}\n")
    assert about(play)


@pytest.mark.parametrize("task", ["debug: {msg: '{{ plain }}'}", "command: echo release", "debug: {msg: released}"])
def test_what_only_sounds_like_it_makes_none(play: Path, task: str) -> None:
    play.write_text(f"- hosts: all\n  tasks:\n    - {task}\n")
    assert not about(play)
    assert not asks(play)


@pytest.mark.parametrize(
    "task",
    [
        "debug: {msg: '{{ ansible_distribution }}'}",
        "debug: {msg: \"{{ ansible_facts['hostname'] }}\"}",
        "debug: {msg: '{{ inner }}'}",
        "{command: 'true', when: ansible_architecture == 'x86_64'}",
        "{command: 'true', changed_when: ansible_memtotal_mb > 1}",
        "assert: {that: ansible_processor_vcpus > 0}",
        "template: {src: some.j2, dest: /etc/some}",
    ],
)
def test_a_fact_that_may_be_asked_for_is_looked_at(play: Path, task: str) -> None:
    play.write_text(f"- hosts: all\n  tasks:\n    - {task}\n")
    assert asks(play)


def test_facts_of_the_way_back_are_looked_at_before_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("compose.yaml").write_text("services: {web: {image: 'busybox:1'}}\n")
    Path("hosts").write_text("here ansible_connection=local\n")
    choice = Choice(environment="hosts", inventory=(Path("hosts"),))
    aim = Aim(verb="deploy", playbook=Path("deploy.yml"))
    assert assemble(choice, aim).session.questions.host is None
    Path("playbooks").mkdir()
    text = (SHIPPED / "rollback.yml").read_text()
    said = "- hosts: all\n  tasks:\n    - debug: {msg: 'back on {{ ansible_distribution }}'}\n"
    Path("playbooks/rollback.yml").write_text(f"{text}\n{said}")
    assert assemble(choice, aim).session.questions.host is not None
