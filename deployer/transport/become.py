"""Starts a program as another user with sudo, and says plainly why sudo would not.

A password is sent only when sudo asks for it: where sudo needs none, it would reach the program as input.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deployer.errors import AuthError
from deployer.transport.wire import Wire

PATIENCE = 30.0  # seconds that sudo may take to answer
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
            self._answer(wire, prompt.encode(), f"{ready}\n".encode())
        except BaseException:
            wire.close()
            raise
        return wire

    def _answer(self, wire: Wire, prompt: bytes, ready: bytes) -> None:
        """Give the password when asked, once."""
        seen_out = seen_err = b""
        asked, deadline = 0, time.monotonic() + PATIENCE
        while ready not in seen_out:
            if wire.ended or time.monotonic() > deadline:
                raise self.refused(seen_err.replace(prompt, b"").decode(errors="replace"))
            out, err = wire.receive(1.0)
            seen_out, seen_err = seen_out + out, seen_err + err
            if seen_err.count(prompt) > 1:
                raise self._error(f"sudo did not accept the password for {self.user}", "check ansible_become_password")
            if seen_err.count(prompt) > asked:
                asked = 1
                wire.send(f"{self.password}\n".encode(), PATIENCE)
        wire.unread(seen_out.split(ready, 1)[1])

    def refused(self, said: str) -> AuthError:
        """The error for a program that never started; `said` is what came instead."""
        last = said.strip().splitlines()[-1] if said.strip() else "nothing was said"
        if self.user is None:
            return self._error(f"the login shell ended before it ran anything: {last}", "try: ssh <host> true")
        if any(words in said for words in NO_SUDO):
            return self._error("sudo is not installed", "install sudo, or log in as root (ansible_user: root)")
        if "password" in said or "terminal is required" in said:
            return self._error(
                f"sudo asks for a password to become {self.user}",
                "set ansible_become_password (in a vault), or allow NOPASSWD for the deploying user",
            )
        return self._error(f"sudo does not let us become {self.user}: {last}", "check the host's sudoers")

    def _error(self, message: str, hint: str) -> AuthError:
        return AuthError(message, host=self.host, hint=hint)
