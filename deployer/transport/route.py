"""Where a host really answers and how it is logged in to, as ssh_config completes what the inventory leaves open.

Values of the inventory win; the look-up is by ansible_host, as it is for Ansible and ssh.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import field, replace
from enum import StrEnum

from deployer.errors import ConnectError
from deployer.frozen import dataclass
from deployer.model.connection import Endpoint
from deployer.transport.known_hosts import SSH_PORT, host_names
from deployer.transport.options import SshOptions
from deployer.transport.ssh_config import Found, SshConfigError, look_up
from deployer.transport.tokens import TokenError, expanded, expanded_path, local_tokens

METHODS = ("publickey", "keyboard-interactive", "password")
DEFAULT_KEYS = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
ALGORITHMS = {
    "ciphers": "ciphers",
    "macs": "digests",
    "kexalgorithms": "kex",
    "hostkeyalgorithms": "key_types",
}  # the option: what paramiko's SecurityOptions call it
_SWITCHES = {
    "pubkeyauthentication": "publickey",
    "passwordauthentication": "password",
    "kbdinteractiveauthentication": "keyboard-interactive",
    "challengeresponseauthentication": "keyboard-interactive",
}


class Strictness(StrEnum):
    """What becomes of a host key that is not known; one that has changed is always refused."""

    REFUSE = "yes"
    ADD = "accept-new"


@dataclass(frozen=True, kw_only=True)
class Route:
    """Everything that a connection to one host needs, decided."""

    host: str  # the inventory's name, for messages
    address: str
    port: int
    user: str
    names: tuple[str, ...]  # to look its key up by, the primary one first
    alias: str | None = None  # the name that a certificate must be for, in place of the address
    key_files: tuple[str, ...] = ()  # those that are there, in the order to try
    default_keys: bool = True  # nobody named any
    certificates: tuple[str, ...] = ()
    agent: str | None = None  # its socket
    identities_only: bool = False  # of the agent's keys, only those that are in a file too
    methods: tuple[str, ...] = METHODS
    asks: bool = True  # a person may be asked
    strictness: Strictness = Strictness.REFUSE
    known_hosts: tuple[str, ...] = ()
    new_keys_to: str | None = None  # the file that a new key is added to
    jumps: tuple[str, ...] = ()  # user@host:port, the nearest first
    proxy_command: str | None = None
    family: str = "any"  # inet, inet6: of the addresses that a name has
    bind: str | None = None  # our own address
    options: SshOptions = field(default_factory=SshOptions)  # times, as this host has them
    algorithms: tuple[tuple[str, str], ...] = ()  # paramiko's name of a list, and what was said about it
    compresses: bool = True
    is_jump: bool = False  # somebody else's way, not a host of the inventory

    @property
    def label(self) -> str:
        return f"{self.user}@{self.address}:{self.port}"


def route_to(endpoint: Endpoint, options: SshOptions) -> Route:
    """Complete an endpoint. Raises ConnectError where an ssh_config cannot be read, or says what cannot be."""
    try:
        found = look_up(endpoint.address, _given(endpoint), options.ssh_config)
        return _Reading(endpoint, options, found).route()
    except (SshConfigError, TokenError, OSError) as fault:
        raise ConnectError(
            f"cannot follow the ssh configuration: {fault}", host=endpoint.name, hint="correct it, or see docs/ssh.md"
        ) from fault


def _given(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """What comes before every file: the inventory's variables, then its ssh arguments."""
    own = (("Port", endpoint.port), ("User", endpoint.user))
    return (*((name, str(value)) for name, value in own if value is not None), *endpoint.ssh_options)


