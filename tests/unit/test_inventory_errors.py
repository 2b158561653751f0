import pytest

from deployer.config.inventory import load_inventory
from deployer.config.inventory_find import find_inventory
from deployer.errors import ExitCode, InventoryError


def refused(path):
    with pytest.raises(InventoryError) as caught:
        load_inventory(path)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("all:\n\thosts:", 2, "broken YAML: found character '\\t'", "indent with spaces"),
        ("all:\n  hosts:\n    - a\n", 2, "'hosts' of group 'all' must be a mapping, found a list", "without the dash"),
        ("all:\n  vars: [x]\n", 2, "'vars' of group 'all' must be a mapping, found a list", "`name: value`"),
        (
            "all:\n  children:\n    web: a\n",
            3,
            "group 'web' must be a mapping of hosts, vars or children",
            "put `hosts:`",
        ),
        ("all:\n  children: [a]\n", 2, "'children' of group 'all' must be a mapping, found a list", "without the dash"),
        ("- a\n", 1, "expected a mapping of groups, found a list", "start with `all:`"),
        ("a b\n", 1, "expected a mapping of groups, found a string", "start with `all:`"),
        ("all:\n  hosts:\n    a: 1\n", 3, "variables of host 'a' must be a mapping, found a number", "indent"),
        ("all:\n  hosts:\n    12:\n", 3, "the name of a host must be a string, found a number", '"12":'),
        ("all:\n  vars:\n    1: x\n", 3, "the name of a variable must be a string, found a number", '"1":'),
        ("2024:\n  hosts: a\n", 1, "the name of a group must be a string, found a number", '"2024":'),
        ("all:\n  hosts:\n    root@a:\n", 3, "'root@a' is no host name", "`ansible_user: root`"),
        ("all:\n  children:\n    all:\n", 3, "group 'all' is its own child", "remove it"),
        ("a:\n  children:\n    b:\nb:\n  children:\n    a:\n", 6, "groups contain each other: ", "remove one"),
        ("a:\n  hosts: x\n  vars:\n    ansible_group_priority: high\n", 4, "ansible_group_priority must be", "10"),
        ("plugin: aws_ec2\nregions: []\n", 1, "inventory plugins are not supported", "ansible-inventory --list"),
        ("web:\n  hosts: a\n_meta: {}\n", 3, "this is a script's output", "make the script executable"),
    ],
)
def test_a_yaml_inventory_is_refused_with_its_line(tmp_path, text, line, message, hint):
    path = tmp_path / "prod.yml"
    path.write_text(text)
    error = refused(path)
    assert (error.place.path, error.place.line) == (str(path), line)
    assert error.message.startswith(message)
    assert hint in error.hint
    assert error.exit_code == ExitCode.CONFIG


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("a\n[web:chidren]\n", 2, "unknown section [web:chidren]", "did you mean [web:children]?"),
        ("a\n[web:foo]\n", 2, "unknown section [web:foo]", "sections are"),
        ("a\n\n[web\n", 3, "broken section header: [web", "write `[group]`"),
        ("[web servers]\n", 1, "broken section header: [web servers]", "write `[group]`"),
        ("a b\n", 1, "expected key=value, found: b", "quote"),
        ("a =b\n", 1, "expected key=value, found no key", "write a name"),
        ("a b='c\n", 1, "cannot be split into words: no closing quotation", "close the quote"),
        ("[a]\nx\n[a:vars]\nb\n", 4, "expected key=value, found: b", "quote"),
        ("[a]\nx\n[b:children]\na y=1\n", 4, "expected the name of a group, found: a y=1", "[b:vars]"),
        ("[nfs1]\nx\n[b:children]\nnfs\n", 4, "[b:children] names group 'nfs', which is not", "did you mean 'nfs1'?"),
        ("x\n[zz:vars]\na=1\n", 2, "[zz:vars] is for group 'zz', which is not defined", "add a section [zz]"),
        ("[a]\nx\n[b:children]\na\n[a:children]\nb\n", 6, "groups contain each other: ", "remove one"),
        ("[a]\nx\n[a:children]\na\n", 4, "group 'a' is its own child", "remove it"),
        ("w[001:10]\n", 1, "range [001:10]: start and end must be of equal length", "a host is a name"),
        ("#!/bin/sh\n", 1, "this inventory script is not executable", "chmod +x"),
        ("web1:\n", 1, "'web1:' is no host name", "a host is a name"),
    ],
)
def test_an_ini_inventory_is_refused_with_its_line(tmp_path, text, line, message, hint):
    path = tmp_path / "prod.ini"
    path.write_text(text)
    error = refused(path)
    assert (error.place.path, error.place.line) == (str(path), line)
    assert error.message.startswith(message)
    assert hint in error.hint


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("group_vars/all.yml", "a: 1\nb: [1\n", 3, "broken YAML: "),
        ("group_vars/web/x.yml", "\n- a\n", 2, "expected a mapping of variables, found a list"),
        ("group_vars/web", "a\n", 1, "expected a mapping of variables, found a string"),
        ("host_vars/h.json", '{"a": 1,\n 5: 2}', 2, "the name of a variable must be a string, found a number"),
    ],
)
def test_a_variables_file_is_refused_with_its_line(tmp_path, name, text, line, message):
    (tmp_path / "prod").write_text("[web]\nh\n")
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    error = refused(tmp_path / "prod")
    assert (error.place.path, error.place.line) == (str(path), line)
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("a:\n    a:\n", "4:5: key 'a' is given twice, first in line 3: the later one counts"),
        ("a:\n  hots:\n", "4:3: unknown key 'hots' in group 'all' (known: hosts, vars, children): skipped; did"),
        (
            "a:\n  child:\n",
            "4:3: unknown key 'child' in group 'all' (known: hosts, vars, children): skipped; did",
        ),
        ("a:\n  x:\n    b:\n", "put 'x' under `hosts:` or `children:`"),
        ("a:\n  port: 80\n", "put 'port' under `vars:`"),
        ("a:\nhosts:\n  web1:\n", "put `hosts:` under `all:`"),
        (
            "a:\nweb: b\n",
            "4:1: 'web' is skipped: group 'web' must be a mapping of hosts, vars or children",
        ),
        ("a:\n    w[3:1]:\n", "4:5: 'w[3:1]' stands for no host: its range runs backwards"),
        ("a:\na:\n  hosts:\n    b:\n", "'a' is the name of a host and of a group"),
    ],
)
def test_what_ansible_warns_of_is_a_warning(tmp_path, text, warning):
    path = tmp_path / "prod.yml"
    path.write_text(f"all:\n  hosts:\n    {text}")
    (found,) = load_inventory(path).warnings
    assert found.startswith(f"{path}:")
    assert warning in found


