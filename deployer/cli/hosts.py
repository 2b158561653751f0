"""`deploy hosts trust`: first contact with hosts, as an explicit step. Nobody is logged in to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import click

from deployer.cli.options import Choice, environment_argument, inventory_option, limit_option, vault_options
from deployer.errors import ExitCode, RemoteError
from deployer.model.connection import Endpoint

if TYPE_CHECKING:
    from deployer.transport.host_key import HostKey

Scanned = tuple[Endpoint, "HostKey | RemoteError"]
AT_ONCE = 8


@click.group()
def hosts() -> None:
    """Trust the keys of hosts.

    \b
    Example:
      deploy hosts trust prod
    """


@hosts.command()
@environment_argument
@limit_option
@inventory_option
@vault_options
@click.option("--yes", is_flag=True, help="Trust new keys without asking.")
@click.option("--replace", is_flag=True, help="Trust keys that have changed, too: the old ones are forgotten.")
def trust(*, yes: bool, replace: bool, **given: Any) -> None:
    """Fetch the hosts' keys, show their fingerprints, and add them to known_hosts.

    Compare the fingerprints with what the host's console shows: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

    \b
    Examples:
      deploy hosts trust prod
      deploy hosts trust prod --limit web3 --replace
    """
    scanned = _scan_all(Choice(**given))
    for endpoint, found in scanned:
        click.echo(_line(endpoint, found))
    wanted = _wanted(scanned, replace)
    if wanted and _agreed(len(wanted), yes):
        for endpoint, key in wanted:
            click.echo(f"{endpoint.name}: added to {_remember(endpoint, key)}")
        scanned = [one for one in scanned if one not in wanted]
    sys.exit(ExitCode.OK if all(_is_known(found) for _, found in scanned) else ExitCode.UNREACHABLE)


def _scan_all(choice: Choice) -> list[Scanned]:
    from deployer.cli.environment import Environment

    environment = Environment(choice)
    endpoints = [environment.endpoint(host)[0] for host in environment.hosts]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(_scan, (endpoint for endpoint in endpoints if not endpoint.local)))


def _scan(endpoint: Endpoint) -> Scanned:
    from deployer.transport.dial import scan
    from deployer.transport.options import SshOptions

    try:
        return endpoint, scan(endpoint, SshOptions())
    except RemoteError as error:
        return endpoint, error


def _line(endpoint: Endpoint, found: HostKey | RemoteError) -> str:
    if isinstance(found, RemoteError):
        return f"{endpoint.name}  unreachable: {found.message}" + (f" ({found.hint})" if found.hint else "")
    judgement = found.judgement
    because = f" ({judgement.because.place} knows {judgement.because.key.fingerprint})" if judgement.because else ""
    key, route = found.key, found.route
    standing = judgement.standing.value + ("" if _is_known(found) else because)
    return f"{endpoint.name}  {route.address} port {route.port}  {key.type}  {key.fingerprint}  {standing}"


def _is_known(found: HostKey | RemoteError) -> bool:
    from deployer.transport.known_hosts import Standing

    return not isinstance(found, RemoteError) and found.judgement.standing is Standing.KNOWN


def _wanted(scanned: Sequence[Scanned], replace: bool) -> list[tuple[Endpoint, HostKey]]:
    """The keys that may be added; says what the others need."""
    from deployer.transport.known_hosts import Standing

    allowed = {Standing.NEW} | ({Standing.CHANGED} if replace else set())
    keys = [(endpoint, found) for endpoint, found in scanned if not isinstance(found, RemoteError)]
    if not replace and any(key.judgement.standing is Standing.CHANGED for _, key in keys):
        click.echo("changed keys are trusted with --replace only: were these hosts reinstalled?", err=True)
    return [(endpoint, key) for endpoint, key in keys if key.judgement.standing in allowed]


def _agreed(count: int, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("trust asks before it adds a key; without a terminal say --yes")
    return click.confirm(f"Are these the hosts you mean, and shall {count} key(s) be trusted?", err=True)


def _remember(endpoint: Endpoint, found: HostKey) -> str:
    """Add the key to the first file for keys: the inventory's, or else the user's; says to which."""
    from deployer.transport.known_hosts import read_known_hosts
    from deployer.transport.known_hosts import trust as write
    from deployer.transport.options import USER_KNOWN_HOSTS

    names = found.route.names[:1]
    _forget(endpoint, {line.place.path for line in read_known_hosts(found.route.known_hosts).keys(names)}, names[0])
    path = found.route.new_keys_to or USER_KNOWN_HOSTS
    try:
        write(path, [(names[0], found.key)])
    except OSError as fault:
        raise RemoteError(f"cannot write {path}: {fault.strerror}", host=endpoint.name) from fault
    return path


def _forget(endpoint: Endpoint, files: set[str], name: str) -> None:
    from deployer.transport.known_hosts import forget

    for path in sorted(files):
        try:
            forget(path, name)
        except OSError as fault:
            raise RemoteError(
                f"cannot take the old key out of {path}: {fault.strerror}", host=endpoint.name, hint="edit it as root"
            ) from fault
