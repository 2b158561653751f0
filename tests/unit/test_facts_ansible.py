"""Ansible's facts from what hosts print that this machine is not."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.facts.ansible import HostFacts
from deployer.model.facts import FACT_NAMES

CPU = "processor\t: {0}\nphysical id\t: {1}\ncpu cores\t: 2\n"


def facts(**sections: str) -> dict[str, Any]:
    return dict(HostFacts().parse("".join(f"\n={name}\n{text}\n" for name, text in sections.items()), 0))


@pytest.mark.parametrize(
    ("os", "more", "expected"),
    [
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble', {"debian": "trixie/sid"},
         ("Ubuntu", "24.04", "24", "noble", "Debian")),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"',
         {"redhat": "Rocky Linux release 9.4 (Blue Onyx)"}, ("Rocky", "9.4", "9", "NA", "RedHat")),
        ('NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3', {}, ("Alpine", "3.20.3", "3", "NA", "Alpine")),
        ('ID=debian\nVERSION_CODENAME=forky', {"debian": "forky/sid"}, ("Debian", "NA", "NA", "forky", "Debian")),
        ("", {}, ("NA", "NA", "NA", "NA", "")),
    ],
)  # fmt: skip
def test_distribution(os: str, more: dict[str, str], expected: tuple[str, ...]) -> None:
    seen = facts(os=os, **more)
    assert expected == tuple(
        seen[name] for name in ("distribution", "distribution_version", "distribution_major_version",
                                "distribution_release", "os_family")
    )  # fmt: skip


def test_two_sockets_of_two_cores_with_two_threads_each() -> None:
    seen = facts(processors="\n".join(CPU.format(number, number // 4) for number in range(8)))
    assert {key: seen[f"processor_{key}"] for key in ("count", "cores", "vcpus")} == {
        "count": 2, "cores": 2, "vcpus": 8,
    }  # fmt: skip


def test_processors_without_sockets_are_one_each() -> None:
    seen = facts(processors="processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\n")
    assert (seen["processor_count"], seen["processor_cores"], seen["processor_vcpus"]) == (2, 1, 2)


def test_host_without_a_way_out_has_no_default() -> None:
    assert facts(addresses="1: lo    inet 127.0.0.1/8 scope host lo")["default_ipv4"] == {}


def test_address_that_packets_leave_from_is_the_default() -> None:
    seen = facts(
        route="default via 10.0.0.1 dev eth0 src 10.0.0.7 metric 100",
        addresses="2: eth0    inet 10.0.0.5/24 brd 10.0.0.255 scope global eth0\\ valid_lft\n"
        "2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global secondary eth0",
        links="2: eth0@if3: <UP> mtu 1500 qdisc noqueue \\    link/ether 02:42:0a:00:00:05 brd ff:ff",
    )
    default = seen["default_ipv4"]
    assert (default["address"], default["gateway"], default["mtu"]) == ("10.0.0.7", "10.0.0.1", 1500)
    assert (default["macaddress"], default["prefix"], seen["interfaces"]) == ("02:42:0a:00:00:05", "24", ["eth0"])


def test_values_of_several_lines_and_folders_with_spaces() -> None:
    seen = facts(env="A=1\x01B=two\nlines\x01", mounts=r"/dev/sda1 /my\040disk ext4 rw 4096 10 5 100 60")
    assert seen["env"] == {"A": "1", "B": "two\nlines"}
    (mount,) = seen["mounts"]
    assert (mount["mount"], mount["size_total"], mount["inode_used"]) == ("/my disk", 40960, 40)


def test_host_that_says_nothing_still_has_the_names() -> None:
    assert set(FACT_NAMES) - set(facts()) == {"date_time", "uptime_seconds"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [("10.0.0.5 web1.example.org web1", "web1.example.org"), ("::1 localhost", "localhost"), ("- ", "web1"),
     ("10.0.0.5 web1 web1.example.org", "web1.example.org")],
)  # fmt: skip
def test_full_name(names: str, expected: str) -> None:
    seen = facts(uname="Linux\n6.1\nx86_64\nweb1", names=names)
    assert (seen["fqdn"], seen["hostname"]) == (expected, "web1")
