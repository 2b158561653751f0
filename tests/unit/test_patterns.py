import pytest

from deployer.errors import InventoryError
from deployer.model.inventory import Group, Host, Inventory
from deployer.rollout.patterns import select, split_terms

GROUPS = {
    "all": Group(name="all", children=("ungrouped", "web", "db", "staging", "empty"), variables={"v": 1}),
    "ungrouped": Group(name="ungrouped", hosts=("lone",)),
    "web": Group(name="web", hosts=("web1", "web2"), children=("canary",)),
    "canary": Group(name="canary", hosts=("web3.example.org",)),
    "db": Group(name="db", hosts=("db1", "2001:db8::1")),
    "staging": Group(name="staging", hosts=("web2", "db1")),
    "empty": Group(name="empty"),
}
HOSTS = ("web1", "web2", "web3.example.org", "db1", "2001:db8::1", "lone")
FLEET = Inventory(path="inventories/prod.yml", groups=GROUPS, hosts={name: Host(name=name) for name in HOSTS})


def names(pattern, limit=None):
    return " ".join(host.name for host in select(FLEET, pattern, limit=limit))


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("all", "lone web1 web2 db1 2001:db8::1 web3.example.org"),
        ("*", "lone web1 web2 db1 2001:db8::1 web3.example.org"),
        ("web1", "web1"),
        ("web", "web1 web2 web3.example.org"),
        ("staging", "web2 db1"),
        ("ungrouped", "lone"),
        ("db:web", "db1 2001:db8::1 web1 web2 web3.example.org"),
        ("db,web1", "db1 2001:db8::1 web1"),
        ("db1, web1 ,", "db1 web1"),
        ("db1 web1", "db1 web1"),
        ("web:&staging", "web2"),
        ("web:!staging", "web1 web3.example.org"),
        ("!web", "lone db1 2001:db8::1"),
        ("&staging", "web2 db1"),
        ("!web2:web", "web1 web3.example.org"),
        ("!db:&staging:web", "web2"),
        ("web,!web2", "web1 web3.example.org"),
        ("web?", "web1 web2"),
        ("we[bx]?", "web1 web2"),
        ("web[!2]", "web1"),
        ("*.example.org", "web3.example.org"),
        ("d*", "db1 2001:db8::1"),
        ("~web[13]", "web1 web3.example.org"),
        ("~(web|db)1$", "web1 db1"),
        ("~lone|db", "db1 2001:db8::1 lone"),
        ("2001:db8::1", "2001:db8::1"),
        ("!2001:db8::1,db", "db1"),
        ("web[0]", "web1"),
        ("web[-1]", "web3.example.org"),
        ("web[1:]", "web2 web3.example.org"),
        ("web[0:1]", "web1 web2"),
        ("web[0-1]", "web1 web2"),
        ("web[1:9]", "web2 web3.example.org"),
        ("web[0]:db[1]", "web1 2001:db8::1"),
        ("all:!web[0:1]", "lone db1 2001:db8::1 web3.example.org"),
        ("all:!empty:!localhost", "lone web1 web2 db1 2001:db8::1 web3.example.org"),
        ("web1:web", "web1 web2 web3.example.org"),
    ],
)
def test_a_pattern_means_these_hosts(pattern, hosts):
    assert names(pattern) == hosts


