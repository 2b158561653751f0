"""A rollout that waits: its first batch serves, and somebody else, elsewhere, goes on with it or undoes it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from background import running, until_switched
from command_run import CommandRun, run_command
from keepsake import Keepsake
from put_back import is_locked, put_back
from stage import NAMES, WEB
from story import Project
from terminal import answered

from deployer.errors import ExitCode

PAGE = "www/index.html"
ELSEWHERE: Mapping[str, str] = {"LOGNAME": "ben", "USER": "ben"}


class Elsewhere:
    """Another machine: an inventory and a key, and nothing else."""

    def __init__(self, project: Project, room: Path) -> None:
        self.room = room
        shutil.copytree(project.inventory.parent, room / "inventories")

    def deploy(self, *args: str) -> CommandRun:
        return run_command(args, self.room, env=ELSEWHERE)


@pytest.fixture
def paused(breakable: Project, tmp_path: Path) -> Iterator[Elsewhere]:
    """web1 serves a second page, web2 the one of before."""
    old, before = breakable.release(), breakable.page("web2")
    breakable.write(PAGE, f"second {secrets.token_hex(4)}\n")
    run = breakable.deploy("--pause-after", "1").exits(ExitCode.PAUSED)
    assert "deploy promote lab" in run.stdout
    assert "deploy abort lab" in run.stdout
    assert [breakable.current_on(name) == old for name in NAMES] == [False, True, True]
    assert breakable.page("web1").startswith("second")
    assert breakable.page("web2") == before
    assert not any(is_locked(breakable, name) for name in NAMES)
    room = tmp_path / "elsewhere"
    room.mkdir()
    yield Elsewhere(breakable, room)
    assert breakable.host("web1").exec(f"ls {breakable.root}/.deploy/rollout")[0] != 0, "it is closed"


def test_somebody_else_goes_on_with_it(breakable: Project, paused: Elsewhere, keepsake: Keepsake) -> None:
    new, page, migrations = breakable.current_on("web1"), breakable.page("web1"), breakable.migrations()
    status = paused.deploy("status", "lab").exits(ExitCode.OK)
    assert "batch 1 of 2" in status.output
    assert new in status.output
    refused = breakable.deploy().exits(ExitCode.PAUSED)
    assert "deploy promote lab" in refused.output
    paused.deploy("promote", "lab").exits(ExitCode.OK)
    assert breakable.current() == dict.fromkeys(NAMES, new)
    assert breakable.serving() == dict.fromkeys(WEB, page)
    assert breakable.migrations() == migrations, "that was done before the first batch"
    assert breakable.deploy("--output=json").exits(ExitCode.OK).actions == ()


def test_somebody_else_undoes_it(breakable: Project, paused: Elsewhere, keepsake: Keepsake) -> None:
    old, page = breakable.current_on("web2"), breakable.page("web2")
    untouched = breakable.container("web2", "web").id
    paused.deploy("abort", "lab").exits(ExitCode.OK)
    assert breakable.current() == dict.fromkeys(NAMES, old)
    assert breakable.serving() == dict.fromkeys(WEB, page)
    assert breakable.container("web2", "web").id == untouched


def test_who_deploys_on_a_terminal_is_asked_what_shall_become_of_it(breakable: Project, paused: Elsewhere) -> None:
    old, pages, question = breakable.current_on("web2"), breakable.serving(), "What shall become of it?"
    code, screen = answered(("lab",), breakable.room, question=question, answer="leave")
    assert (code, "(promote, abort, leave)" in screen) == (ExitCode.PAUSED, True), screen
    assert breakable.serving() == pages
    code, screen = answered(("lab",), breakable.room, question=question, answer="abort")
    assert code == ExitCode.OK, screen
    assert breakable.current() == dict.fromkeys(NAMES, old)


def test_an_environment_may_always_pause(breakable: Project) -> None:
    breakable.variables["rollout_pause_after"] = 1
    breakable.write(PAGE, "third\n")
    with put_back(breakable, "web1"):
        breakable.deploy().exits(ExitCode.PAUSED)
        assert breakable.page("web1") == "third"
        assert breakable.page("web2") != "third"
        breakable.command("abort", "lab").exits(ExitCode.OK)


def test_the_first_batch_is_watched_while_the_last_one_bakes(breakable: Project) -> None:
    """web1 is healthy until web2 has been switched, and then no more: all go back."""
    breakable.look_often()
    breakable.edit("compose.yaml", "DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}", "TIRED: ${TIRED:-no}")
    tired = '[ "$TIRED" = no ] || (until [ -e /uploads/tired ]; do sleep 0.2; done; rm /www/health) &\n'
    breakable.write("serve.sh", f"{tired}exec httpd -f -p 8080 -h /www\n")
    breakable.host_variables["web1"] = {"deploy_env": {"TIRED": "yes"}}
    breakable.variables["rollout_bake"] = 12
    before = breakable.release()
    with put_back(breakable, *NAMES), running(breakable) as deploy:
        until_switched(breakable, "web2", before)
        breakable.write_volume_file("web1", "uploads", "tired", "yes")
        deploy.exits(ExitCode.ROLLED_BACK)
    assert "web1: All that is switched stays well" in deploy.output
