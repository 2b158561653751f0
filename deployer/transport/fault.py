"""Tells what went wrong while connecting: whether it passes, and in words. Nothing is tried here."""

from __future__ import annotations

import errno
import os
import socket

import paramiko
from paramiko.ssh_exception import AuthenticationException, NoValidConnectionsError

from deployer.errors import AuthError, ConnectError, RemoteError
from deployer.transport.login import NotLetInError
from deployer.transport.options import SshOptions
from deployer.transport.route import Route

CONNECT_FAILED = 2  # RFC 4254 section 5.1: the jump host found nobody
NO_KEYS = "No existing session"  # paramiko's words: the key exchange took too long, or ended with the connection
_DROPPED = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, EOFError)


def passes(fault: BaseException) -> bool:
    """Whether trying again in a moment may help."""
    if isinstance(fault, socket.gaierror):
        return fault.errno == socket.EAI_AGAIN
    if isinstance(fault, NoValidConnectionsError):
        return errno.ECONNREFUSED in _numbers(fault)
    if isinstance(fault, paramiko.ChannelException):
        return fault.code == CONNECT_FAILED
    return is_drop(fault) or isinstance(fault, ConnectionRefusedError)


def is_drop(fault: BaseException) -> bool:
    """Whether the host hung up before it asked who we are, as an sshd does that has too many at its door."""
    if isinstance(fault, AuthenticationException):
        return False
    if isinstance(fault, paramiko.SSHException):
        return any(words in str(fault) for words in ("banner", "Negotiation failed", NO_KEYS))
    return isinstance(fault, _DROPPED)


def explained(fault: Exception, route: Route, command_said: str = "") -> RemoteError:
    """The error for a person; `command_said` is what the ProxyCommand complained about."""
    ssh_command = f"ssh -p {route.port} {route.user}@{route.address}"
    if isinstance(fault, AuthenticationException):
        return AuthError(
            f"{route.label} did not let us in: {fault}", host=route.host, hint=_way_in(fault, route, ssh_command)
        )
    why = f"the ProxyCommand says: {command_said}" if command_said else _why(fault, route.options)
    return ConnectError(f"no connection to {route.label}: {why}", host=route.host, hint=f"try: {ssh_command}")


def _way_in(fault: Exception, route: Route, ssh_command: str) -> str:
    """What to do about a login that was refused."""
    takes = fault.takes if isinstance(fault, NotLetInError) else ()
    if isinstance(fault, NotLetInError) and fault.hung_up and not route.identities_only:
        return "too many keys were offered? name the right one, and set `IdentitiesOnly yes` in ~/.ssh/config"
    if "encrypted" in str(fault):
        return "add the key to an agent (ssh-add), or run it on a terminal, where its passphrase is asked for"
    if "the password" in str(fault):
        return f"check ansible_user and ansible_password; try: {ssh_command}"
    if takes and "publickey" not in takes:
        return "give a password: ansible_password (in a vault), or --ask-pass"
    return f"check ansible_user and ansible_ssh_private_key_file; try: {ssh_command}"


def _why(fault: Exception, options: SshOptions) -> str:
    if isinstance(fault, OSError):
        return _why_no_connection(fault, options)
    if isinstance(fault, paramiko.ChannelException):
        return f"the jump host says: {fault.text.lower() or 'no'}"
    if isinstance(fault, EOFError):
        return "the other side hung up"
    if "banner" in str(fault):
        return "the port is open, but no SSH server speaks there (or too many connect at once)"
    if NO_KEYS in str(fault):
        return f"an SSH server greets, but has exchanged no keys within {options.connect_timeout:g} s: it is very busy"
    return str(fault) or type(fault).__name__


def _why_no_connection(fault: OSError, options: SshOptions) -> str:
    if isinstance(fault, socket.gaierror):
        return "no name server answers" if fault.errno == socket.EAI_AGAIN else "the name does not resolve"
    if isinstance(fault, NoValidConnectionsError):
        return ", ".join(os.strerror(number).lower() for number in _numbers(fault))
    if isinstance(fault, TimeoutError):
        return f"no answer within {options.connect_timeout:g} s"
    return fault.strerror.lower() if fault.strerror else str(fault) or type(fault).__name__


def _numbers(fault: NoValidConnectionsError) -> list[int]:
    """The error numbers of all addresses that were tried, sorted."""
    numbers = (getattr(error, "errno", None) for error in fault.errors.values())
    return sorted({number for number in numbers if number})
