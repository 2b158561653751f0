"""Hosts that have a bad day: full or read-only discs, ports and subnets of others, a wrong clock.

What is in the way is found out before anything is brought, and named; what serves goes on serving.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from host_state import ask, untouched
from put_back import put_back
from story import Project

from deployer.errors import ExitCode
from deployer.lab.host import LabHost

HOST = "web1"
PORT = "18090"


@pytest.fixture
def host(lone_shop: Project) -> LabHost:
    return lone_shop.host(HOST)


@pytest.fixture
def small(lone_shop: Project, host: LabHost) -> Iterator[str]:
    """A file system of the shop's own where releases lie: 4 MB and 120 inodes, which may change."""
    folder = f"/mnt/{lone_shop.name}"
    ask(host, f"mkdir -p {folder} && mount -t tmpfs -o size=4m,nr_inodes=120 small {folder}")
    lone_shop.variables |= {"deploy_root": folder, "deploy_free_space": 0}
    yield folder
    ask(host, f"umount {folder} && rmdir {folder}")


def current(project: Project, root: str) -> str:
    return project.host(HOST).exec(["readlink", f"{root}/{project.name}/current"])[1].strip()


def folders(project: Project, root: str) -> list[str]:
    return ask(project.host(HOST), f"ls -A {root}/{project.name}/releases").split()


def test_discs_without_room(lone_shop: Project, host: LabHost, small: str) -> None:
    """Before the first release, before another one, and found out by the transfer: no half release is left."""
    lone_shop.variables["deploy_free_space"] = 256
    with untouched([host]):
        refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
        lone_shop.deploy("--check").exits(ExitCode.ROLLED_BACK)
    assert f"MB are free on {small}" in refused.stdout
    assert "deploy_free_space" in refused.stdout
    refused = lone_shop.deploy("--check", "-e", "deploy_free_space=9e9").exits(ExitCode.ROLLED_BACK)
    assert "/var/lib/docker: " in refused.stdout

    lone_shop.variables["deploy_free_space"] = 0
    lone_shop.deploy().exits(ExitCode.OK)
    first, there = current(lone_shop, small), folders(lone_shop, small)
    (lone_shop.folder / "www" / "film").write_bytes(bytes(range(256)) * 20_000)
    refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert "no space for it" in refused.output
    assert f"df -h {small}" in refused.output
    assert (current(lone_shop, small), folders(lone_shop, small)) == (first, there)
    assert lone_shop.page(HOST) == "first"

    (lone_shop.folder / "www" / "film").unlink()
    ask(host, f"mount -o remount,nr_inodes=$(($(df -Pi {small} | awk 'END {{ print $3 }}') + 3)) {small}")
    for number in range(20):
        lone_shop.write(f"www/page{number}", f"{number}\n")
    refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert "inodes" in refused.output
    assert (current(lone_shop, small), folders(lone_shop, small)) == (first, there)
    assert lone_shop.page(HOST) == "first"


def test_disc_that_has_become_read_only(lone_shop: Project, host: LabHost, small: str) -> None:
    lone_shop.deploy().exits(ExitCode.OK)
    lone_shop.write("www/index.html", "second\n")
    ask(host, f"mount -o remount,ro {small}")
    with put_back(lone_shop):
        refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert f"is on a read-only file system ({small})" in refused.stdout
    assert lone_shop.page(HOST) == "first"
    ask(host, f"mount -o remount,rw {small}")
    lone_shop.deploy().exits(ExitCode.OK)
    assert lone_shop.page(HOST) == "second"


def publish(project: Project, ports: str) -> None:
    project.edit("compose.yaml", "    volumes:\n      - uploads", f"    {ports}\n    volumes:\n      - uploads")


@contextmanager
def container(host: LabHost, name: str, *options: str) -> Iterator[None]:
    """A container of a stranger on a host, for a while."""
    ask(host, f"docker run --detach --init --name {name} {' '.join(options)} busybox:1 sleep 1d")
    try:
        yield
    finally:
        ask(host, f"docker rm --force {name}")


def test_ports_of_others_are_named_and_own_ones_are_not(lone_shop: Project, host: LabHost) -> None:
    publish(lone_shop, f'ports: ["{PORT}:8080"]')
    ask(host, "docker pull --quiet busybox:1")
    with container(host, "stranger", f"--publish 127.0.0.1:{PORT}:80"), put_back(lone_shop):
        refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    assert f"web: port {PORT} is taken by container stranger" in refused.stdout

    listen = f"use IO::Socket; @s = (IO::Socket::INET->new(LocalPort => {PORT}, Listen => 5)); sleep 600"
    ask(host, f"systemd-run --quiet --unit=story-listens perl -e '{listen}'")
    ask(host, f"for n in 1 2 3 4 5 6 7 8 9; do ss -Hltn | grep -q :{PORT} && break; sleep 0.2; done")
    refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    ask(host, "systemctl stop story-listens")
    assert f"web: port {PORT} is taken by perl (pid " in refused.stdout
    assert lone_shop.releases(HOST) == []

    lone_shop.deploy().exits(ExitCode.OK)
    lone_shop.write("www/index.html", "second\n")
    lone_shop.deploy().exits(ExitCode.OK)
    assert ask(host, f"curl --silent http://127.0.0.1:{PORT}/") == "second\n"


def test_subnets_and_volumes_of_others(lone_shop: Project, host: LabHost) -> None:
    lone_shop.edit("compose.yaml", "  backend:\n\n", "  backend:\n    ipam: {config: [{subnet: 10.98.7.0/24}]}\n\n")
    ask(host, "docker pull --quiet busybox:1 && docker network create --subnet 10.98.0.0/16 story-clash")
    try:
        refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
    finally:
        ask(host, "docker network rm story-clash")
    assert (
        f"network {lone_shop.name}_backend: subnet 10.98.7.0/24 overlaps with 10.98.0.0/16 of network story-clash"
        in (refused.stdout)
    )
    lone_shop.deploy().exits(ExitCode.OK)

    lone_shop.write("www/index.html", "second\n")
    volume = f"{lone_shop.name}_uploads"
    with container(host, "importer", f"--volume {volume}:/in"):
        with put_back(lone_shop):
            refused = lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
        assert f"volume {volume} is in use by container importer, which may write to it" in refused.stdout
        lone_shop.deploy("-e", "deploy_allow=volume-in-use,project-renamed").exits(ExitCode.OK)
    lone_shop.write("www/index.html", "third\n")
    with container(host, "reader", f"--volume {volume}:/in:ro"):
        lone_shop.deploy().exits(ExitCode.OK)
    assert lone_shop.page(HOST) == "third"


def test_clock_that_is_a_day_off(lone_shop: Project, host: LabHost) -> None:
    """Leases, deadlines and journals go by the host's own clock, which the host's `date` tells a day ahead here."""
    wrong = '#!/bin/sh\nexec /usr/bin/date -d "+1 day" "$@"\n'
    lone_shop.deploy().exits(ExitCode.OK)
    lone_shop.write("www/index.html", "second\n")
    ask(host, f"printf '%s' '{wrong}' >/usr/local/bin/date && chmod 755 /usr/local/bin/date")
    try:
        warned = lone_shop.deploy().exits(ExitCode.OK)
        assert "clock is 24 h ahead of this machine's" in warned.stderr
        assert lone_shop.page(HOST) == "second"
        lone_shop.write("serve.sh", "exit 1\n")
        lone_shop.deploy().exits(ExitCode.ROLLED_BACK)
        assert lone_shop.page(HOST) == "second"
    finally:
        ask(host, "rm /usr/local/bin/date")
