"""What ~/.ssh/config adds to an endpoint, and what it may not change."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import ConnectError
from deployer.model.connection import Endpoint
from deployer.transport.connect import SshOptions, remote_for
from deployer.transport.route import Route, route_to


def route(tmp_path: Path, config: str, **endpoint: object) -> Route:
    path = tmp_path / "config"
    path.write_text(config)
    values: dict[str, object] = {"name": "web1", "address": "shop", **endpoint}
    return route_to(
        Endpoint(**values), SshOptions(ssh_config=(str(path),), known_hosts=("own",), global_known_hosts=("all",))
    )  # type: ignore[arg-type]


def test_it_completes_address_port_and_user(tmp_path: Path) -> None:
    found = route(tmp_path, "Host shop\n HostName 10.0.0.9\n Port 2222\n User deploy\n")
    assert (found.address, found.port, found.user) == ("10.0.0.9", 2222, "deploy")
    assert found.names == ("[10.0.0.9]:2222", "10.0.0.9")


def test_the_inventory_wins(tmp_path: Path) -> None:
    found = route(tmp_path, "Host *\n Port 2222\n User deploy\n", port=23, user="root")
    assert (found.port, found.user) == (23, "root")


def test_it_is_looked_up_by_address_and_not_by_name(tmp_path: Path) -> None:
    assert route(tmp_path, "Host web1\n Port 2222\n").port == 22


def test_key_files_that_do_not_exist_are_passed_over(tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_text("")
    found = route(tmp_path, f"Host *\n IdentityFile /none\n IdentityFile {key}\n")
    assert found.key_files == (str(key),)
    assert not found.default_keys


def test_the_inventorys_key_comes_first(tmp_path: Path) -> None:
    assert route(tmp_path, "", key_file="/keys/a").key_files == ("/keys/a",)
    assert route(tmp_path, "").default_keys


def test_an_alias_and_files_for_host_keys_are_honoured(tmp_path: Path) -> None:
    found = route(tmp_path, "Host *\n HostKeyAlias Cluster\n UserKnownHostsFile a b\n", known_hosts=("inventory",))
    assert found.names == ("cluster",)
    assert found.known_hosts == ("inventory", "a", "b", "all")
    assert found.new_keys_to == "inventory"


@pytest.mark.parametrize(
    ("line", "jumps"),
    [("ProxyJump a,me@b:2222", ("a", "me@b:2222")), ("ProxyJump none", ()), ("ProxyJump ssh://a", ("a",)), ("", ())],
)
def test_jump_hosts_are_in_order(tmp_path: Path, line: str, jumps: tuple[str, ...]) -> None:
    assert route(tmp_path, f"Host *\n {line}\n").jumps == jumps


def test_includes_are_read_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "shop").write_text("Host shop\n Port 2200\n")
    assert route(tmp_path, f"Include {tmp_path}/conf.d/*\nHost *\n Port 99\n").port == 2200
    assert route(tmp_path, f"Host other\n Include {tmp_path}/conf.d/*\nHost *\n Port 99\n").port == 99


def test_an_include_of_itself_ends(tmp_path: Path) -> None:
    assert route(tmp_path, f"Include {tmp_path}/config\nHost *\n Port 99\n").port == 99


def test_a_file_that_cannot_be_understood_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConnectError, match=r"web1: cannot follow the ssh configuration: .*config:2: `Port` has no value"
    ):
        route(tmp_path, "Host *\n Port\n")


def test_no_file_at_all_is_fine() -> None:
    endpoint = Endpoint(name="web1", address="web1", user="me")
    assert route_to(endpoint, SshOptions(ssh_config=("/none",))).label == "me@web1:22"


def test_a_remote_is_chosen_without_contacting_anything() -> None:
    assert type(remote_for(Endpoint(name="a", address="a", local=True))).__name__ == "LocalRemote"
    assert type(remote_for(Endpoint(name="a", address="a.invalid"))).__name__ == "SshRemote"
