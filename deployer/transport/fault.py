"""Tells what went wrong while connecting: whether it passes, and in words. Nothing is tried here."""

from __future__ import annotations

import errno
import os
import socket

import paramiko
from paramiko.ssh_exception import AuthenticationException, NoValidConnectionsError, PasswordRequiredException

from deployer.errors import AuthError, ConnectError, RemoteError
from deployer.transport.options import SshOptions
from deployer.transport.ssh_config import Route

_PASSING = (ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError, EOFError)


def passes(fault: BaseException) -> bool:
    """Whether trying again in a moment may help."""
    if isinstance(fault, NoValidConnectionsError):
        return errno.ECONNREFUSED in _numbers(fault)
    if isinstance(fault, paramiko.SSHException):
        return "banner" in str(fault) or "Negotiation failed" in str(fault)
    return isinstance(fault, _PASSING)


def explained(fault: Exception, route: Route, options: SshOptions) -> RemoteError:
    ssh_command = f"ssh -p {route.port} {route.user}@{route.address}"
    if isinstance(fault, AuthenticationException | PasswordRequiredException) or "authentication" in str(fault):
        return AuthError(
            f"{route.label} did not let us in: {_refused_keys(fault, route)}",
            host=route.host,
            hint=f"check ansible_user and ansible_ssh_private_key_file; try: {ssh_command}",
        )
    return ConnectError(
        f"no connection to {route.label}: {_why(fault, options)}", host=route.host, hint=f"try: {ssh_command}"
    )


def _refused_keys(fault: Exception, route: Route) -> str:
    if isinstance(fault, PasswordRequiredException):
        return "the key file is encrypted, and no agent holds it"
    tried = [
        *route.key_files,
        *(["the default keys"] if route.default_keys else []),
        *(["the agent"] if route.agent else []),
    ]
    return f"{str(fault).rstrip('.').lower()} (tried {', '.join(tried) or 'nothing'})"


def _why(fault: Exception, options: SshOptions) -> str:
    if isinstance(fault, socket.gaierror):
        return "the name does not resolve"
    if isinstance(fault, NoValidConnectionsError):
        return ", ".join(os.strerror(number).lower() for number in _numbers(fault))
    if isinstance(fault, TimeoutError):
        return f"no answer within {options.connect_timeout:g} s"
    if isinstance(fault, EOFError):
        return "the other side hung up"
    if "banner" in str(fault):
        return "the port is open, but no SSH server speaks there (or too many connect at once)"
    return str(fault) or type(fault).__name__


def _numbers(fault: NoValidConnectionsError) -> list[int]:
    """The error numbers of all addresses that were tried, sorted."""
    numbers = (getattr(error, "errno", None) for error in fault.errors.values())
    return sorted({number for number in numbers if number})
