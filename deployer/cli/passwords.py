"""The passwords that a person gives for a run: to log in, for sudo, and the passphrases of keys. Each is asked once.

What is given is told to the redactor before anyone uses it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from deployer.cli.options import Choice
from deployer.cli.person import ask_person
from deployer.config.password_file import read_password
from deployer.errors import SecretMissingError
from deployer.model.connection import Endpoint
from deployer.model.event import Event, PersonAnswered, PersonAsked
from deployer.transport.key_files import KeyFiles

LOGIN = ("--ask-pass", "ansible_password in a vault, or --connection-password-file FILE")
BECOME = ("--ask-become-pass", "ansible_become_password in a vault, or --become-password-file FILE")


class Passwords:
    """What was typed, asked for when it is first needed. Any thread may ask."""

    def __init__(self, choice: Choice, hide: Callable[..., None]) -> None:
        self._choice = choice
        self._hide = hide
        self._asking = threading.Lock()
        self.emit: Callable[[Event], None] = lambda event: None  # lets the screen be a person's while they type
        self.stop = threading.Event()  # nobody waits for an answer any more

    @cached_property
    def keys(self) -> KeyFiles:
        """The key files of this run; their passphrases are asked for on a terminal."""
        return KeyFiles(self.ask if _is_terminal() else None)

    def completed(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint with the passwords of the command line, where the inventory has none."""
        changed = replace(
            endpoint,
            password=endpoint.password or self._login,
            become_password=endpoint.become_password or self._become or None,
        )
        self._hide(*filter(None, (changed.password, changed.become_password, changed.key_passphrase)))
        return changed

    def ask(self, question: str) -> str | None:
        """The answer of a person, not shown while it is typed; None if there is none."""
        with self._asking:
            if self.stop.is_set():
                return None
            self.emit(PersonAsked(prompt=question))
            try:
                answer = ask_person(question, False, self.stop)
            finally:
                self.emit(PersonAnswered())
        self._hide(answer)
        return answer or None

    @cached_property
    def _login(self) -> str | None:
        choice = self._choice
        return self._given(choice.connection_password_file, choice.ask_pass, "SSH password", LOGIN)

    @cached_property
    def _become(self) -> str | None:
        """As with Ansible, an empty answer is the password to log in with."""
        choice, login = self._choice, self._login
        question = "BECOME password" + (" [defaults to SSH password]" if login else "")
        return self._given(choice.become_password_file, choice.ask_become_pass, question, BECOME) or (
            login if choice.ask_become_pass else None
        )

    def _given(self, file: Path | None, asks: bool, question: str, ways: tuple[str, str]) -> str | None:
        if file is not None:
            return read_password(file)
        if not asks:
            return None
        if not _is_terminal():
            raise SecretMissingError(f"{ways[0]} asks on a terminal, and there is none", hint=f"use {ways[1]}")
        return self.ask(question)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
