from pathlib import Path

import pytest

from deployer.config.inventory import load_inventory
from deployer.config.inventory_find import find_inventory
from deployer.config.values import place_of
from deployer.errors import Place
from deployer.rollout.patterns import group_hosts

FLEET = """\
all:
  vars: {level: all, only_all: 1}
  hosts:
    lone:
  children:
    web:
      vars: {level: web}
      hosts:
        "web[01:02]": {mine: host}
        web3:2222:
      children:
        canary:
          vars: {level: canary}
          hosts: {web9: }
    db:
      hosts: db1
"""


@pytest.fixture
def write(tmp_path):
    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def variables(inventory, host, *names):
    return [inventory.hosts[host].variables.get(name) for name in names]


def test_a_yaml_inventory_has_its_hosts_groups_and_children(tmp_path):
    source = tmp_path / "prod.yml"
    source.write_text(FLEET)
    inventory = load_inventory(source)
    assert inventory.path == str(source)
    assert list(inventory.hosts) == ["lone", "web01", "web02", "web3", "web9", "db1"]
    assert group_hosts(inventory.groups, "web") == ["web01", "web02", "web3", "web9"]
    assert inventory.groups["web"].children == ("canary",)
    assert inventory.groups["all"].children == ("ungrouped", "web", "db")
    assert inventory.groups["ungrouped"].hosts == ("lone",)
    assert inventory.hosts["web9"].groups == ("canary", "web")
    assert inventory.hosts["lone"].groups == ("ungrouped",)


def test_variables_merge_from_all_over_parent_and_child_to_host(tmp_path):
    source = tmp_path / "prod.yml"
    source.write_text(FLEET)
    inventory = load_inventory(source)
    assert variables(inventory, "db1", "level", "only_all") == ["all", 1]
    assert variables(inventory, "web01", "level", "mine") == ["web", "host"]
    assert variables(inventory, "web9", "level") == ["canary"]
    assert variables(inventory, "web3", "ansible_port") == [2222]


def test_a_merged_variable_still_knows_its_line(tmp_path):
    source = tmp_path / "prod.yml"
    source.write_text(FLEET)
    host = load_inventory(source).hosts["web9"]
    assert place_of(host.variables, "level") == Place(str(source), 13, 18)


def test_every_level_wins_over_the_one_before_it(write):
    """The file's all, its groups, group_vars/all, group_vars of parent and child, the file's host, host_vars."""
    names = ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8"]

    def level(number):
        return "".join(f"{name}: {number}\n" for name in names[number - 1 :])

    def flow(number):
        return "{" + ", ".join(f"{name}: {number}" for name in names[number - 1 :]) + "}"

    folder = write(
        prod=f"""\
all:
  vars: {flow(1)}
  children:
    parent:
      vars: {flow(2)}
      children:
        child:
          vars: {flow(3)}
          hosts:
            h: {flow(7)}
""",
        group_vars__all=level(4),
        group_vars__parent=level(5),
        group_vars__child=level(6),
        host_vars__h=level(8),
    )
    assert variables(load_inventory(folder / "prod"), "h", *names) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_playbooks_parent_group_wins_over_the_inventorys_child_group(write):
    folder = write(
        prod="[child]\nh\n[parent:children]\nchild\n",
        group_vars__child="a: inventory child\nb: inventory child\n",
        playbooks__group_vars__parent="a: playbook parent\n",
        playbooks__group_vars__all="b: playbook all\n",
    )
    inventory = load_inventory(folder / "prod", playbook_folder=folder / "playbooks")
    assert variables(inventory, "h", "a", "b") == ["playbook parent", "inventory child"]


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ("[a]\nh\n[b]\nh\n[a:vars]\nv=a\n[b:vars]\nv=b\n", "b"),
        ("[a]\nh\n[b]\nh\n[a:vars]\nv=a\nansible_group_priority=2\n[b:vars]\nv=b\n", "a"),
        ("[z]\nh\n[a]\nh\n[up:children]\na\n[z:vars]\nv=z\nansible_group_priority=10\n[a:vars]\nv=a\n", "a"),
    ],
    ids=["the last name", "a higher priority", "a deeper group, whatever the priority"],
)
def test_between_groups_there_wins(write, text, winner):
    inventory = load_inventory(write(prod=text) / "prod")
    assert variables(inventory, "h", "v", "ansible_group_priority") == [winner, None]


