"""Releases that would leave data behind: refused on every host before anything is brought, allowed if it is meant."""

from __future__ import annotations

import pytest
from host_state import untouched, volumes_of
from put_back import put_back
from story import CommandRun, Project

from deployer.errors import ExitCode

WEB = ("web1",)
HOSTS = (*WEB, "db1")  # one web server does the same as two
LOSSES = {
    "volume-renamed": (("- uploads:/uploads", "- media:/uploads"), ("\n  uploads:\n", "\n  media:\n")),
    "volume-dropped": (("    volumes:\n      - uploads:/uploads\n", ""),),
    "mount-moved": (("- uploads:/uploads", "- uploads:/media"),),
    "database-major": (("image: postgres:17", "image: postgres:16"),),
    "data-directory-moved": (("image: postgres:17", "image: postgres:18"),),
}
REASONS = {
    "volume-renamed": "volume {name}_uploads was mounted at /uploads, now volume {name}_media is mounted there",
    "volume-dropped": "volume {name}_uploads was mounted at /uploads, and is not any more",
    "mount-moved": "volume {name}_uploads was mounted at /uploads, now it is at /media",
    "database-major": "postgres:16 does not read what postgres:17 has written",
    "data-directory-moved": "postgres:17 keeps its data in /var/lib/postgresql/data",
}

WORKER = """\
  worker:
    image: busybox:1
    init: true
    command: sleep infinity
    healthcheck: {test: ["CMD", "true"], interval: 1s}
"""


def lose(project: Project, kind: str) -> None:
    for old, new in LOSSES[kind]:
        project.edit("compose.yaml", old, new)


def says(run: CommandRun, project: Project, kind: str) -> None:
    """The refusal has its reason and what would allow it."""
    words = " ".join(run.output.split())
    assert REASONS[kind].format(name=project.name) in words, run
    assert "-e deploy_allow=" in words, run
    assert kind in words, run


@pytest.mark.parametrize("kind", sorted(REASONS))
def test_is_refused_and_nothing_is_touched(breakable: Project, kind: str) -> None:
    lose(breakable, kind)
    with put_back(breakable) as before:
        says(breakable.deploy().exits(ExitCode.ROLLED_BACK), breakable, kind)
    assert {name: breakable.releases(name) for name in before.folders} == before.folders, "a folder was brought"


def test_check_refuses_it_too(breakable: Project) -> None:
    lose(breakable, "volume-renamed")
    with untouched(breakable.fleet.hosts.values()):
        says(breakable.deploy("--check").exits(ExitCode.ROLLED_BACK), breakable, "volume-renamed")


def test_another_project_name_is_refused(breakable: Project) -> None:
    breakable.variables |= {"deploy_project": f"{breakable.name}-new", "deploy_allow": []}
    with put_back(breakable):
        run = breakable.deploy().exits(ExitCode.ROLLED_BACK)
    assert "-e deploy_allow=project-renamed" in " ".join(run.output.split()), run
    assert [volumes_of(breakable.host(host), f"{breakable.name}-new") for host in WEB] == [{}]


def test_a_folder_of_the_release_for_data_is_refused_before_a_host_is_asked(breakable: Project) -> None:
    (breakable.folder / "media").mkdir()
    breakable.write("media/.gitkeep", "")
    breakable.edit("compose.yaml", "- uploads:/uploads", "- uploads:/uploads\n      - ./media:/media")
    with untouched(breakable.fleet.hosts.values()):
        run = breakable.deploy().exits(ExitCode.CONFIG)
    assert "deploy_allow=bind-hidden" in run.output


def test_code_volumes_and_services_may_come_and_a_loss_that_is_meant(breakable: Project) -> None:
    """One release that only adds; one that drops the volume again, refused and then allowed."""
    breakable.write("www/index.html", "second\n")
    breakable.edit("compose.yaml", "- uploads:/uploads", "- uploads:/uploads\n      - cache:/cache")
    breakable.edit("compose.yaml", "\n  uploads:\n", "\n  uploads:\n  cache:\n")
    breakable.edit("compose.yaml", "\n  db:\n", f"\n{WORKER}\n  db:\n")
    breakable.web["deploy_services"] = ["web", "worker"]
    breakable.deployed()
    assert breakable.serving() == dict.fromkeys(WEB, "second")
    assert all(breakable.container(host, "worker").status == "running" for host in WEB)

    breakable.edit("compose.yaml", "      - cache:/cache\n", "")
    with put_back(breakable):
        run = breakable.deploy().exits(ExitCode.ROLLED_BACK)
    assert f"{breakable.name}_cache" in run.output
    breakable.deploy("-e", "deploy_allow=volume-dropped").exits(ExitCode.OK)
    assert all("cache" in breakable.volumes(host) for host in WEB), "allowed is not deleted"
