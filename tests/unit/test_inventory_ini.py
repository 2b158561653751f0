import pytest

from deployer.config.inventory import load_inventory
from deployer.config.inventory_ini import ini_value
from deployer.rollout.patterns import group_hosts


@pytest.fixture
def load(tmp_path):
    def load(text):
        (tmp_path / "prod.ini").write_text(text)
        return load_inventory(tmp_path / "prod.ini")

    return load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("True", True),
        ("None", None),
        ("true", "true"),
        ("yes", "yes"),
        ("0644", "0644"),
        ("0o644", 420),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1_000", 1000),
        ("1.2.3", "1.2.3"),
        ("1,2", [1, 2]),
        ("[1,'x']", [1, "x"]),
        ("{'a': (1, 2)}", {"a": [1, 2]}),
        ('{"a": true}', '{"a": true}'),
        ('"1"', "1"),
        ("'a' 'b'", "ab"),
        ("1 # comment", 1),
        ("foo # comment", "foo # comment"),
        ("", ""),
        ("...", "..."),
        ("1j", "1j"),
        ("b'x'", "x"),
        ("{[]: 1}", "{[]: 1}"),
        ("\\d", "\\d"),
        ("'\\d'", "\\d"),
        ("(" * 500, "(" * 500),
    ],
)
def test_a_value_is_typed_as_a_python_literal_or_stays_text(text, value):
    assert ini_value(text) == value
    assert type(ini_value(text)) is type(value)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('h v="1"', 1),
        ("h v='\"1\"'", "1"),
        ('h v="a b"', "a b"),
        ("h v=x#y", "x"),
        ("h v=1 # comment", 1),
        ("h v=a;b", "a;b"),
        ("h v=a=b", "a=b"),
        ("h v=", ""),
    ],
)
def test_a_host_lines_values_lose_their_quotes_first(load, line, value):
    assert load(f"{line}\n").hosts["h"].variables["v"] == value


@pytest.mark.parametrize(("line", "value"), [('v = "1"', "1"), ("v=1 # c", 1), ("v = a  # c", "a  # c"), ("v=", "")])
def test_a_vars_lines_value_is_taken_whole(load, line, value):
    assert load(f"[web]\nh\n[web:vars]\n{line}\n").hosts["h"].variables["v"] == value


def test_sections_may_repeat_and_come_in_any_order(load):
    inventory = load("[dc:children]\nweb\ndb # both\n[web:vars]\nv=1\n[web]\na x=1\n[db]\nb\n[web]\na x=2\nc\n")
    assert group_hosts(inventory.groups, "dc") == ["a", "c", "b"]
    assert inventory.hosts["a"].variables == {"v": 1, "x": 2}
    assert inventory.groups["dc"].children == ("web", "db")


def test_a_section_without_a_line_is_a_group(load):
    inventory = load("a\n[web]\n[db:children]\n")
    assert {"web", "db"} < set(inventory.groups)


def test_hosts_before_the_first_section_are_ungrouped(load):
    inventory = load("a\nb\n; comment\n[web] # comment\nb\n")
    assert inventory.groups["ungrouped"].hosts == ("a",)
    assert inventory.hosts["b"].groups == ("web",)


def test_a_host_that_is_only_in_all_is_ungrouped(load):
    inventory = load("[all]\na\n")
    assert inventory.groups["ungrouped"].hosts == ("a",)


def test_a_port_behind_the_name_loses_to_one_that_is_set(load):
    inventory = load("a:2222\nb:2222 ansible_port=22\n[2001:db8::1]:2200\n2001:db8::2\n")
    ports = {name: host.variables.get("ansible_port") for name, host in inventory.hosts.items()}
    assert ports == {"a": 2222, "b": 22, "2001:db8::1": 2200, "2001:db8::2": None}


def test_a_range_makes_several_hosts_with_the_same_variables(load):
    inventory = load("[web]\nweb[01:03]:2222 user=x\n")
    assert [host.variables for host in inventory.hosts.values()] == [{"ansible_port": 2222, "user": "x"}] * 3


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(load):
    inventory = load("\ufeff[web]\r\na v=1\r\n")
    assert inventory.hosts["a"].variables == {"v": 1}


def test_a_group_may_have_the_name_of_a_host(load):
    inventory = load("[web]\nweb\ndb\n")
    assert group_hosts(inventory.groups, "web") == ["web", "db"]
