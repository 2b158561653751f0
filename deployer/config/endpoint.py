"""How a host is reached, read from Ansible's connection variables, the old `ansible_ssh_…` names included.

Nothing is opened or resolved here: whether the address answers is the transport's business.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from typing import Any

from deployer.config.ssh_args import ArgumentError, parse_ssh_args
from deployer.config.values import kind_of, nearest, place_of
from deployer.errors import NOWHERE, InventoryError, Place
from deployer.frozen import dataclass
from deployer.model.connection import Endpoint
from deployer.model.inventory import Host
from deployer.model.truth import truth

# where several are set the last one wins, as in Ansible's ssh plugin
ADDRESS = ("ansible_host", "ansible_ssh_host")
PORT = ("ansible_port", "ansible_ssh_port")
USER = ("ansible_user", "ansible_ssh_user")
KEY_FILE = ("ansible_private_key_file", "ansible_ssh_private_key_file")
PASSWORD = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
KEY_PASSPHRASE = ("ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase")
HOST_KEY_CHECKING = ("ansible_host_key_checking", "ansible_ssh_host_key_checking")
TIMEOUT = ("ansible_ssh_timeout",)
SSH_ARGUMENTS = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
BECOME_PASSWORD = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
SECRETS = (*PASSWORD, *KEY_PASSPHRASE, *BECOME_PASSWORD)
CONNECTIONS = {"ssh": False, "smart": False, "paramiko": False, "paramiko_ssh": False, "local": True}  # is it local?
WORD = re.compile(r"[^\s\x00-\x20\x7f@-][^\s\x00-\x20\x7f@]*")


def endpoint_of(host: Host, variables: Mapping[str, Any]) -> Endpoint:
    """The endpoint that a host's templated variables describe.

    Raises InventoryError, naming host and variable, for a value that cannot be one; a null counts as not set.
    """
    found = Connection(host, variables)
    return Endpoint(
        name=host.name,
        address=found.address(),
        port=found.port(),
        user=found.user(),
        key_file=found.path(KEY_FILE),
        known_hosts=found.known_hosts(),
        local=found.is_local(),
        become_password=found.secret(BECOME_PASSWORD),
        password=found.secret(PASSWORD),
        key_passphrase=found.secret(KEY_PASSPHRASE),
        ssh_options=(*found.checking(), *found.timeout(), *found.ssh_arguments()),
    )


def wants_become(variables: Mapping[str, Any]) -> bool | None:
    """What `ansible_become` says; None if it says nothing. Raises InventoryError if it is neither true nor false."""
    value = variables.get("ansible_become")
    if value is None:
        return None
    said = truth(value) if isinstance(value, str | int) else None
    if said is not None:
        return said
    raise InventoryError(
        f"ansible_become must be true or false, found {kind_of(value)}",
        place=_known(place_of(variables, "ansible_become")),
        hint="write `ansible_become: true`",
    )


@dataclass(frozen=True)
class Connection:
    """The connection variables of one host, each checked when it is asked for."""

    host: Host
    variables: Mapping[str, Any]

    def address(self) -> str:
        name, value = self.text(ADDRESS)
        if value is None:
            return self.host.name
        address = value[1:-1] if value.startswith("[") and value.endswith("]") else value
        if not WORD.fullmatch(address):
            raise self.wrong(name, "a host name or an address", f"'{value}'", hint=_address_hint(value))
        return address

    def user(self) -> str | None:
        name, value = self.text(USER)
        if value is not None and not WORD.fullmatch(value):
            raise self.wrong(name, "a user's name", f"'{value}'", hint=f"write `{name}: deploy`")
        return value

    def port(self) -> int | None:
        name, value = self.last(PORT)
        if value is None:
            return None
        text = "" if isinstance(value, bool) else str(value).strip()
        if not (isinstance(value, int | str) and text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
            shown = f"'{value}'" if isinstance(value, int | str) else kind_of(value)
            raise self.wrong(name, "a number from 1 to 65535", shown, hint=f"write `{name}: 22`")
        return int(text)

    def path(self, names: tuple[str, ...]) -> str | None:
        value = self.text(names)[1]
        return None if value is None else os.path.expanduser(value)

    def known_hosts(self) -> tuple[str, ...]:
        name = "deploy_known_hosts"
        value = self.variables.get(name)
        paths = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(paths, list | tuple) or not all(isinstance(path, str) and path for path in paths):
            raise self.wrong(
                name, "a path or a list of paths", kind_of(value), hint=f"write `{name}: inventories/known_hosts`"
            )
        return tuple(os.path.expanduser(path) for path in paths)

    def is_local(self) -> bool:
        name, value = self.text(("ansible_connection",))
        plugin = "ssh" if value is None else value.removeprefix("ansible.builtin.")
        if plugin not in CONNECTIONS:
            raise self.wrong(
                name, "ssh or local", f"'{value}'", hint=f"did you mean '{nearest(plugin, CONNECTIONS) or 'ssh'}'?"
            )
        return CONNECTIONS[plugin]

    def checking(self) -> tuple[tuple[str, str], ...]:
        """`ansible_host_key_checking: false` is what Ansible makes of it: StrictHostKeyChecking no."""
        name, value = self.last(HOST_KEY_CHECKING)
        said = None if value is None else truth(value) if isinstance(value, str | int) else None
        if value is not None and said is None:
            raise self.wrong(name, "true or false", kind_of(value), hint=f"write `{name}: true`")
        return (("StrictHostKeyChecking", "no"),) if said is False else ()

    def timeout(self) -> tuple[tuple[str, str], ...]:
        name, value = self.last(TIMEOUT)
        if value is None:
            return ()
        text = "" if isinstance(value, bool) else str(value).strip()
        if not (text.isascii() and text.isdigit() and int(text)):
            raise self.wrong(name, "a number of seconds", kind_of(value), hint=f"write `{name}: 10`")
        return (("ConnectTimeout", text),)

    def ssh_arguments(self) -> tuple[tuple[str, str], ...]:
        """What the arguments for ssh mean, as options of ssh_config."""
        found: list[tuple[str, str]] = []
        for name in SSH_ARGUMENTS:
            value = self.variables.get(name)
            if value is not None and not isinstance(value, str):
                raise self.wrong(name, "a string", kind_of(value), hint="quote it")
            try:
                found += parse_ssh_args(value or "")
            except ArgumentError as error:
                place = _known(place_of(self.host.variables, name))
                raise InventoryError(f"{name}: {error}", host=self.host.name, place=place, hint=error.hint) from None
        return tuple(found)

    def secret(self, names: tuple[str, ...]) -> str | None:
        """A number is taken as its digits (INI makes numbers of them); an empty one as none."""
        name, value = self.last(names)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.wrong(name, "a string", kind_of(value), hint="quote it")
        return str(value)

    def text(self, names: tuple[str, ...]) -> tuple[str, str | None]:
        """The variable that wins, and its value, which must be a string with something in it."""
        name, value = self.last(names)
        if value is None:
            return name, None
        if not isinstance(value, str):
            raise self.wrong(name, "a string", kind_of(value), hint="quote it if it is meant as text")
        if not value.strip():
            raise self.wrong(name, "a string", "an empty one", hint=f"give `{name}` a value, or remove it")
        return name, value

    def last(self, names: tuple[str, ...]) -> tuple[str, Any]:
        given = [name for name in names if self.variables.get(name) is not None]
        name = given[-1] if given else names[0]
        return name, self.variables.get(name)

    def wrong(self, name: str, expected: str, found: str, *, hint: str) -> InventoryError:
        place = _known(place_of(self.host.variables, name))
        return InventoryError(f"{name} must be {expected}, found {found}", host=self.host.name, place=place, hint=hint)


def _known(place: Place) -> Place | None:
    return None if place is NOWHERE else place


def _address_hint(value: str) -> str:
    user, at, address = value.partition("@")
    return f"write `ansible_host: {address}` and `ansible_user: {user}`" if at else "write one name or address"
