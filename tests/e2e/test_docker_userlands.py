"""Docker onto Debian 12, hosts with sysvinit, OpenRC and dnf. Their images cost minutes: only with USERLANDS=all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from fleets import FAILED
from host_state import ask
from stage import make_fleet
from story import Project, shop_on
from userlands import NAMES, dnf_on, userlands_on
from vendor import OLD, vendor_on

from deployer.engine.look import read_look, render_look
from deployer.engine.steps import render_steps
from deployer.errors import ExitCode
from deployer.lab.host import LabHost
from deployer.model.action import Action, Put
from deployer.modules._refusals import HostRefusedError
from deployer.modules.docker_engine import DockerEngineInstalled
from deployer.protocols import Fact, Facts

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


def test_dnf_takes_packages_from_a_repository_whose_key_is_right(site: Project) -> None:
    host = dnf_on(site.fleet.lab)
    listed = ask(host, "gpg --batch --no-auto-check-trustdb --list-keys --with-colons 2>/dev/null")
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    with pytest.raises(HostRefusedError, match=f"{fingerprint}, not 060A61C5"):
        planned(host, None)
    actions = planned(host, fingerprint)
    install = [one for one in actions if isinstance(one, Put) or one.title.startswith("install ")]
    assert len(install) == 4
    said = host.exec(render_steps(install, "nonce"))[1]
    assert "nonce end 0" in said.splitlines()[-1], said
    assert "Importing GPG key" in said
    names = ("docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin", "docker-buildx-plugin")
    assert all(ask(host, f"rpm -q {name}") for name in names)


def planned(host: LabHost, fingerprint: str | None) -> tuple[Action, ...]:
    """What `docker_engine` would do, from what the host says; systemd is said to be there."""
    module = DockerEngineInstalled(repository="http://127.0.0.1/linux/centos", fingerprint=fingerprint)
    ask(host, "mkdir -p /run/systemd/system")
    seen = told(host, module.facts())
    seen |= told(host, module.further_facts(cast(Facts, seen)))
    return tuple(module.plan(cast(Facts, seen)))


def told(host: LabHost, facts: Sequence[Fact[Any]]) -> dict[Fact[Any], Any]:
    answers = read_look(ask(host, render_look(facts, "nonce")), "nonce")
    return {fact: fact.parse(*answer) for fact, answer in zip(facts, answers, strict=True)}
