"""Hosts that cannot be reached, are not who they should be, or do not let us in: nothing changes anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from host_state import ask, untouched
from stage import NAMES, WEB
from story import Project

from deployer.errors import ExitCode
from deployer.lab.host import LabHost

PAGE = "www/index.html"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"


@pytest.fixture
def changed(breakable: Project, request: pytest.FixtureRequest) -> Project:
    """A shop with something new to deploy: whatever changes nothing does so because it was refused."""
    breakable.write(PAGE, f"{request.node.name}\n")
    return breakable


@contextmanager
def configured(host: LabHost, file: str, text: str, then: str = "true") -> Iterator[None]:
    """A configuration file on a host that is there for a while; `then` lets it be read."""
    ask(host, f"printf '%s\\n' '{text}' >{file} && {then}")
    try:
        yield
    finally:
        ask(host, f"rm -f {file} && {then}")


def assert_deploys(project: Project, *args: str) -> None:
    release = project.release()
    project.deploy(*args).exits(ExitCode.OK)
    page = (project.folder / PAGE).read_text().strip()
    assert project.serving() == dict.fromkeys(WEB, page)
    assert project.release() > release


def test_one_host_of_three_does_not_answer(changed: Project) -> None:
    changed.host_variables["db1"] = {"ansible_port": 9}
    with untouched(changed.fleet.hosts.values()):
        refused = changed.deploy().exits(ExitCode.UNREACHABLE)
    assert "db1 is unreachable" in refused.stdout
    assert f"{changed.host('db1').address}:9: connection refused" in refused.output


def test_one_host_of_three_is_dark(changed: Project) -> None:
    """Nobody says no: the network is silent."""
    dark = changed.host("web2")
    dark.disconnect()
    try:
        with untouched([changed.host("web1"), changed.host("db1")]):
            refused = changed.deploy().exits(ExitCode.UNREACHABLE)
    finally:
        dark.connect()
    assert "web2 is unreachable" in refused.stdout
    assert refused.seconds < 60


def test_unknown_host_keys_are_shown_refused_and_then_trusted(changed: Project) -> None:
    known_hosts = changed.room / "own_known_hosts"
    changed.variables["deploy_known_hosts"] = str(known_hosts)
    with untouched(changed.fleet.hosts.values()):
        refused = changed.deploy().exits(ExitCode.UNREACHABLE)
        changed.command("hosts", "trust", "lab").exits(ExitCode.USAGE)
        assert not known_hosts.exists(), "without a terminal nobody was asked"
    assert "deploy hosts trust lab" in refused.output
    shown = {name: fingerprint_of(changed.host(name)) for name in NAMES}
    assert all(fingerprint in refused.output for fingerprint in shown.values())

    trusted = changed.command("hosts", "trust", "lab", "--yes").exits(ExitCode.OK)
    assert all(fingerprint in trusted.stdout for fingerprint in shown.values())
    assert_deploys(changed)


def fingerprint_of(host: LabHost) -> str:
    """SHA256:… as the host's own console shows it."""
    fingerprint = ask(host, f"ssh-keygen -lf {HOST_KEY}").split()[1]
    assert fingerprint.startswith("SHA256:")
    return fingerprint


def test_changed_host_key_is_refused_with_the_line_that_knows_another(changed: Project) -> None:
    """web2 shows another key than the one that is known of it: that of web1."""
    known_hosts = changed.room / "changed_known_hosts"
    address = changed.host("web2").address
    lines = [line for line in changed.fleet.known_hosts.read_text().splitlines() if not line.startswith(address)]
    key = ask(changed.host("web1"), f"cut -d ' ' -f 1,2 {HOST_KEY}").strip()
    known_hosts.write_text("\n".join([*lines, f"{address} {key}"]) + "\n")
    changed.variables["deploy_known_hosts"] = str(known_hosts)
    with untouched(changed.fleet.hosts.values()):
        refused = changed.deploy().exits(ExitCode.UNREACHABLE)
        changed.command("hosts", "trust", "lab", "--yes").exits(ExitCode.UNREACHABLE)
    assert f"{known_hosts}:{len(lines) + 1} " in refused.output
    assert fingerprint_of(changed.host("web1")) in refused.output, "what was expected"
    assert fingerprint_of(changed.host("web2")) in refused.output, "what was shown"

    changed.command("hosts", "trust", "lab", "--yes", "--replace").exits(ExitCode.OK)
    changed.deploy("--check").exits(ExitCode.OK)


def test_sudo_that_asks_for_a_password(changed: Project) -> None:
    """Refused without one; with one in the inventory it works, and the password is shown nowhere."""
    host, password = changed.host("web2"), "correct-horse-battery"
    ask(host, f"echo 'deploy:{password}' | chpasswd")
    with configured(host, "/etc/sudoers.d/zz-story", "deploy ALL=(ALL:ALL) PASSWD: ALL"):
        with untouched(changed.fleet.hosts.values()):
            refused = changed.deploy().exits(ExitCode.UNREACHABLE)
            changed.host_variables["web2"] = {"ansible_become_password": "wrong"}
            changed.deploy().exits(ExitCode.UNREACHABLE)
        assert "ansible_become_password" in refused.output
        changed.host_variables["web2"] = {"ansible_become_password": password}
        assert_deploys(changed, "-v")
    assert password not in "".join(run.output for run in changed.runs)


def test_user_who_may_not_log_in(changed: Project) -> None:
    changed.variables["ansible_user"] = "nobody"
    with untouched(changed.fleet.hosts.values()):
        refused = changed.deploy().exits(ExitCode.UNREACHABLE)
    assert "ansible_user" in refused.output


def test_root_may_log_in_and_sshd_may_listen_elsewhere(changed: Project) -> None:
    host = changed.host("web1")
    keys = [line.split(" ", 1)[1] for line in host.host_keys()]
    known_hosts = changed.room / "known_hosts_of_the_port"
    known_hosts.write_text("".join(f"[{host.address}]:2222 {key}\n" for key in keys))
    changed.variables |= {
        "deploy_known_hosts": [str(known_hosts), str(changed.fleet.known_hosts)],
        "ansible_user": "root",
    }
    changed.host_variables["web1"] = {"ansible_port": 2222}
    with configured(host, "/etc/ssh/sshd_config.d/20-story.conf", "Port 2222", then="systemctl restart ssh"):
        assert_deploys(changed)


def test_limit_to_one_host(changed: Project) -> None:
    before = changed.release()
    with untouched([changed.host("web2"), changed.host("db1")]):
        changed.deploy("--limit", "web1").exits(ExitCode.OK)
    assert changed.page("web1") != changed.page("web2")
    assert changed.current_on("web1") > before

    changed.deploy().exits(ExitCode.OK)
    assert changed.release() == changed.current_on("web1"), "the others join the release that is there already"
