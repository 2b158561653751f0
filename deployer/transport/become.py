"""Starts a program as another user with sudo, and says plainly why sudo would not.

A password is sent only when sudo asks for it: where sudo needs none, it would reach the program as input.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import field

from deployer.errors import AuthError, DeployerError
from deployer.frozen import dataclass
from deployer.transport.wire import Wire

PATIENCE = 30.0  # seconds that sudo may take to answer
LISTING = 5.0  # seconds that it may take to say what it allows
ALLOW = "deploy runs `sh` by sudo; in the host's sudoers: `NAME ALL=(ALL) ALL`, NAME being who logs in"
NO_SUDO = ("sudo: not found", "sudo: command not found", "sudo: No such file")


@dataclass(frozen=True, kw_only=True)
class Become:
    """Whom to become on a host; `user` None is who logged in."""

    host: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def start(self, execute: Callable[[str], Wire], program: str) -> Wire:
        """Start a program (shell words). Raises AuthError if sudo refuses the password."""
        if self.user is None:
            return execute(f"exec {program}")
        if self.password is None:
            return execute(f"exec sudo -H -n -u {shlex.quote(self.user)} -- {program}")
        prompt, ready = secrets.token_hex(8), secrets.token_hex(8)
        then = shlex.quote(f"echo {ready}; exec {program}")
        wire = execute(f"exec sudo -H -S -p {prompt} -u {shlex.quote(self.user)} -- sh -c {then}")
        try:
            self._answer(wire, prompt.encode(), f"{ready}\n".encode(), execute)
        except BaseException:
            wire.close()
            raise
        return wire

    def _answer(self, wire: Wire, prompt: bytes, ready: bytes, execute: Callable[[str], Wire]) -> None:
        """Give the password when asked, once."""
        seen_out = seen_err = b""
        asked, deadline = 0, time.monotonic() + PATIENCE
        while ready not in seen_out:
            if not wire.ended and not seen_err and time.monotonic() > deadline:
                raise self._error(
                    f"sudo has not answered for {PATIENCE:g} s", "log in and look what `sudo true` waits for"
                )
            if wire.ended or time.monotonic() > deadline:
                raise self.refused(seen_err.replace(prompt, b"").decode(errors="replace"), execute)
            out, err = wire.receive(1.0)
            seen_out, seen_err = seen_out + out, seen_err + err
            if seen_err.count(prompt) > 1:
                raise self._error(
                    f"sudo did not accept the password for {self.user}",
                    "check ansible_become_password (or what was typed)",
                )
            if seen_err.count(prompt) > asked:
                asked = 1
                wire.send(f"{self.password}\n".encode(), PATIENCE)
        wire.unread(seen_out.split(ready, 1)[1])

    def refused(self, said: str, execute: Callable[[str], Wire] | None = None) -> AuthError:
        """The error for a program that never started; `said` is what came instead.

        `execute` lets sudo be asked what it does allow.
        """
        if self.user is None:
            last = (said.strip().splitlines() or ["nothing was said"])[-1]
            return self._error(f"the login shell ended before it ran anything: {last}", "try: ssh <host> true")
        if any(words in said for words in NO_SUDO):
            return self._error("sudo is not installed", "install sudo, or log in as root (ansible_user: root)")
        if "have a tty" in said:
            return self._error(
                "sudo wants a terminal (requiretty), and scripts have none",
                "in the host's sudoers: `Defaults:NAME !requiretty`, NAME being who logs in",
            )
        if "not in the sudoers" in said:
            return self._error(f"who logs in is not in the host's sudoers: cannot become {self.user}", ALLOW)
        return self._forbidden(said, allowed_commands(execute) if execute else ())

    def _forbidden(self, said: str, allowed: tuple[str, ...]) -> AuthError:
        """Sudo is there, and wants a password or lets other commands pass."""
        only = f": sudoers allows only {', '.join(allowed)}" if allowed else ""
        if "not allowed to execute" in said or allowed:
            return self._error(f"sudo does not let us run sh as {self.user}{only}", ALLOW)
        if "password" in said or "terminal is required" in said:
            return self._error(
                f"sudo asks for a password to become {self.user}",
                "set ansible_become_password (in a vault), say --ask-become-pass, or allow NOPASSWD for who logs in",
            )
        return self._error(f"sudo does not let us become {self.user}: {_telling(said)}", "check the host's sudoers")

    def _error(self, message: str, hint: str) -> AuthError:
        return AuthError(message, host=self.host, hint=hint)


def allowed_commands(execute: Callable[[str], Wire]) -> tuple[str, ...]:
    """What sudo lets the login user run without a password, if that is not everything; empty if nobody can say."""
    try:
        wire = execute("exec env LC_ALL=C sudo -n -l")
    except DeployerError:
        return ()
    seen, deadline = b"", time.monotonic() + LISTING
    try:
        while not wire.ended and time.monotonic() < deadline:
            seen += wire.receive(1.0)[0]
    finally:
        wire.close()
    _, found, rules = seen.decode(errors="replace").partition("may run the following commands")
    lines = [line.strip() for line in rules.splitlines()[1:] if line.strip()] if found else []
    return () if any(line.endswith("ALL") for line in lines) else tuple(lines)


def _telling(said: str) -> str:
    """The line that sudo wrote, among what a login shell may have written."""
    lines = said.strip().splitlines() or ["nothing was said"]
    last = next((line for line in reversed(lines) if "sudo" in line), lines[-1])
    return last[last.find("sudo") :] if "sudo:" in last else last
