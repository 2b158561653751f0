"""What an ssh_config says, asked of OpenSSH (`ssh -G`) and of us: both must answer the same."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import ConnectError
from deployer.model.connection import Endpoint
from deployer.transport.options import SshOptions
from deployer.transport.route import Route, route_to

CONFIGS = {
    "first value": "Host shop\n Port 2201\nHost *\n Port 2202\n User everyone\n",
    "before any block": "Port 2209\nHost shop\n Port 2201\n",
    "patterns": "Host s?op !web*\n User a\nHost * !shop\n User b\n",
    "negated": "Host * !shop\n Port 1\nHost *\n Port 2\n",
    "brackets are no class": "Host [s]hop\n Port 1\n",
    "equals and quotes": 'Host "shop"\n Port=2203\n User = "the user"\n IdentityFile "/tmp/a key"\n',
    "comment at the end": "Host shop # mine\n Port 2204 # odd\n",
    "tabs, capitals": "HOST\tshop\n\tPORT\t2205\n\thostname\t%h.example.org\n",
    "identity files add up": "Host shop\n IdentityFile /tmp/%h-%r\nHost *\n IdentityFile /b\n IdentityFile /b\n",
    "certificate files add up": "Host *\n CertificateFile /tmp/a-cert.pub\n CertificateFile /tmp/%u-cert.pub\n",
    "match host after HostName": "Host shop\n HostName db\nMatch host db\n Port 2206\nMatch host shop\n Port 1\n",
    "match originalhost": "Host shop\n HostName db.lan\nMatch originalhost shop,other\n Port 2207\n",
    "match negated": "Match !originalhost shop\n Port 1\nMatch !host other\n Port 2208\n",
    "match user": "Match user deploy\n Port 2210\nMatch user root\n Port 2211\nMatch user nobody\n Port 2212\n",
    "match localuser": "Match localuser root\n Port 2213\n",
    "match all": "Match all\n Port 2214\n",
    "match exec": "Match exec \"test %h = shop\"\n Port 2215\nMatch exec false\n User nobody\n",
    "match exec of two": "Match originalhost shop exec true\n Port 2216\n",
    "match not exec": "Match !exec true\n Port 1\nMatch !exec false\n Port 2\n",
    "match final": "Match final host *.lan\n Port 2217\nHost shop\n HostName db.lan\n",
    "match final is late": "Match final all\n Port 1\nHost shop\n Port 2218\n",
    "match canonical": "Match canonical all\n Port 1\n",
    "jump": "Host shop\n ProxyJump me@first:2200,second\n",
    "jump none": "Host shop\n ProxyJump none\nHost *\n ProxyJump first\n",
    "jump before command": "Host *\n ProxyJump first\n ProxyCommand nc %h %p\n",
    "command before jump": "Host *\n ProxyCommand nc %h %p\n ProxyJump first\n",
    "command with tokens": "Host *\n HostName db.lan\n User me\n ProxyCommand nc %h %p %r %n %% | tee '/tmp/x y' # z\n",
    "command none": "Host *\n ProxyCommand none\n ProxyJump first\n",
    "known hosts": "Host *\n UserKnownHostsFile /tmp/a \"/%h d\"\n GlobalKnownHostsFile /g\n HostKeyAlias Cluster\n",
    "strict": "Host *\n StrictHostKeyChecking accept-new\n",
    "times": "Host *\n ConnectTimeout 7\n ServerAliveInterval 9\n ServerAliveCountMax 2\n ConnectionAttempts 3\n",
    "methods": "Host *\n PreferredAuthentications password,publickey\n IdentitiesOnly yes\n PubkeyAuthentication no\n",
    "crlf": "Host shop\r\n Port 2219\r\n",
}  # fmt: skip


@pytest.fixture
def openssh(tmp_path: Path) -> Callable[..., dict[str, list[str]]]:
    """What OpenSSH makes of a config: option to values."""
    ssh = shutil.which("ssh")
    assert ssh, "the OpenSSH client is needed"

    def ask(config: str, *flags: str) -> dict[str, list[str]]:
        path = tmp_path / "config"
        path.write_text(config)
        command = [ssh, "-G", "-F", str(path), *flags, "shop"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        found: dict[str, list[str]] = {}
        for line in done.stdout.splitlines():
            name, _, value = line.partition(" ")
            found.setdefault(name, []).append(value)
        return found

    return ask


def ours(tmp_path: Path, config: str, **changes: object) -> Route:
    path = tmp_path / "config"
    path.write_text(config)
    endpoint = Endpoint(**{"name": "web1", "address": "shop", **changes})  # type: ignore[arg-type]
    return route_to(endpoint, SshOptions(ssh_config=(str(path),)))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize(("flags", "endpoint"), [((), {}), (("-l", "deploy"), {"user": "deploy"})], ids=["", "user"])
def test_openssh_and_we_read_the_same(
    openssh: Callable[..., dict[str, list[str]]],
    tmp_path: Path,
    config: str,
    flags: tuple[str, ...],
    endpoint: dict[str, object],
) -> None:
    theirs = openssh(config, *flags)
    route = ours(tmp_path, config, **endpoint)
    assert route.address == theirs["hostname"][0]
    assert str(route.port) == theirs["port"][0]
    assert route.user == theirs["user"][0]
    assert route.alias == theirs.get("hostkeyalias", [None])[0]
    assert ",".join(route.jumps) == theirs.get("proxyjump", [""])[0].replace("none", "")
    assert bool(route.proxy_command) == ("proxycommand" in theirs)
    if route.proxy_command:
        assert route.proxy_command.split()[0] == theirs["proxycommand"][0].split()[0]
    named = [path for path in theirs["identityfile"] if not path.startswith("~/.ssh/id_")]
    assert route.default_keys is not bool(named)
    assert (route.strictness == "accept-new") == (theirs["stricthostkeychecking"][0] == "accept-new")
    assert route.identities_only == (theirs["identitiesonly"][0] == "yes")
    assert ("publickey" in route.methods) == (theirs["pubkeyauthentication"][0] in ("true", "yes"))
    if theirs["connecttimeout"][0] != "none":
        assert route.options.connect_timeout == float(theirs["connecttimeout"][0])
        assert route.options.keepalive == float(theirs["serveraliveinterval"][0])
    if "known" in config.lower():
        files = theirs["userknownhostsfile"][0] + " " + theirs["globalknownhostsfile"][0]
        assert " ".join(route.known_hosts) == files.replace("%h", "shop")


def test_key_files_have_their_tokens_filled_in(tmp_path: Path) -> None:
    for name in ("shop-deploy-2300", "other"):
        (tmp_path / name).touch()
    config = (
        f"Host *\n IdentityFile {tmp_path}/%h-%r-%p\n IdentityFile {tmp_path}/other\n CertificateFile {tmp_path}/%n\n"
    )
    route = ours(tmp_path, config, user="deploy", port=2300)
    assert route.key_files == (f"{tmp_path}/shop-deploy-2300", f"{tmp_path}/other")
    assert route.certificates == (f"{tmp_path}/shop",)


def test_a_command_has_its_tokens_filled_in(tmp_path: Path) -> None:
    config = "Host *\n HostName db.lan\n ProxyCommand nc -X '5 %%' %h %p %r %n\n"
    assert ours(tmp_path, config, user="me", port=24).proxy_command == "nc -X '5 %' db.lan 24 me shop"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("Match localnetwork 10.0.0.0/8\n Port 1\n", r"config:1: `Match localnetwork` cannot be decided here"),
        ("Host *\n ProxyCommand nc %Z\n", "`%Z` means nothing in `nc %Z`"),
        ("Host *\n IdentityFile ${NO_SUCH_VARIABLE}/id\n", "the variable NO_SUCH_VARIABLE"),
        ("Host *\n Port many\n", "`port many` is no number"),
    ],
)
def test_what_cannot_be_followed_is_told_with_its_place(tmp_path: Path, config: str, told: str) -> None:
    with pytest.raises(ConnectError, match=told):
        ours(tmp_path, config)


def test_given_options_come_before_the_files_and_after_the_inventory(
    openssh: Callable[..., dict[str, list[str]]], tmp_path: Path
) -> None:
    config = "Host *\n Port 2\n User file\n ProxyJump file\n"
    theirs = openssh(config, "-oPort=3", "-oPort=4", "-oUser=given", "-J", "given")
    given = (("Port", "4"), ("User", "given"), ("ProxyJump", "given"))
    route = ours(tmp_path, config, port=3, ssh_options=given)
    assert (str(route.port), route.user, route.jumps[0]) == (
        theirs["port"][0],
        theirs["user"][0],
        theirs["proxyjump"][0],
    )


def test_another_file_is_read_in_place_of_all(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("Host *\n Port 77\n")
    assert ours(tmp_path, "Host *\n User file\n", ssh_options=(("-F", str(other)),)).port == 77
    assert ours(tmp_path, "Host *\n User file\n", ssh_options=(("-F", str(other)),)).user != "file"
    assert ours(tmp_path, "Host *\n Port 2\n", ssh_options=(("-F", "none"),)).port == 22
