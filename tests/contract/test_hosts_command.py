"""`deploy hosts trust` against a real sshd."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sshd import Sshd, make_key

from deployer.cli.hosts import hosts
from deployer.transport.ssh import SshRemote


@pytest.fixture
def trust(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs the command in a project folder and a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "inventories").mkdir()
    inventory(tmp_path, server)

    def run(*argv: str) -> Result:
        return CliRunner().invoke(hosts, ["trust", "prod", *argv])

    return run


def inventory(folder: Path, server: Sshd, extra: str = "") -> None:
    (folder / "inventories" / "prod.yml").write_text(
        f"all:\n  hosts:\n    web1:\n      ansible_host: 127.0.0.1\n      ansible_port: {server.port}\n{extra}"
    )


def test_a_new_key_is_shown_added_and_then_known(trust: object, server: Sshd, tmp_path: Path) -> None:
    assert callable(trust)
    first = trust("--yes")
    assert first.exit_code == 0, first.output
    line = first.stdout.splitlines()[0]
    assert line.startswith(f"web1  127.0.0.1 port {server.port}  ssh-ed25519  SHA256:")
    assert line.endswith("  new")
    known = tmp_path / ".ssh" / "known_hosts"
    assert known.read_text() == f"[127.0.0.1]:{server.port} {server.public_key('ed25519')}\n"
    assert trust().stdout.splitlines() == [line.removesuffix("new") + "known"]
    remote = SshRemote(server.endpoint(), options=server.options(known_hosts=(str(known),)))
    assert remote.run("true").ok
    remote.close()


def test_without_a_terminal_the_flag_is_named_and_nothing_is_added(trust: object, tmp_path: Path) -> None:
    assert callable(trust)
    result = trust()
    assert result.exit_code == 2
    assert "--yes" in result.output
    assert not (tmp_path / ".ssh").exists()


def test_a_changed_key_needs_replace(trust: object, server: Sshd, tmp_path: Path) -> None:
    assert callable(trust)
    known = tmp_path / ".ssh" / "known_hosts"
    known.parent.mkdir()
    stranger = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    known.write_text(f"other {stranger}[127.0.0.1]:{server.port} {stranger}")
    before = known.read_text()
    refused = trust("--yes")
    assert refused.exit_code == 4
    assert f"CHANGED ({known}:2 knows SHA256:" in refused.stdout
    assert "--replace" in refused.stderr
    assert known.read_text() == before
    assert trust("--yes", "--replace").exit_code == 0
    assert known.read_text() == f"other {stranger}[127.0.0.1]:{server.port} {server.public_key('ed25519')}\n"
    assert known.with_name("known_hosts.old").read_text() == before


def test_the_inventorys_file_is_used_where_it_names_one(trust: object, server: Sshd, tmp_path: Path) -> None:
    assert callable(trust)
    inventory(tmp_path, server, f"      deploy_known_hosts: {tmp_path}/team\n")
    assert f"added to {tmp_path}/team" in trust("--yes").stdout
    assert str(server.port) in (tmp_path / "team").read_text()
    assert not (tmp_path / ".ssh").exists()


def test_a_host_that_is_down_is_told_and_the_others_are_trusted(trust: object, server: Sshd, tmp_path: Path) -> None:
    assert callable(trust)
    inventory(tmp_path, server, "    web2:\n      ansible_host: 127.0.0.1\n      ansible_port: 1\n")
    result = trust("--yes")
    assert result.exit_code == 4
    assert "web2  unreachable: " in result.stdout
    assert "connection refused" in result.stdout
    assert str(server.port) in (tmp_path / ".ssh" / "known_hosts").read_text()


def test_every_help_ends_with_an_example() -> None:
    for argv in (["--help"], ["trust", "--help"]):
        assert "deploy hosts trust prod" in CliRunner().invoke(hosts, argv).output
