"""Secrets of all kinds are planted wherever a project has them; where they must not be, none is found."""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command_run import CommandRun
from host_state import ask
from onlookers import in_images, readable_here, readable_on, watching, watching_here
from planting import BROKEN_BUILD, BROKEN_START, BUILD, plant
from plants import SHAPES, Plants, planted
from service import Server, serving
from stage import Fleet
from story import Project, shop_on
from terminal import watched
from waiting import eventually

from deployer.errors import ExitCode

HOST = "web1"
VAULT_PASSWORD = "not planted"


@dataclass
class Story:
    """What was planted, and what came of it."""

    project: Project
    plants: Plants
    since: float
    here: Path  # what a user of this machine saw
    screens: list[str] = field(default_factory=list)

    @property
    def checkout(self) -> Path:
        return self.here.parent / "checkout"

    @property
    def runs(self) -> list[CommandRun]:
        return self.project.runs


@pytest.fixture(scope="module")
def shop(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = shop_on(fleet.only(HOST), "planted", tmp_path_factory.mktemp("planted"))
    yield project
    project.end()


@pytest.fixture(scope="module")
def story(shop: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Everything that happens, while onlookers look."""
    plants, room = planted(), tmp_path_factory.mktemp("onlooker")
    story = Story(shop, plants, time.time() - 1, room / "seen")
    with serving(room, shop.fleet, plants["json of a service"]) as base, person(story):
        plant(shop, plants, base, story.checkout)
        with watching_here(story.here), watching(shop.host(HOST)):
            tell(story)
        yield story


@contextmanager
def person(story: Story) -> Iterator[None]:
    """Somebody who logs in with a password, and gives sudo another one."""
    login, root = story.plants["ansible_password"], story.plants["ansible_become_password"]
    host = story.project.host(HOST)
    ask(
        host,
        f"useradd -m -s /bin/sh vip; printf '%s\\n' 'vip:{login}' 'root:{root}' | chpasswd\n"
        "printf 'vip ALL=(ALL) ALL\\nDefaults:vip rootpw\\n' >/etc/sudoers.d/vip; chmod 440 /etc/sudoers.d/vip\n"
        "printf 'Match User vip\\n  PasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/vip.conf\n"
        "systemctl reload ssh",
    )
    yield
    ask(
        host, "rm /etc/sudoers.d/vip /etc/ssh/sshd_config.d/vip.conf; systemctl reload ssh; passwd -l root; userdel vip"
    )
    host.exec("userdel planted; rm -f /root/copied /root/vaulted /root/templated /root/generated*")


def tell(story: Story) -> None:
    """The commands of the story; each shows as much as it can."""
    shop, plants = story.project, story.plants
    env = {
        "PLANTED_SECRET": plants["env into deploy_secrets"],
        "PLANTED_VARIABLE_TOKEN": plants["env into a variable"],
        "PLANTED_REGISTRY": plants["env into a registry"],
    }
    given = ("--vault-password-file", "vault-password", "-e", "@extra.json", "-e", "@vaulted.json", "-vvv")

    def run(*args: str) -> CommandRun:
        return shop.command(*args, *given, env=env)

    run("lab", "--check", "--diff").exits(ExitCode.OK)
    run("lab", "--diff", "--output=json").exits(ExitCode.OK)
    for output in ("json", "ansible"):
        run("lab", "--playbook", "tasks.yml", "--diff", f"--output={output}").exits(ExitCode.OK)
    run("status", "lab").exits(ExitCode.OK)

    shop.write("Dockerfile", BROKEN_BUILD)
    assert "exit 3" in run("lab").exits(ExitCode.ROLLED_BACK).output
    shop.write("Dockerfile", BUILD)
    shop.write("serve.sh", BROKEN_START)
    run("lab", "--output=ansible").exits(ExitCode.ROLLED_BACK)
    shop.write_inventory()
    code, screen = watched(("lab", *given), shop.room, env=env)
    assert code == ExitCode.ROLLED_BACK, screen
    story.screens.append(screen)

    shop.edit("compose.yaml", "secrets: [npm]", "secrets: [npm], args: {TOKEN: $NPM_TOKEN}")
    refused = run("lab").exits(ExitCode.CONFIG)
    assert "NPM_TOKEN as a build argument" in refused.output
    shop.host_variables[HOST]["ansible_become_password"] = plants.add("wrong password")
    assert run("lab", "--check", "-e", "deploy_allow=build-argument").code != ExitCode.OK


def test_there_are_many(story: Story) -> None:
    assert len(story.plants.values) >= 40


def test_they_arrived_where_they_belong(story: Story) -> None:
    web = next(one for one in story.project.containers(HOST) if one.service == "web")
    plants = story.plants
    assert {name: web.environment[name] for name in SHAPES if name != "NPM_TOKEN"} == {
        name: plants[name] for name in SHAPES if name != "NPM_TOKEN"
    }
    assert web.environment["FROM_VAULT"] == plants["vault scalar"]
    assert web.environment["DOTENV_PASSWORD"] == plants["DOTENV_PASSWORD"]
    assert web.environment["FROM_ENV"] == plants["env into deploy_secrets"]
    sent = [base64.b64decode(one.partition(" ")[2]).decode() for one in Server.seen if one.startswith("Basic")]
    assert {f"ann:{plants[name]}" for name in ("url_password", "uri URL", "git")} == set(sent)
    assert f"Bearer {plants['bearer']}" in Server.seen
    assert (story.checkout / ".git").is_dir()
    assert (
        ask(story.project.host(HOST), "cat /root/copied /root/vaulted")
        == plants["copy"] + plants["vaulted src of copy"]
    )


def test_none_is_in_any_output(story: Story) -> None:
    for run in story.runs:
        assert story.plants.found_in(run.output) == [], run
    for screen in story.screens:
        assert story.plants.found_in(screen) == [], screen


def test_none_was_seen_in_a_process_list_or_an_environment(story: Story) -> None:
    host = ask(story.project.host(HOST), "cat /run/seen")
    here = story.here.read_text(errors="replace")
    assert "docker-compose --project-name" in host, "the watch saw the deployment"
    assert "deploy lab" in here, "the watch saw the command"
    assert story.plants.found_in(host) == []
    assert story.plants.found_in(here) == []


def test_none_is_in_a_file_that_others_can_read(story: Story) -> None:
    assert readable_on(story.project.host(HOST), story.plants.patterns()) == []
    patterns = story.here.parent / "patterns"
    patterns.touch(0o600)
    patterns.write_text(story.plants.patterns())
    story.project.inventory.chmod(0o600)  # written anew for each command, by the story itself
    folders = (story.project.room, story.checkout, Path(tempfile.gettempdir()))
    found = readable_here(folders, patterns, story.since)
    assert [one for one in found if "/artifacts/" not in one] == []  # of another test here that failed


def test_none_is_in_a_log_or_left_in_a_temporary_file(story: Story) -> None:
    host = story.project.host(HOST)
    search = "/var/log /tmp /var/tmp /home /etc /opt /usr/local /dev/shm"
    eventually(
        lambda: [one for one in readable_on(host, story.plants.patterns(), as_user="", places=search)
                 if not one.startswith("/etc/shadow")] == [],
        within=30, every=1, what="nothing is left",
    )  # fmt: skip
    assert story.plants.found_in(ask(host, "journalctl --no-pager --boot")) == []
    assert (
        story.plants.found_in(
            ask(host, f"cat {story.project.root}/.deploy/*.log {story.project.root}/.deploy/journal*")
        )
        == []
    )


def test_none_is_in_an_image_or_its_history(story: Story) -> None:
    found = in_images(story.project.host(HOST))
    assert "planted-web" in found
    assert story.plants.found_in(found) == []
