"""Ports and subnets that clash, ports as Compose writes them, and what hosts say of theirs."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from deployer.config.compose_ports import ports_of
from deployer.facts.strangers import ContainersSeen, Listeners, RunningContainers, Subnets
from deployer.model.ports import Taken
from deployer.model.project import Service
from deployer.rollout.ports import overlap, taken_ports
from deployer.rollout.subnets import clashes


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("8080:80", ["8080/tcp"]),
        ("127.0.0.1:8080:80/udp", ["127.0.0.1:8080/udp"]),
        ("[::1]:8080:80", ["[::1]:8080/tcp"]),
        ("8000-8002:80-82", ["8000/tcp", "8001/tcp", "8002/tcp"]),
        ("8000-8002:80", []),  # any of them
        ("80", []),
        ("${PORT:-8080}:80", ["8080/tcp"]),
        ("${OTHER}:80", ["9090/tcp"]),
        ("${NOBODY}:80", []),
        ("8080:", []),
    ],
)
def test_what_a_service_publishes(written: str, published: list[str]) -> None:
    assert list(ports_of(Service(name="web", ports=(written,)), {"OTHER": "9090"})) == published


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("", "127.0.0.1", True),
        ("", "::1", True),
        ("127.0.0.1", "*", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "::", False),  # IPv6 alone
        ("127.0.0.1", "127.0.0.53", False),
        ("::1", "::", True),
        ("10.0.0.1", "10.0.0.1", True),
    ],
)
def test_addresses_that_overlap(one: str, other: str, clash: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is clash


def taken(number: int, by: str, address: str = "", protocol: str = "tcp") -> Taken:
    return Taken(address=address, number=number, protocol=protocol, by=by)


def test_ports_that_are_taken_are_named_once() -> None:
    wanted = {"web": ("8080/tcp", "127.0.0.1:53/udp"), "db": ("5432/tcp",)}
    there = [taken(8080, "nginx (pid 8)"), taken(8080, "nginx (pid 8)", "::"), taken(53, "dnsmasq"), taken(22, "sshd")]
    assert taken_ports(wanted, there) == ("web: port 8080 is taken by nginx (pid 8)",)
    assert taken_ports(wanted, [taken(53, "dnsmasq (pid 7)", protocol="udp")]) == (
        "web: port 127.0.0.1:53/udp is taken by dnsmasq (pid 7)",
    )


SS = """\
udp UNCONN 0      0      127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=5,fd=14))
tcp LISTEN 0      128          [::]:22       [::]:* users:(("sshd",pid=85,fd=7))
tcp LISTEN 0      4096            *:9100          *:*
tcp LISTEN 0      4096      0.0.0.0:8080  0.0.0.0:* users:(("docker-proxy",pid=85,fd=7))
"""
PROC = """\
proc   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
proc    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
proc    1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
"""


def test_listeners_as_ss_and_as_the_kernel_tell_them() -> None:
    assert Listeners("/srv/shop").parse(SS, 0) == (
        taken(53, "systemd-resolve (pid 5)", "127.0.0.53", "udp"), taken(22, "sshd (pid 85)", "::"),
        taken(9100, "another program", "*"),
    )  # fmt: skip
    assert Listeners("/srv/shop").parse(PROC, 0) == (taken(8080, "another program", "127.0.0.1"),)


def packed(listed: object) -> str:
    """An answer of the Engine as the host's shell hands it on."""
    answer = f"HTTP/1.1 200 OK\r\nServer: Docker/26.1.5 (linux)\r\n\r\n{json.dumps(listed)}\n"
    return base64.encodebytes(gzip.compress(answer.encode(), mtime=0)).decode()


def test_containers_of_others_and_own_ones() -> None:
    ports = [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 9, "Type": "udp"},
    ]  # fmt: skip
    mounts = [
        {"Type": "volume", "Name": "shop_data", "RW": True}, {"Type": "volume", "Name": "shop_logs", "RW": False},
        {"Type": "bind", "Source": "/etc", "RW": True},
    ]  # fmt: skip
    own = [{"IP": "", "PrivatePort": 80, "PublicPort": 80, "Type": "tcp"}]
    label = "com.docker.compose.project"
    listed = [
        {"Names": ["/blog-web-1"], "Labels": {label: "blog"}, "Ports": ports, "Mounts": mounts},
        {"Names": ["/alone"], "Labels": {}, "Ports": [], "Mounts": []},
        {"Names": ["/shop-web-1"], "Labels": {label: "shop"}, "Ports": own, "Mounts": []},
    ]
    seen = RunningContainers("/srv/shop", "shop").parse(packed(listed), 0)
    assert [str(one) for one in seen.strangers] == ["container alone", "container blog-web-1 of project blog"]
    assert seen.strangers[1].volumes == ("shop_data",)
    assert seen.strangers[1].ports == (taken(8080, "container blog-web-1 of project blog", "0.0.0.0"),)
    assert [port.number for port in seen.own] == [80]


@pytest.mark.parametrize("output", ["", "\n", "docker: not found", packed({"message": "no"}), packed([])[:-12]])
def test_an_engine_that_has_nothing_to_say(output: str) -> None:
    assert RunningContainers("/srv/shop", "shop").parse(output, 1) == ContainersSeen()


def test_subnets_of_networks_and_interfaces() -> None:
    routes = """\
10.0.0.0/24 dev eth0 proto kernel src 10.0.0.5
172.17.0.0/16 dev docker0 proto kernel src 172.17.0.1 linkdown
172.18.0.0/16 dev br-d1f9c0a0d8e8 proto kernel src 172.18.0.1
fe80::/64 dev eth0 proto kernel metric 256
"""
    networks = [
        {"Name": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]}, "Labels": {}},
        {"Name": "shop_default", "IPAM": {"Config": []}, "Labels": {"com.docker.compose.project": "shop"}},
        {"Name": "host", "IPAM": {"Config": None}, "Labels": None},
    ]
    seen = Subnets("/srv/shop", "shop").parse(f"{routes}networks:\n{packed(networks)}", 0)
    assert seen.by == {"interface eth0": ("10.0.0.0/24",), "network bridge": ("172.17.0.0/16",), "network host": ()}
    assert seen.own == ("shop_default",)


def test_subnets_that_clash() -> None:
    there = {"network blog": ("10.1.0.0/16", "fd00::/64"), "network shop_db": ("10.9.0.0/24",)}
    assert clashes({"shop_a": ("10.1.2.0/24",), "shop_b": ("10.2.0.0/24", "fd00::/80")}, there) == (
        "network shop_a: subnet 10.1.2.0/24 overlaps with 10.1.0.0/16 of network blog",
        "network shop_b: subnet fd00::/80 overlaps with fd00::/64 of network blog",
    )
    assert clashes({"shop_db": ("10.9.0.0/24",), "shop_c": ("${SUBNET}",)}, there) == ()
