"""One host of five fails, in each phase of a rollout: all of them end on the release of before."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from host_state import ask
from lane import CONFIRMING, LOCK_WAIT, Lane, note, open_lane
from stage import Fleet, make_fleet
from story import Project

from deployer.errors import ExitCode

FIVE = ("web1", "web2", "web3", "web4", "db1")
SERVE = """\
# Starts badly, or goes bad later, where the host's environment says so.
case $BREAK in
start) exit 1 ;;
later) (sleep 4; rm /www/health) & ;;
esac
exec httpd -f -p 8080 -h /www
"""
DB_HEALTH = """\
[ -e /tmp/since ] || date +%s >/tmp/since
pg_isready -q -h 127.0.0.1 -U shop || exit 1
case $$BREAK in
start) exit 1 ;;
later) [ $$(($$(date +%s) - $$(cat /tmp/since))) -lt 2 ] ;;
esac
"""


@pytest.fixture(scope="module")
def five(swept: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = make_fleet("five", tmp_path_factory.mktemp("five"), docker=True, names=FIVE)
    yield fleet
    fleet.down(failed=False)


@pytest.fixture(scope="module")
def lane(five: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A shop whose database is switched with every release too, and can be broken on each host."""
    lane = open_lane(five, tmp_path_factory.mktemp("lane"))
    shop = lane.project
    shop.variables |= {"rollout_serial": [1, 2, "100%"], "gate_bake": 1}
    shop.write("serve.sh", SERVE)
    shop.edit("compose.yaml", "      DEPLOY_RELEASE:", "      BREAK: ${BREAK:-no}\n      DEPLOY_RELEASE:")
    shop.edit(
        "compose.yaml", "      POSTGRES_DB: shop", "      POSTGRES_DB: shop\n      BREAK: ${BREAK:-no}\n      PAGE: one"
    )
    health = '["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "shop"]'
    shop.edit("compose.yaml", health, f'["CMD-SHELL", {_quoted(DB_HEALTH)}]')
    shop.look_often()
    shop.edit("compose.yaml", "      interval: 90s", "      interval: 1s")
    shop.edit("compose.yaml", "start_period: 30s", "start_period: 0s")
    shop.edit("compose.yaml", "retries: 10", "retries: 3")
    lane.deployed()
    yield lane
    shop.end()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@contextmanager
def spy(project: Project, host: str, program: str, arms: str) -> Iterator[None]:
    """A program of the host that fails where these arms of a shell's `case` over its arguments call `fail`."""
    path = f"/usr/local/bin/{program}"
    text = f"""#!/bin/sh
fail() {{ echo "no $*" >&2; exit 1; }}
case "$*" in
{arms}
esac
exec /usr/bin/{program} "$@"
"""
    ask(project.host(host), f"printf %s {shlex.quote(text)} >{path} && chmod 755 {path}")
    try:
        yield
    finally:
        ask(project.host(host), f"rm {path}")


@contextmanager
def broken(project: Project, host: str, how: str) -> Iterator[None]:
    """A release that is broken on one host."""
    project.host_variables[host] = {"deploy_env": {"BREAK": how}}
    yield
    project.host_variables.clear()


@contextmanager
def closed(project: Project, host: str) -> Iterator[None]:
    """No new connection is let in; those that are there stay."""
    ask(project.host(host), "systemctl stop ssh.service")
    yield
    ask(project.host(host), "systemctl start ssh.service")


Breaking = Callable[[Project, str, str], AbstractContextManager[None]]
PHASES: dict[str, Breaking] = {
    "prepare": lambda project, host, old: spy(project, host, "tar", "*) fail ;;"),
    "build": lambda project, host, old: spy(project, host, "docker", "*' build '* | 'image tag '*) fail ;;"),
    "switch": lambda project, host, old: spy(project, host, "docker", f"*releases/{old}/*) ;;\n*' up '*) fail ;;"),
    "gate": lambda project, host, old: broken(project, host, "start"),
    "bake": lambda project, host, old: broken(project, host, "later"),
    "confirm": lambda project, host, old: nullcontext(),
}


@pytest.mark.parametrize("host", FIVE)
@pytest.mark.parametrize("phase", PHASES)
def test_one_of_five_fails(lane: Lane, phase: str, host: str) -> None:
    shop, old = lane.project, lane.project.release()
    began = time.monotonic()
    with lane.polling() as polls, lane.new_release() as page, PHASES[phase](shop, host, old):
        lane.project.edit("compose.yaml", f"PAGE: {_page_of(shop)}", f"PAGE: {page.replace(' ', '-')}")
        if phase == "confirm":
            with lane.at(host, CONFIRMING) as held, closed(shop, host):
                held.go()
                code, output = held.deploy.ended(), held.deploy.output
        else:
            bake = ("-e", "gate_bake=10") if phase == "bake" else ()
            run = shop.deploy(*LOCK_WAIT, *bake)
            code, output = run.code, run.output
    assert code in (ExitCode.ROLLED_BACK, ExitCode.MIXED), output
    how = lane.ended_well(code, output, old, lost=host)
    note(f"fails to {phase}", FIVE.index(host) + 1, host, how, since=began, polls=polls)


def _page_of(shop: Project) -> str:
    lines = Path(shop.folder / "compose.yaml").read_text().splitlines()
    return next(line for line in lines if "PAGE: " in line).partition("PAGE: ")[2]