@pytest.mark.parametrize(
    ("pattern", "limit", "hosts"),
    [
        ("all", "web", "web1 web2 web3.example.org"),
        ("web", "web2,db1", "web2"),
        ("db:web", "web1:db1", "db1 web1"),
        ("web", "!web1", "web2 web3.example.org"),
        ("web", "all[0:1]", "web1"),
        ("web", "db", ""),
        ("localhost", "web1", ""),
    ],
)
def test_a_limit_is_taken_from_the_whole_inventory_and_keeps_the_plays_order(pattern, limit, hosts):
    assert names(pattern, limit) == hosts


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("wbe", "no host or group matches 'wbe' in inventories/prod.yml", "did you mean 'web'?"),
        ("all:!wbe1", "no host or group matches 'wbe1' in inventories/prod.yml", "did you mean 'web1'?"),
        ("web:&stagign", "no host or group matches 'stagign' in inventories/prod.yml", "did you mean 'staging'?"),
        ("x*", "no host or group matches 'x*' in inventories/prod.yml", "groups: web, canary, db, staging, empty;"),
        ("WEB", "no host or group matches 'WEB' in inventories/prod.yml", "groups: web"),
        ("web:&staging,db1", "no host or group matches 'web:&staging' in", "write 'web,&staging'"),
        ("@failed.txt", "'@failed.txt': a file of hosts cannot be given here", "separated by commas"),
        ("empty", "pattern 'empty' matches no host", "hosts: web1, web2"),
        ("db:&canary", "pattern 'db:&canary' matches no host", "groups: web"),
        ("web[3]", "no host web[3]: 'web' has 3 hosts, counted from 0", "count from 0"),
        ("web[-4]", "no host web[-4]: 'web' has 3 hosts", "count from 0"),
        ("canary[1]", "no host canary[1]: 'canary' has 1 host, ", "count from 0"),
        ("web[7:9]", "pattern 'web[7:9]' matches no host", "groups: web"),
        ("web[:1]", "'web[:1]' is no range of hosts", "web[0:1] are the first two"),
        ("web[-2:]", "'web[-2:]' is no range of hosts", "web[0:1] are the first two"),
        ("w[0-9]", "'w[0-9]' means hosts of a group 'w', and no group or host has that name", "write '~w[0-9]'"),
        ("~web(", "'~web(' is no regular expression: missing )", "commas and colons split"),
        ("", "the pattern is empty", "`all`"),
        (" , ", "the pattern is empty", "`all`"),
        ("!", "no host or group matches ''", "groups: web"),
    ],
)
def test_a_pattern_that_leaves_a_doubt_is_refused(pattern, message, hint):
    with pytest.raises(InventoryError) as caught:
        select(FLEET, pattern)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("limit", "message", "hint"),
    [
        ("wbe2", "--limit: no host or group matches 'wbe2' in inventories/prod.yml", "did you mean 'web2'?"),
        ("web1,db9", "--limit: no host or group matches 'db9' in inventories/prod.yml", "did you mean 'db"),
        ("web[9]", "--limit: no host web[9]", "count from 0"),
        ("empty", "--limit 'empty' matches no host", "groups: web"),
        ("localhost", "--limit 'localhost' matches no host", "groups: web"),
        ("", "--limit: the pattern is empty", "`all`"),
    ],
)
def test_a_limit_that_leaves_a_doubt_is_refused(limit, message, hint):
    with pytest.raises(InventoryError) as caught:
        select(FLEET, "web", limit=limit)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_localhost_exists_when_it_is_named_and_only_then():
    (localhost,) = select(FLEET, "localhost")
    assert localhost.variables == {"v": 1, "ansible_connection": "local"}
    assert "localhost" not in names("all")
    assert names("web1:localhost") == "web1 localhost"


def test_a_localhost_of_the_inventory_is_taken_as_it_is():
    inventory = Inventory(
        path="x", groups={"all": Group(name="all", hosts=("localhost",))}, hosts={"localhost": Host(name="localhost")}
    )
    assert select(inventory, "localhost") == (Host(name="localhost"),)
    assert select(inventory, "all", limit="localhost") == (Host(name="localhost"),)


def test_a_host_wins_over_a_group_of_its_name():
    groups = {"all": Group(name="all", children=("web",)), "web": Group(name="web", hosts=("web", "db"))}
    inventory = Inventory(path="x", groups=groups, hosts={name: Host(name=name) for name in ("web", "db")})
    assert [host.name for host in select(inventory, "web")] == ["web"]
    assert [host.name for host in select(inventory, "web*")] == ["web", "db"]


@pytest.mark.parametrize(
    ("pattern", "terms"),
    [
        ("a:b", "a b"),
        ("a[0:1]:b", "a[0:1] b"),
        ("a,b", "a b"),
        ("a:&b,c", "a:&b c"),
        ("fe80::1", "fe80::1"),
        ("a:!b:&c", "a !b &c"),
        (" a  b ", "a b"),
    ],
)
def test_a_pattern_splits_into_terms(pattern, terms):
    assert split_terms(pattern) == terms.split()
