"""Subnets and addresses that nobody else has."""

from ipaddress import IPv4Network

import pytest

from deployer.errors import LabError
from deployer.lab.network import choose_address, choose_subnet, parse_routes

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0002D20A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def test_routes_are_read_without_the_default_one():
    assert parse_routes(ROUTES) == [IPv4Network("10.210.2.0/24")]


def test_a_subnet_overlaps_with_nothing_that_is_taken():
    taken = [IPv4Network("10.210.0.0/23"), IPv4Network("10.210.3.0/24")]
    assert str(choose_subnet(taken)) == "10.210.2.0/24"
    assert str(choose_subnet(taken, start=3)) == "10.210.4.0/24"
    assert str(choose_subnet(taken, start=256)) == "10.210.2.0/24"


def test_the_last_subnet_is_followed_by_the_first():
    assert str(choose_subnet([IPv4Network("10.210.255.0/24")], start=255)) == "10.210.0.0/24"


def test_a_full_room_is_refused():
    with pytest.raises(LabError):
        choose_subnet([IPv4Network("10.0.0.0/8")])


def test_addresses_for_hosts_begin_at_ten_and_skip_what_is_taken():
    subnet = IPv4Network("10.210.7.0/24")
    assert choose_address(subnet, []) == "10.210.7.10"
    assert choose_address(subnet, ["10.210.7.10", "10.210.7.12"]) == "10.210.7.11"
