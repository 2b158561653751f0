"""`wait_for_connection`: until a host can be logged in to and spoken with. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Reconnect
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("wait_for_connection")
@dataclass(frozen=True, kw_only=True)
class WaitForConnection:
    """Wait until the host can be logged in to, over a new connection; the task is *ok*, never *changed*.

    For what takes the connection away in the middle of a play, a restart of sshd or of the network. A host that cannot
    be reached when the run begins ends it.

    Examples:
        - name: sshd is back
          wait_for_connection:
            delay: 5
            timeout: 60
    """

    always_acts: ClassVar[bool] = True

    timeout: int = 600  # seconds until it fails
    delay: int = 0  # seconds before the first try
    sleep: int = 1  # seconds between two tries
    connect_timeout: int = 5  # seconds for one try

    def __post_init__(self) -> None:
        if min(self.timeout, self.delay, self.sleep, self.connect_timeout) < 0:
            raise ArgumentRefusedError("a time cannot be negative", hint="give a number of seconds")

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        yield Reconnect(
            delay=self.delay, sleep=self.sleep, connect_timeout=max(1, self.connect_timeout),
            timeout=self.timeout + self.delay, because="the playbook waits here",
        )  # fmt: skip

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """How long it took, in seconds."""
        return {"elapsed": int(done[-1].seconds)} if done else {}
