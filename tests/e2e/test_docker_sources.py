"""Docker comes onto hosts: from Docker's repository, stood in for, or the distribution's; odd states are recognised."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from background import running
from command_run import CommandRun
from fleets import FAILED, NotRun
from host_state import ask, untouched
from stage import Fleet, make_fleet
from story import Project, shop_on
from vendor import NEW, OLD, Vendor, vendor_on
from waiting import eventually

from deployer.errors import ExitCode, LabError
from deployer.lab.host import LabHost

VENDOR, DISTRO = "web1", "web2"  # a host for each source
KEYRING, SOURCE = "/etc/apt/keyrings/docker.asc", "/etc/apt/sources.list.d/docker.sources"
DAEMON_JSON = "/etc/docker/daemon.json"


@pytest.fixture(scope="module")
def fleet(
    swept: None, not_run: NotRun, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Two hosts as a provider hands them over."""
    try:
        fleet = make_fleet("sources", tmp_path_factory.mktemp("fleet"), docker=False, names=(VENDOR, DISTRO))
    except LabError as error:
        not_run(f"{error} (hint: {error.hint})")
    yield fleet
    fleet.down(failed=request.node.stash.get(FAILED, False))


@pytest.fixture(scope="module")
def vendor(fleet: Fleet) -> Vendor:
    return vendor_on(fleet.lab)