def test_a_groups_own_variables_include_its_files(write):
    folder = write(prod="[web]\nh\n[web:vars]\na=1\nb=1\n", **{"group_vars__web.json": '{"b": 2}'})
    assert load_inventory(folder / "prod").groups["web"].variables == {"a": 1, "b": 2}


def test_a_folder_of_group_vars_is_read_sorted_and_hides_the_file_of_that_name(write):
    folder = write(
        prod="[web]\nh\n",
        **{
            "group_vars__web__a.yml": "v: a\nw: a\n",
            "group_vars__web__b": "v: b\n",
            "group_vars__web__more__c.yaml": "x: c\n",
            "group_vars__web__.hidden.yml": "[broken",
            "group_vars__web__notes.txt": "[broken",
            "group_vars__web__b.yml~": "[broken",
            "group_vars__web.yml": "v: hidden\n",
        },
    )
    assert variables(load_inventory(folder / "prod"), "h", "v", "w", "x") == ["b", "a", "c"]


def test_a_dictionary_is_replaced_not_merged(write):
    folder = write(prod="[web]\nh\n", group_vars__all="d: {a: 1}\n", group_vars__web="d: {b: 2}\n")
    assert variables(load_inventory(folder / "prod"), "h", "d") == [{"b": 2}]


def test_a_folder_is_one_inventory_of_all_its_files(write):
    folder = write(
        **{
            "prod__01-hosts.ini": "[web]\nweb1 v=1\n",
            "prod__02-more.yml": "web: {hosts: {web1: {v: 2}, web2: }}\n",
            "prod__more__hosts": "web3\n",
            "prod__empty.yml": "# nothing yet\n",
            "prod__README.md": "[broken",
            "prod__.git": "[broken",
            "prod__ansible.cfg": "[broken",
            "prod__group_vars__web.yml": "from: inside\n",
            "group_vars__web.yml": "from: beside\n",
        }
    )
    inventory = load_inventory(folder / "prod")
    assert list(inventory.hosts) == ["web1", "web2", "web3"]
    assert variables(inventory, "web1", "v", "from") == [2, "inside"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prod", "---\nall: {hosts: {h: }}\n"),
        ("prod", "# c\nall:\n  hosts:\n    h:\n"),
        ("prod", "h\n"),
        ("prod.ini", "h\n"),
        ("prod.example", "h\n"),
        ("prod.yaml", "all: {hosts: h}\n"),
        ("prod.json", '{"all": {"hosts": {"h": {}}}}'),
        ("prod", '{"all": {"hosts": {"h": null}}}'),
    ],
)
def test_the_suffix_says_how_a_file_is_read_and_without_one_its_first_line(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert list(load_inventory(tmp_path / name).hosts) == ["h"]


def test_a_group_named_in_place_and_elsewhere_is_one_group(write):
    folder = write(prod="---\nall:\n  children:\n    web: {hosts: a}\nweb: {hosts: {b: }, vars: {x: 1}}\n")
    inventory = load_inventory(folder / "prod")
    assert group_hosts(inventory.groups, "web") == ["a", "b"]
    assert variables(inventory, "a", "x") == [1]


@pytest.mark.parametrize("name", ["prod.yml", "prod.yaml", "prod.ini", "prod.json", "prod", "prod/hosts"])
def test_an_environment_is_found_by_its_name(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("h\n")
    assert find_inventory("prod", tmp_path) == tmp_path / Path(name).parts[0]