class _Reading:
    """One host's options, turned into what they mean."""

    def __init__(self, endpoint: Endpoint, options: SshOptions, found: Found) -> None:
        self._endpoint, self._options, self._found = endpoint, options, found
        self.address = expanded(found.word("hostname") or endpoint.address, {"h": endpoint.address})
        self.port = self._number("port", SSH_PORT)
        self.user = found.word("user") or getpass.getuser()
        self.alias = (found.word("hostkeyalias") or "").lower() or None
        self._tokens = local_tokens(endpoint.address, self.address, str(self.port), self.user, self.alias)

    def route(self) -> Route:
        jumps, command = self._proxy()
        keys = self._paths("identityfile")
        return Route(
            host=self._endpoint.name,
            address=self.address,
            port=self.port,
            user=self.user,
            names=host_names(self.address, self.port, self.alias),
            alias=self.alias,
            key_files=self._key_files(keys),
            default_keys=not (keys or self._endpoint.key_file),
            certificates=self._paths("certificatefile"),
            agent=self._agent(),
            identities_only=self._is("identitiesonly"),
            methods=self._methods(),
            asks=not self._is("batchmode"),
            strictness=self._strictness(),
            known_hosts=(*self._endpoint.known_hosts, *self._user_files(), *self._global_files()),
            new_keys_to=next(iter((*self._endpoint.known_hosts, *self._user_files())), None),
            jumps=jumps,
            proxy_command=command,
            family=(self._found.word("addressfamily") or "any").lower(),
            bind=self._found.word("bindaddress"),
            options=self._times(),
            algorithms=tuple((ours, self._found.text(name) or "") for name, ours in ALGORITHMS.items()),
            compresses=not self._is_not("compression"),
        )

    def _key_files(self, named: tuple[str, ...]) -> tuple[str, ...]:
        own = (self._endpoint.key_file,) if self._endpoint.key_file else ()
        there = named if named or own else tuple(map(os.path.expanduser, DEFAULT_KEYS))
        return (*own, *(path for path in there if os.path.isfile(path) or os.path.isfile(f"{path}.pub")))

    def _agent(self) -> str | None:
        """The socket of the agent that is meant, if there is one."""
        named = self._found.word("identityagent") or "SSH_AUTH_SOCK"
        if named == "none":
            return None
        if named == "SSH_AUTH_SOCK" or (named.startswith("$") and not named.startswith("${")):
            return os.environ.get(named.lstrip("$")) or None
        return expanded_path(named, self._tokens)

    def _methods(self) -> tuple[str, ...]:
        off = {method for option, method in _SWITCHES.items() if self._is_not(option)}
        wanted = (self._found.word("preferredauthentications") or ",".join(METHODS)).split(",")
        return tuple(method for method in wanted if method in METHODS and method not in off)

    def _strictness(self) -> Strictness:
        adds = (self._found.word("stricthostkeychecking") or "").lower() in ("accept-new", "no", "off", "false")
        return Strictness.ADD if adds else Strictness.REFUSE

    def _user_files(self) -> tuple[str, ...]:
        named = self._found.words("userknownhostsfile")
        return self._named_files(named) if named else self._options.known_hosts

    def _global_files(self) -> tuple[str, ...]:
        named = self._found.words("globalknownhostsfile")
        return self._named_files(named) if named else self._options.global_known_hosts

    def _named_files(self, named: tuple[str, ...]) -> tuple[str, ...]:
        return () if named == ("none",) else tuple(expanded_path(path, self._tokens) for path in named)

    def _proxy(self) -> tuple[tuple[str, ...], str | None]:
        """The jump hosts and the command to go through; whichever option is found first counts."""
        order = [name for name in self._found.values if name in ("proxyjump", "proxycommand")]
        text = (self._found.text(order[0]) or "").strip() if order else "none"
        if text.lower() == "none":
            return (), None
        tokens = {name: self._tokens[name] for name in "hnpr"}
        if order[0] == "proxycommand":
            return (), expanded(text, tokens)
        hops = expanded(self._found.word("proxyjump") or "", tokens).split(",")
        return tuple(hop.strip().removeprefix("ssh://").rstrip("/") for hop in hops), None

    def _times(self) -> SshOptions:
        """The tuning, as far as the configuration says otherwise."""
        options = self._options
        times: dict[str, float] = {}
        if timeout := self._number("connecttimeout", 0):
            times["connect_timeout"] = min(timeout, options.patience or timeout)
        if (attempts := self._number("connectionattempts", 0)) > 1 and options.patience is None:
            times["attempts"] = attempts
        if interval := self._number("serveraliveinterval", 0):
            times["keepalive"] = interval
            times["silence"] = interval * self._number("serveralivecountmax", 3)
        return replace(options, **times)  # type: ignore[arg-type]

    def _number(self, name: str, default: int) -> int:
        text = self._found.word(name)
        if text is None or text.lower() == "none":
            return default
        if not text.isascii() or not text.isdigit():
            raise TokenError(f"`{name} {text}` is no number")
        return int(text)

    def _paths(self, name: str) -> tuple[str, ...]:
        found = (expanded_path(text, self._tokens) for text in self._found.all(name) if text.lower() != "none")
        return tuple(found)

    def _is(self, name: str) -> bool:
        return (self._found.word(name) or "").lower() in ("yes", "true")

    def _is_not(self, name: str) -> bool:
        return (self._found.word(name) or "").lower() in ("no", "false")
