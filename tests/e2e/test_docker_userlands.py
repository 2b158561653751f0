"""Docker onto Debian 12, and onto hosts with sysvinit and OpenRC. Images cost minutes: only with USERLANDS=all."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from fleets import FAILED
from host_state import ask
from stage import make_fleet
from story import Project, shop_on
from userlands import NAMES, userlands_on
from vendor import OLD, vendor_on

from deployer.errors import ExitCode

pytestmark = pytest.mark.skipif(os.environ.get("USERLANDS") != "all", reason="USERLANDS=all asks for it")


@pytest.fixture(scope="module")
def site(swept: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three hosts, which the inventory has in no group, and Docker's repository, stood in for."""
    base = make_fleet("userlands", tmp_path_factory.mktemp("fleet"), docker=False, names=())
    try:
        vendor = vendor_on(base.lab)
        project = shop_on(userlands_on(base.lab), "userlands", tmp_path_factory.mktemp("userlands"))
        project.host_variables["web-bookworm"] = {
            "docker_repository": vendor.url, "docker_fingerprint": vendor.fingerprint
        }  # fmt: skip
        yield project
    finally:
        base.down(failed=request.node.stash.get(FAILED, False))


def everywhere(site: Project, command: str) -> list[str]:
    return [ask(site.host(name), command).strip() for name in NAMES]


def test_docker_is_installed_started_and_told_of_settings(site: Project) -> None:
    site.command("provision", "lab").exits(ExitCode.OK)
    assert all(version.startswith("26.1.5") for version in everywhere(site, "docker version -f '{{.Server.Version}}'"))
    assert OLD in ask(site.host("web-bookworm"), "dpkg-query -W docker-ce")
    assert "changed=1" not in site.command("provision", "lab").exits(ExitCode.OK).stdout

    site.variables["docker_daemon"] = {"debug": True}
    site.command("provision", "lab").exits(ExitCode.OK)
    assert everywhere(site, "docker info --format '{{.Debug}}'") == ["true"] * len(NAMES)

    stop = "if [ -d /run/systemd/system ]; then systemctl disable --now docker.service docker.socket;"
    everywhere(site, f"{stop} elif [ -d /run/openrc ]; then rc-service docker stop; rc-update del docker; else"
               " /etc/init.d/docker stop; update-rc.d -f docker remove; fi 2>&1")  # fmt: skip
    site.command("provision", "lab").exits(ExitCode.OK)
    everywhere(site, "docker version")
    assert "changed=1" not in site.command("provision", "lab").exits(ExitCode.OK).stdout
    assert "docker" in ask(site.host("web-openrc"), "rc-update show default")
    assert ask(site.host("web-sysvinit"), "ls /etc/rc2.d/S??docker")
