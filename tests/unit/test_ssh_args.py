"""What `ansible_ssh_common_args` and its kin mean, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config.endpoint import endpoint_of
from deployer.config.ssh_args import ArgumentError, parse_ssh_args
from deployer.errors import InventoryError
from deployer.model.inventory import Host
from deployer.model.ssh_options import FOLLOWED, WITHOUT_EFFECT

PAGE = Path(__file__).parents[2] / "docs" / "ssh.md"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", ()),
        ("-o ProxyJump=bastion", (("ProxyJump", "bastion"),)),
        ("-oProxyJump=bastion", (("ProxyJump", "bastion"),)),
        ("-o 'proxyjump me@bastion:22'", (("ProxyJump", "me@bastion:22"),)),
        (
            '-o ProxyCommand="ssh -W %h:%p -q me@bastion" -o StrictHostKeyChecking=no',
            (("ProxyCommand", "ssh -W %h:%p -q me@bastion"), ("StrictHostKeyChecking", "no")),
        ),
        ("-J a,b -i ~/key -l me -p 22 -F none", (
            ("ProxyJump", "a,b"), ("IdentityFile", "~/key"), ("User", "me"), ("Port", "22"), ("-F", "none"),
        )),
        ("-o 'ProxyCommand = nc --proxy=a %h=' ", (("ProxyCommand", "nc --proxy=a %h="),)),
        ("-C -o ControlMaster=auto -o ControlPersist=60s -AC -vvv", ()),
        ("-C4 -b 10.0.0.1", (("AddressFamily", "inet"), ("BindAddress", "10.0.0.1"))),
        ("-Cp2222 -E /tmp/log", (("Port", "2222"),)),
    ],
)  # fmt: skip
def test_flags_are_options_of_ssh_config(text: str, options: tuple[tuple[str, str], ...]) -> None:
    assert parse_ssh_args(text) == options


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("-o ProxyJumb=a", "`-o ProxyJumb` is not followed", "`ProxyJump`"),
        ("-o VerifyHostKeyDNS=yes", "`-o VerifyHostKeyDNS` is not followed", "docs/ssh.md"),
        ("-L 80:a:80", "`-L` is not followed", "docs/ssh.md"),
        ("-o Port", "`-o Port` needs a value", "-o Port=value"),
        ("-J", "`-J` needs a value", "value"),
        ("bastion", "`bastion` is no option of ssh", "-o Name=value"),
        ("-o 'Port=2", "cannot be taken apart", "quote"),
    ],
)
def test_what_is_not_followed_is_refused_by_name(text: str, told: str, hint: str) -> None:
    with pytest.raises(ArgumentError, match=told) as caught:
        parse_ssh_args(text)
    assert hint in caught.value.hint


def test_the_inventory_names_the_variable_and_the_host() -> None:
    with pytest.raises(InventoryError, match=r"web1: ansible_ssh_common_args: `-o Nonsense` is not followed"):
        endpoint_of(Host(name="web1"), {"ansible_ssh_common_args": "-o Nonsense=1"})


def test_all_three_variables_count_in_ansibles_order() -> None:
    found = endpoint_of(
        Host(name="web1"),
        {
            "ansible_ssh_extra_args": "-p 3",
            "ansible_ssh_common_args": "-p 2",
            "ansible_ssh_args": "-p 1",
            "ansible_ssh_timeout": 7,
            "ansible_host_key_checking": False,
        },
    )
    ports = (("Port", "1"), ("Port", "2"), ("Port", "3"))
    assert found.ssh_options == (("StrictHostKeyChecking", "no"), ("ConnectTimeout", "7"), *ports)


def test_the_page_names_every_option() -> None:
    text = PAGE.read_text()
    assert [name for name in sorted(FOLLOWED | WITHOUT_EFFECT) if f"`{name}`" not in text] == []
