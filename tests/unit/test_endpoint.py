import os

import pytest

from deployer.config.endpoint import endpoint_of, wants_become
from deployer.config.inventory import load_inventory
from deployer.errors import InventoryError
from deployer.model.connection import Endpoint
from deployer.model.inventory import Host

WEB1 = Host(name="web1")
HOME = os.path.expanduser("~")


def test_a_host_without_variables_is_reached_by_its_name_and_nothing_else_is_fixed():
    assert endpoint_of(WEB1, {}) == Endpoint(name="web1", address="web1")


@pytest.mark.parametrize(
    ("variables", "field", "value"),
    [
        ({"ansible_host": "10.0.0.1"}, "address", "10.0.0.1"),
        ({"ansible_host": "2001:db8::1"}, "address", "2001:db8::1"),
        ({"ansible_host": "[2001:db8::1]"}, "address", "2001:db8::1"),
        ({"ansible_host": "fe80::1%eth0"}, "address", "fe80::1%eth0"),
        ({"ansible_ssh_host": "old"}, "address", "old"),
        ({"ansible_host": "new", "ansible_ssh_host": "old"}, "address", "old"),
        ({"ansible_host": None}, "address", "web1"),
        ({"ansible_port": 2222}, "port", 2222),
        ({"ansible_port": "2222"}, "port", 2222),
        ({"ansible_port": 1}, "port", 1),
        ({"ansible_port": 65535}, "port", 65535),
        ({"ansible_ssh_port": 2222}, "port", 2222),
        ({"ansible_user": "deploy"}, "user", "deploy"),
        ({"ansible_ssh_user": "deploy"}, "user", "deploy"),
        ({"ansible_ssh_private_key_file": "~/.ssh/id"}, "key_file", f"{HOME}/.ssh/id"),
        ({"ansible_private_key_file": "keys/id"}, "key_file", "keys/id"),
        ({"ansible_connection": "local"}, "local", True),
        ({"ansible_connection": "ansible.builtin.local"}, "local", True),
        ({"ansible_connection": "ssh"}, "local", False),
        ({"ansible_connection": "smart"}, "local", False),
        ({"ansible_become_password": "s3cret"}, "become_password", "s3cret"),
        ({"ansible_become_pass": "s3cret"}, "become_password", "s3cret"),
        ({"ansible_sudo_pass": "s3cret"}, "become_password", "s3cret"),
        ({"ansible_become_password": 1234}, "become_password", "1234"),
        ({"ansible_become_password": ""}, "become_password", None),
        ({"deploy_known_hosts": "known"}, "known_hosts", ("known",)),
        ({"deploy_known_hosts": ["~/a", "b"]}, "known_hosts", (f"{HOME}/a", "b")),
        ({"deploy_known_hosts": None}, "known_hosts", ()),
    ],
)
def test_a_variable_sets_its_field(variables, field, value):
    assert getattr(endpoint_of(WEB1, variables), field) == value


@pytest.mark.parametrize(
    ("variables", "message", "hint"),
    [
        ({"ansible_host": 10}, "ansible_host must be a string, found a number", "quote it"),
        ({"ansible_host": ["a"]}, "ansible_host must be a string, found a list", "quote it"),
        ({"ansible_host": " "}, "ansible_host must be a string, found an empty one", "remove it"),
        ({"ansible_host": "a b"}, "ansible_host must be a host name or an address, found 'a b'", "one name"),
        ({"ansible_host": "-oProxy"}, "ansible_host must be a host name or an address, found '-oProxy'", "one name"),
        ({"ansible_host": "me@a"}, "ansible_host must be a host name or an address, found 'me@a'", "ansible_user: me"),
        ({"ansible_port": "ssh"}, "ansible_port must be a number from 1 to 65535, found 'ssh'", "ansible_port: 22"),
        ({"ansible_port": 0}, "ansible_port must be a number from 1 to 65535, found '0'", "ansible_port: 22"),
        ({"ansible_port": 65536}, "ansible_port must be a number from 1 to 65535, found '65536'", "ansible_port: 22"),
        ({"ansible_port": True}, "ansible_port must be a number from 1 to 65535, found 'True'", "ansible_port: 22"),
        ({"ansible_port": 22.0}, "ansible_port must be a number from 1 to 65535, found a number", "ansible_port: 22"),
        ({"ansible_ssh_port": "x"}, "ansible_ssh_port must be a number", "ansible_ssh_port: 22"),
        ({"ansible_user": "a b"}, "ansible_user must be a user's name, found 'a b'", "ansible_user: deploy"),
        (
            {"ansible_ssh_private_key_file": {}},
            "ansible_ssh_private_key_file must be a string, found a mapping",
            "quote",
        ),
        ({"ansible_connection": "docker"}, "ansible_connection must be ssh or local, found 'docker'", "did you mean"),
        ({"ansible_connection": "locla"}, "ansible_connection must be ssh or local, found 'locla'", "mean 'local'?"),
        ({"ansible_become_password": ["s3cret"]}, "ansible_become_password must be a string, found a list", "quote it"),
        ({"deploy_known_hosts": 5}, "deploy_known_hosts must be a path or a list of paths, found a number", "write"),
        ({"deploy_known_hosts": [""]}, "deploy_known_hosts must be a path or a list of paths, found a list", "write"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_host_and_variable(variables, message, hint):
    with pytest.raises(InventoryError) as caught:
        endpoint_of(WEB1, variables)
    assert caught.value.host == "web1"
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_a_refused_variable_is_named_with_the_line_it_was_read_from(tmp_path):
    (tmp_path / "prod").write_text("web1\n[all:vars]\nansible_port=ssh\n")
    host = load_inventory(tmp_path / "prod").hosts["web1"]
    with pytest.raises(InventoryError) as caught:
        endpoint_of(host, dict(host.variables))
    assert str(caught.value).startswith(f"{tmp_path}/prod:3: web1: ansible_port must be")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        (False, False),
        ("yes", True),
        ("No", False),
        ("on", True),
        ("false", False),
        (1, True),
        (0, False),
    ],
)
def test_become_is_true_false_or_left_open(value, wanted):
    assert wants_become({"ansible_become": value}) is wanted
    assert wants_become({}) is None


@pytest.mark.parametrize("value", ["sudo", "", 2, ["yes"], 1.0])
def test_become_that_is_neither_is_refused(value):
    with pytest.raises(InventoryError, match="ansible_become must be true or false"):
        wants_become({"ansible_become": value})