@pytest.mark.parametrize("text", ["", "# nothing\n", "[web]\n", "---\n", "all:\n  hosts:\n"])
def test_an_inventory_without_hosts_is_refused(tmp_path, text):
    (tmp_path / "prod").write_text(text)
    error = refused(tmp_path / "prod")
    assert error.message == "no hosts"
    assert error.place.path == str(tmp_path / "prod")


def test_a_folder_without_a_file_has_no_hosts(tmp_path):
    assert refused(tmp_path).message == "no hosts"


def test_a_missing_file_is_refused_with_those_that_exist(tmp_path):
    (tmp_path / "prod.yml").touch()
    (tmp_path / "staging.ini").touch()
    error = refused(tmp_path / "prdo.yml")
    assert error.message == f"no inventory {tmp_path}/prdo.yml; there are: prod.yml, staging.ini"
    assert error.hint == "did you mean 'prod.yml'?"


def test_a_missing_folder_is_refused(tmp_path):
    assert "no folder" in refused(tmp_path / "a" / "b").message


def test_an_unknown_environment_is_refused_with_the_nearest_name(tmp_path):
    (tmp_path / "prod.yml").touch()
    (tmp_path / "staging").mkdir()
    (tmp_path / "group_vars").mkdir()
    with pytest.raises(InventoryError) as caught:
        find_inventory("stagign", tmp_path)
    assert caught.value.message == f"no inventory for 'stagign' in {tmp_path}; there are: prod, staging"
    assert caught.value.hint == "did you mean 'staging'?"


def test_without_inventories_the_hint_is_to_write_one(tmp_path):
    with pytest.raises(InventoryError, match="the folder holds none") as empty:
        find_inventory("prod", tmp_path)
    with pytest.raises(InventoryError, match="no such folder") as missing:
        find_inventory("prod", tmp_path / "inventories")
    assert "deploy init" in empty.value.hint
    assert "deploy init" in missing.value.hint


def test_two_inventories_of_one_name_are_refused(tmp_path):
    (tmp_path / "prod.yml").touch()
    (tmp_path / "prod.ini").touch()
    with pytest.raises(InventoryError, match=r"two inventories for 'prod': .*prod.yml and .*prod.ini"):
        find_inventory("prod", tmp_path)
