"""No host is logged in to whose key is not known: what is refused, and what is understood."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sshd import Sshd, logged_in, make_key

from deployer.errors import HostKeyError


def refused(server: Sshd, known_hosts: Path | str, **changes: object) -> HostKeyError:
    with (
        logged_in(server, {"known_hosts": (str(known_hosts),)}, **changes) as remote,
        pytest.raises(HostKeyError) as caught,
    ):
        remote.connect()
    return caught.value


def fingerprint(server: Sshd, kind: str) -> str:
    command = ["ssh-keygen", "-l", "-f", str(server.room / f"host_{kind}.pub")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1]


@pytest.fixture(scope="module")
def certified(make_sshd: Callable[..., Sshd]) -> Sshd:
    """A server whose ed25519 key an authority has signed."""
    server = make_sshd()
    server.stop()
    make_key(server.room / "authority")
    certify(server, "-n", "127.0.0.1")
    server.extra = f"HostCertificate {server.room}/host_ed25519-cert.pub\n"
    return server.start()


def certify(server: Sshd, *flags: str, host: bool = True) -> None:
    kind = ["-h"] if host else ["-n", "root"]
    command = ["ssh-keygen", "-q", "-s", str(server.room / "authority"), "-I", "host", *kind, *flags]
    subprocess.run([*command, str(server.room / "host_ed25519.pub")], check=True, capture_output=True)


def test_an_unknown_key_is_refused_with_its_fingerprint(server: Sshd, tmp_path: Path) -> None:
    error = refused(server, tmp_path / "none")
    expected = f"127.0.0.1 port {server.port} shows the ssh-ed25519 key {fingerprint(server, 'ed25519')}"
    assert str(error) == f"web1: {expected}, which is not known"
    assert error.hint == "check the fingerprint, then: deploy hosts trust ENV"


def test_the_host_is_refused_before_anyone_logs_in(server: Sshd, tmp_path: Path) -> None:
    before = (server.room / "log").read_text()
    refused(server, tmp_path / "none")
    time.sleep(0.2)
    assert "Accepted" not in (server.room / "log").read_text()[len(before) :]
    assert "Failed" not in (server.room / "log").read_text()[len(before) :]


def test_a_changed_key_names_the_line_that_knows_another(server: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    known = tmp_path / "known"
    known.write_text(f"# mine\n[127.0.0.1]:{server.port} {other}")
    error = refused(server, known)
    assert f"but {known}:2 knows ssh-ed25519 SHA256:" in str(error)
    assert "--replace" in (error.hint or "")


def test_a_revoked_key_is_refused_even_if_known(server: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    key = server.public_key("ed25519")
    known.write_text(f"[127.0.0.1]:{server.port} {key}\n@revoked * {key}\n")
    assert f"which {known}:2 revokes" in str(refused(server, known))


def test_a_hashed_name_is_understood(server: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{server.port} {server.public_key('ed25519')}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    assert "127.0.0.1" not in known.read_text()
    with logged_in(server, {"known_hosts": (str(known),)}) as remote:
        assert remote.run("echo in").stdout == "in\n"


def test_a_line_for_another_port_does_not_count(server: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{server.port + 1} {server.public_key('ed25519')}\n")
    assert "which is not known" in str(refused(server, known))


def test_bad_lines_and_authorities_do_not_drop_the_file(server: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    key = server.public_key("ed25519")
    known.write_text(f"rubbish\n@cert-authority *.example.org {key}\nx ssh-rsa !!!\n[127.0.0.1]:{server.port} {key}\n")
    with logged_in(server, {"known_hosts": (str(known),)}) as remote:
        assert remote.run("true").ok


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_the_host_is_asked_for_the_kind_of_key_that_is_known(server: Sshd, tmp_path: Path, kind: str) -> None:
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{server.port} {server.public_key(kind)}\n")
    with logged_in(server, {"known_hosts": (str(known),)}) as remote:
        assert remote.run("true").ok


def test_files_of_the_endpoint_count_too(server: Sshd) -> None:
    with logged_in(server, {"known_hosts": ()}, known_hosts=(str(server.known_hosts),)) as remote:
        assert remote.run("true").ok


def test_a_certified_key_is_trusted_where_its_authority_is(certified: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    authority = (certified.room / "authority.pub").read_text()
    known.write_text(f"@cert-authority [127.0.0.1]:* {authority}")
    with logged_in(certified, {"known_hosts": (str(known),)}) as remote:
        assert remote.run("true").ok


def test_a_certificate_of_another_authority_is_refused(certified: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    stranger = make_key(tmp_path / "stranger").with_suffix(".pub").read_text()
    known.write_text(f"@cert-authority * {stranger}")
    assert "which is not known" in str(refused(certified, known))


def test_a_revoked_authority_is_refused(certified: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    authority = (certified.room / "authority.pub").read_text()
    known.write_text(f"@cert-authority * {authority}@revoked * {authority}")
    assert "which is not known" in str(refused(certified, known))


@pytest.mark.parametrize("flags", [["-n", "elsewhere"], ["-V", "20200101:20210101"], []])
def test_a_certificate_for_another_host_time_or_purpose_is_refused(
    certified: Sshd, tmp_path: Path, flags: list[str]
) -> None:
    known = tmp_path / "known"
    known.write_text(f"@cert-authority * {(certified.room / 'authority.pub').read_text()}")
    certify(certified, *flags, host=bool(flags))
    certified.stop()
    certified.start()
    try:
        assert "which is not known" in str(refused(certified, known))
    finally:
        certify(certified, "-n", "127.0.0.1")
        certified.stop()
        certified.start()