@pytest.fixture(scope="module")
def site(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return shop_on(fleet, "sources", tmp_path_factory.mktemp("sources"))


@pytest.fixture
def ours(site: Project, vendor: Vendor) -> Project:
    """The host that takes Docker's own packages."""
    site.host_variables[VENDOR] = {"docker_repository": vendor.url, "docker_fingerprint": vendor.fingerprint}
    return site


def arguments(host: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    return ("--limit", host, *(word for name, value in variables.items() for word in ("-e", f"{name}={value}")))


def provision(site: Project, host: str, **variables: str) -> CommandRun:
    """`deploy provision` of one host, with some variables of its own."""
    return site.command("provision", "lab", *arguments(host, variables))


def refused(run: CommandRun, *words: str) -> None:
    """It failed before anything was changed, and said this."""
    assert run.code not in (0, 1), run
    assert [word for word in words if word not in " ".join(run.output.split())] == [], run


def unchanged(run: CommandRun) -> None:
    run.exits(ExitCode.OK)
    assert "changed=0" in run.stdout


def version(host: LabHost) -> str:
    return ask(host, "dpkg-query -W -f '${Version}' docker-ce")


def engine_runs(host: LabHost) -> None:
    assert ask(host, "docker compose version --short && docker buildx version >/dev/null")
    assert ask(host, "systemctl is-enabled docker").strip() == "enabled"
    assert ask(host, "docker version --format '{{.Server.Version}}'").startswith("26.1.5")


# Docker's own repository ----------------------------------------------------------------------------------------


def test_a_wrong_key_is_refused_and_nothing_is_changed(ours: Project, vendor: Vendor) -> None:
    with untouched([ours.host(VENDOR)]):
        run = provision(ours, VENDOR, docker_source="docker", docker_fingerprint="0" * 40)
    refused(run, f"the key at {vendor.url}/gpg is not the one that is expected: {vendor.fingerprint}", "0" * 40)


def test_existing_installs_nothing(ours: Project) -> None:
    with untouched([ours.host(VENDOR)]):
        refused(provision(ours, VENDOR, docker_source="existing"), "existing installs nothing", "docker_source: auto")


def test_what_another_key_has_signed_is_not_installed(ours: Project, vendor: Vendor) -> None:
    """The key is the right one, and it is not the one that signs."""
    expected = vendor.fingerprint
    vendor.sign_with_another_key()
    run = provision(ours, VENDOR, docker_fingerprint=expected)
    vendor.serve_its_key()
    assert run.code not in (0, 1), run
    assert f"apt does not believe what {SOURCE} names" in run.output
    assert ours.host(VENDOR).exec(f"command -v dockerd || ls {SOURCE} {DAEMON_JSON}")[0] != 0


@pytest.fixture(scope="module")
def docker_ce(site: Project, vendor: Vendor) -> str:
    """Docker's own packages are installed, while dpkg is at work for somebody else; what the command said."""
    site.host_variables[VENDOR] = {"docker_repository": vendor.url, "docker_fingerprint": vendor.fingerprint}
    with at_work(site.host(VENDOR)), running(site, "--limit", VENDOR, verb="provision") as run:
        eventually(lambda: "wait until dpkg has ended" in run.output, within=60, what=f"it waits: {run.output}")
        ask(site.host(VENDOR), "touch /run/go-on")
        return run.exits(ExitCode.OK).output


@contextmanager
def at_work(host: LabHost) -> Iterator[None]:
    """dpkg configures a package until /run/go-on is there."""
    build = (
        "cd /root && mkdir -p slow/DEBIAN && printf 'Package: slow\\nVersion: 1\\nArchitecture: all\\n"
        "Maintainer: a <a@b.example>\\nDescription: slow\\n' >slow/DEBIAN/control"
        " && printf '#!/bin/sh\\nuntil [ -e /run/go-on ]; do sleep 0.1; done\\n' >slow/DEBIAN/postinst"
        " && chmod 755 slow/DEBIAN/postinst && dpkg-deb -b slow >/dev/null"
    )
    ask(host, build)
    ask(host, "setsid dpkg -i /root/slow.deb >/dev/null 2>&1 & until pgrep -x slow.postinst; do sleep 0.1; done")
    try:
        yield
    finally:
        ask(host, "touch /run/go-on")


def test_auto_takes_dockers_repository_if_the_host_reaches_it(docker_ce: str, site: Project, vendor: Vendor) -> None:
    host = site.host(VENDOR)
    assert re.search(r"because dpkg \(process \d+\) holds the lock", docker_ce)
    assert "install docker-ce docker-ce-cli containerd.io docker-compose-plugin docker-buildx-plugin" in docker_ce
    assert vendor.fingerprint in docker_ce
    engine_runs(host)
    policy = ask(host, "apt-cache policy docker-ce docker-ce-cli containerd.io")
    assert policy.count(f"{vendor.url} trixie/stable") == 3
    assert OLD in policy
    assert ask(host, f"stat -c %a {KEYRING} {SOURCE}").split() == ["644", "644"]
    assert ask(host, "apt-get update -qq 2>&1") == ""


def test_it_is_upgraded_only_when_asked_and_containers_go_on(docker_ce: str, site: Project, vendor: Vendor) -> None:
    host = site.host(VENDOR)
    ask(host, "docker run --detach --name kept busybox:1 sleep 600")
    vendor.publish(2)
    ask(host, "touch -d '2 hours ago' /var/lib/apt/lists")
    unchanged(provision(site, VENDOR))
    assert version(host) == OLD
    life = "docker inspect --format '{{.State.StartedAt}} {{.State.Pid}} {{.State.Running}}' kept"
    before, engine = ask(host, life), ask(host, "pidof dockerd")

    run = provision(site, VENDOR, docker_state="latest").exits(ExitCode.OK)
    assert version(host) == NEW
    assert ask(host, life) == before
    assert ask(host, "pidof dockerd") != engine
    assert json.loads(ask(host, f"cat {DAEMON_JSON}"))["live-restore"] is True
    assert "live-restore" in run.output
    unchanged(provision(site, VENDOR, docker_state="latest"))


def test_an_engine_that_is_too_old_is_not_upgraded_unasked(docker_ce: str, site: Project) -> None:
    playbook = site.room / "newer.yml"
    playbook.write_text('- hosts: all\n  become: true\n  tasks: [docker_engine: {minimum: "99.0"}]\n')
    with untouched([site.host(VENDOR)]):
        run = site.command("run", "lab", "--playbook", str(playbook), "--limit", VENDOR)
    refused(run, "Docker Engine 26.1.5+dfsg1 is older than 99.0", "docker_state: latest")


def test_a_daemon_json_that_is_no_json_is_left_alone(docker_ce: str, site: Project) -> None:
    host = site.host(VENDOR)
    text = ask(host, f"cat {DAEMON_JSON}")
    ask(host, f"sed -i 's/{{/{{,/' {DAEMON_JSON}")
    with untouched([host]):
        refused(provision(site, VENDOR), f"{DAEMON_JSON}:1:2: not valid JSON", "dockerd --validate")
    ask(host, f"printf %s {shlex.quote(text)} >{DAEMON_JSON}")


# the distribution's packages ------------------------------------------------------------------------------------


def test_podman_in_dockers_place_is_recognised(site: Project) -> None:
    host = site.host(DISTRO)
    ask(host, "cd /root && apt-get update -qq && apt-get download -qq podman-docker 2>&1")
    ask(host, "dpkg -i --force-depends /root/podman-docker_*.deb 2>&1 && command -v docker")
    with untouched([host]):
        refused(provision(site, DISTRO), "`docker` is podman here", "remove podman-docker")
    ask(host, "dpkg --purge podman-docker")


@pytest.fixture(scope="module")
def docker_io(site: Project) -> CommandRun:
    """Nothing is said of where Docker shall come from, and Docker's own repository is out of reach."""
    return provision(site, DISTRO).exits(ExitCode.OK)


def test_auto_takes_the_distributions_packages_where_dockers_are_out_of_reach(
    docker_io: CommandRun, site: Project
) -> None:
    assert "https://download.docker.com/linux/debian is out of reach: Could not resolve" in docker_io.output
    engine_runs(site.host(DISTRO))
    assert site.host(DISTRO).exec(f"ls {KEYRING} {SOURCE}")[0] != 0
    unchanged(provision(site, DISTRO, docker_source="distro"))
    refused(provision(site, DISTRO, docker_source="docker"), "is Debian 13's, and Docker's own is asked for")


def test_an_engine_that_is_stopped_is_started(docker_io: CommandRun, site: Project) -> None:
    host = site.host(DISTRO)
    ask(host, "systemctl disable --now docker.service docker.socket 2>&1")
    provision(site, DISTRO, docker_source="existing").exits(ExitCode.OK)
    engine_runs(host)


def test_what_dpkg_has_left_half_configured_is_finished(docker_io: CommandRun, site: Project) -> None:
    """The script that follows the files has failed, as on a host that was rebooted in the middle."""
    host, script = site.host(DISTRO), "/var/lib/dpkg/info/docker.io.postinst"
    ask(host, "systemctl stop docker.service docker.socket 2>&1")
    ask(
        host,
        f"dpkg --unpack /var/cache/apt/archives/docker.io_*.deb && cp {script} /root/kept && echo 'exit 1' >{script}",
    )
    assert host.exec("dpkg --configure docker.io")[0] != 0
    ask(host, f"cat /root/kept >{script}")
    state = "dpkg-query -W -f '${db:Status-Status}' docker.io"
    assert ask(host, state) == "half-configured"

    run = provision(site, DISTRO).exits(ExitCode.OK)
    assert "dpkg --configure -a (because an interrupted run has left unfinished: docker.io)" in " ".join(
        run.output.split()
    )
    assert ask(host, state) == "installed"
    engine_runs(host)
