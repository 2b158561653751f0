"""Logs in to a host that has shown a known key: keys, then a password, each as far as the host takes it.

Given to paramiko's client as its authentication strategy. Raises NotLetInError, which says what was tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import paramiko
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType

from deployer.transport.identities import Agent, Identities
from deployer.transport.key_files import Ask
from deployer.transport.route import METHODS, Route

ASKED_FOR = "password"  # what a prompt must contain for the password to be its answer


class NotLetInError(AuthenticationException):
    """Nothing that we have opens this host."""

    def __init__(self, why: str, *, takes: Sequence[str] = (), hung_up: bool = False) -> None:
        super().__init__(why)
        self.takes = tuple(takes)  # the methods that the host goes on accepting
        self.hung_up = hung_up


class UnansweredError(paramiko.SSHException):
    """The host asks something that nobody here can answer."""


@dataclass
class Login:
    """One attempt to log in. `password` and `passphrase` are the inventory's."""

    route: Route
    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    _tried: list[str] = field(default_factory=list)
    _takes: tuple[str, ...] | None = None  # None: the host has not said
    _progress: bool = False  # a method was not enough, and another one is wanted
    _is_out_of_keys: bool = False
    _is_answered: bool = False  # the host has said something to what we tried
    _is_given: bool = False  # the password, once: more refusals could lock the account

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Log in, or raise NotLetInError; EOFError if the host hung up before it answered anything."""
        self._tried, self._takes, self._is_given, self._is_out_of_keys = [], None, False, False
        self._is_answered = False
        try:
            if self._by_steps(transport):
                return
            if self._takes is None and (self._by_nothing(transport) or self._by_steps(transport)):
                return
        except (paramiko.SSHException, EOFError, OSError) as fault:
            if not (self._is_answered or self._is_given or isinstance(fault, UnansweredError)):
                raise EOFError from fault
            raise self._refusal(fault, hung_up=not transport.is_active()) from fault
        raise self._refusal()

    def _by_steps(self, transport: paramiko.Transport) -> bool:
        """Each method that the host takes, and again as long as it wants one more."""
        steps = {"publickey": self._by_key, "password": self._by_password, "keyboard-interactive": self._by_answers}
        self._progress = True
        while self._progress:
            self._progress = False
            if any(self._is_taken(method) and steps[method](transport) for method in self._order()):
                return True
        return False

    def _order(self) -> Iterable[str]:
        """Keys first; of the two ways to give a password the plain one, since one refusal is enough."""
        methods = self.route.methods
        return sorted(methods, key=("publickey", "password", "keyboard-interactive").index)

    def _is_taken(self, method: str) -> bool:
        return self._takes is None or method in self._takes

    def _by_key(self, transport: paramiko.Transport) -> bool:
        if self._is_out_of_keys:
            return False
        agent = Agent(self.route.agent)
        identities = Identities(self.route, self.route.options.keys, self.passphrase)
        try:
            for identity in identities.offered(agent):
                self._tried.append(identity.name)
                left = self._attempt(transport.auth_publickey, self.route.user, identity.key)
                if left is not None and self._is_through(left):
                    return True
                if not self._is_taken("publickey"):
                    return False
            self._is_out_of_keys = True
            return False
        finally:
            agent.close()
            self._tried += identities.skipped

    def _by_password(self, transport: paramiko.Transport) -> bool:
        if self.password is None or self._is_given:
            return False
        left = self._attempt(transport.auth_password, self.route.user, self.password, None, False)
        if left is not None or self._is_taken("password"):
            self._is_given = True
            self._tried.append("the password")
        return left is not None and self._is_through(left)

    def _by_answers(self, transport: paramiko.Transport) -> bool:
        """Answer what the host asks; without a password only where it takes nothing else, or wants more than a key."""
        is_wanted = self._takes is not None and "publickey" not in self._takes and self._ask is not None
        if not is_wanted and (self.password is None or self._is_given):
            return False
        left = self._attempt(transport.auth_interactive, self.route.user, self._answers)
        return left is not None and self._is_through(left)

    def _answers(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        return [self._answer(prompt.strip()) for prompt, _ in prompts]

    def _answer(self, prompt: str) -> str:
        """The password where it is asked for, once; any other question is a person's."""
        if ASKED_FOR in prompt.lower():
            if self.password is None or self._is_given:
                again = " again" if self._is_given else ", and no password was given"
                raise UnansweredError(f"the host asks `{prompt}`{again}")
            self._is_given = True
            self._tried.append("the password")
            return self.password
        answer = self._ask(f"{self.route.host}: {prompt}") if self._ask else None
        if answer is None:
            raise UnansweredError(f"the host asks `{prompt}`, and nobody is there to answer")
        return answer

    @property
    def _ask(self) -> Ask | None:
        return self.route.options.keys.ask if self.route.asks else None

    def _by_nothing(self, transport: paramiko.Transport) -> bool:
        """Some hosts ask for nothing; the others say what they take."""
        left = self._attempt(transport.auth_none, self.route.user)
        return left is not None and self._is_through(left)

    def _attempt(self, method: object, *arguments: object) -> list[str] | None:
        """What the host wants beside this; nothing if we are in, None if it was refused."""
        assert callable(method)
        try:
            left: list[str] | None = list(method(*arguments))
        except BadAuthenticationType as refused:
            self._takes, left = tuple(refused.allowed_types), None
        except AuthenticationException as refused:
            if "EOF" in str(refused) or "timeout" in str(refused).lower():
                raise
            left = None
        self._is_answered = True
        return left

    def _is_through(self, left: list[str]) -> bool:
        """Whether that was all; if not, the host goes on with other methods."""
        if not left:
            return True
        self._takes, self._progress = tuple(left), True
        return False

    def _refusal(self, fault: BaseException | None = None, *, hung_up: bool = False) -> NotLetInError:
        why = f"tried {', '.join(self._tried) or 'nothing'}"
        if isinstance(fault, UnansweredError):
            why += f"; {fault}"
        elif hung_up:
            why += "; then it hung up"
        if self._takes:
            why += f"; it takes {' or '.join(method for method in self._takes if method in METHODS)}"
        return NotLetInError(why, takes=self._takes or (), hung_up=hung_up and not isinstance(fault, UnansweredError))
