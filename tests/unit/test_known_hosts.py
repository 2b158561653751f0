"""What known_hosts files say about a key, line by line."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from deployer.errors import Place
from deployer.transport.known_hosts import (
    KnownHosts,
    PublicKey,
    Standing,
    forget,
    host_names,
    parse_line,
    read_known_hosts,
    trust,
)


def key(seed: str, kind: str = "ssh-ed25519") -> PublicKey:
    name = kind.encode()
    return PublicKey(kind, len(name).to_bytes(4, "big") + name + seed.encode())


ONE, TWO, RSA = key("one"), key("two"), key("three", "ssh-rsa")


def known(*lines: str) -> KnownHosts:
    parsed = [parse_line(line, Place("known_hosts", number)) for number, line in enumerate(lines, 1)]
    return KnownHosts(tuple(line for line in parsed if line))


def standing(hosts: KnownHosts, shown: PublicKey, address: str = "web1", port: int = 22) -> Standing:
    return hosts.judge(host_names(address, port), shown).standing


@pytest.mark.parametrize(
    ("names", "address", "port"),
    [
        ("web1", "web1", 22),
        ("WEB1", "web1", 22),
        ("web1", "Web1", 22),
        ("db1,web1,10.0.0.1", "10.0.0.1", 22),
        ("web?", "web1", 22),
        ("*.example.org", "web1.example.org", 22),
        ("[web1]:2222", "web1", 2222),
        ("[*]:2222", "web1", 2222),
        ("web1", "web1", 2222),
        ("2001:db8::1", "2001:db8::1", 22),
        ("[2001:db8::1]:2222", "2001:db8::1", 2222),
        ("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=", "192.168.1.61", 22),
    ],
)
def test_a_line_covers(names: str, address: str, port: int) -> None:
    assert standing(known(ONE.line(names)), ONE, address, port) is Standing.KNOWN


@pytest.mark.parametrize(
    ("names", "address", "port"),
    [
        ("web1", "web10", 22),
        ("web1.example.org", "web1", 22),
        ("[web1]:2222", "web1", 22),
        ("[web1]:2222", "web1", 2223),
        ("*,!web1", "web1", 22),
        ("[we]b1", "web1", 22),
        ("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=", "192.168.1.62", 22),
        ("|1|no base64|at all", "web1", 22),
        ("|1|short", "web1", 22),
    ],
)
def test_a_line_does_not_cover(names: str, address: str, port: int) -> None:
    assert standing(known(ONE.line(names)), ONE, address, port) is Standing.NEW


def test_another_key_of_the_same_kind_is_a_change_and_names_its_line() -> None:
    judgement = known("# comment", RSA.line("web1"), ONE.line("web1")).judge(("web1",), TWO)
    assert judgement.standing is Standing.CHANGED
    assert judgement.because is not None
    assert str(judgement.because.place) == "known_hosts:3"


def test_another_kind_of_key_alone_is_a_change_too() -> None:
    assert standing(known(RSA.line("web1")), ONE) is Standing.CHANGED


def test_one_of_several_keys_is_enough() -> None:
    assert standing(known(ONE.line("web1"), TWO.line("web1")), TWO) is Standing.KNOWN


def test_another_key_without_the_port_is_no_change() -> None:
    assert standing(known(ONE.line("web1")), TWO, port=2222) is Standing.NEW


def test_a_revoked_key_is_refused_wherever_its_line_stands() -> None:
    assert standing(known(ONE.line("web1"), "@revoked " + ONE.line("*")), ONE) is Standing.REVOKED
    assert standing(known(TWO.line("web1"), "@revoked " + ONE.line("*")), TWO) is Standing.KNOWN


def test_an_authority_is_no_host_key() -> None:
    assert standing(known("@cert-authority " + ONE.line("web1")), ONE) is Standing.NEW


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "# web1 ssh-ed25519 AAAA",
        "web1",
        "web1 ssh-ed25519",
        "web1 ssh-ed25519 !!!",
        "@other web1 ssh-rsa AAAA",
        f"web1 ssh-rsa {base64.b64encode(ONE.blob).decode()}",
    ],
)
def test_what_is_no_key_is_passed_over(line: str) -> None:
    assert parse_line(line, Place("x", 1)) is None
    assert standing(known(line, ONE.line("web1")), ONE) is Standing.KNOWN


def test_an_alias_stands_for_address_and_port() -> None:
    assert host_names("10.0.0.1", 2222, "Shop") == ("shop",)


def test_known_types_are_told_in_order_once() -> None:
    hosts = known(RSA.line("web1"), ONE.line("web1"), TWO.line("web1"), ONE.line("other"))
    assert hosts.types(("web1",)) == ("ssh-rsa", "ssh-ed25519")


def test_a_fingerprint_is_the_one_that_ssh_keygen_prints() -> None:
    blob = base64.b64decode("AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
    assert PublicKey("ssh-ed25519", blob).fingerprint == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_missing_files_say_nothing_and_changed_ones_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    assert read_known_hosts([str(path)]).lines == ()
    trust(str(path), [("web1", ONE)])
    assert standing(read_known_hosts([str(path)]), ONE) is Standing.KNOWN
    trust(str(path), [("web1", TWO)])
    assert standing(read_known_hosts([str(path)]), TWO) is Standing.KNOWN


def test_trusting_makes_a_private_file_and_ends_an_open_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "known_hosts"
    trust(str(path), [("web1", ONE)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.write_text(ONE.line("web1"))
    trust(str(path), [("[web2]:2222", TWO)])
    assert path.read_text() == f"{ONE.line('web1')}\n{TWO.line('[web2]:2222')}\n"


def test_forgetting_takes_one_host_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    kept = ["# mine", TWO.line("web2"), "@revoked " + RSA.line("web1"), ONE.line("*.org")]
    path.write_text("\n".join([ONE.line("web1"), RSA.line("web1,web3"), *kept]) + "\n")
    before = path.read_text()
    assert forget(str(path), "web1") == 2
    assert path.read_text().splitlines() == [RSA.line("web3"), *kept]
    assert (tmp_path / "known_hosts.old").read_text() == before
    assert forget(str(path), "web1") == 0
