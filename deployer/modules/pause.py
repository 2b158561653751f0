"""`pause`: wait a while, or for a person. It asks no host and changes none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Pause
from deployer.modules._refusals import ArgumentRefusedError, check_not_both
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("pause")
@dataclass(frozen=True, kw_only=True)
class PauseRun:
    """Wait for some time, or until a person at the terminal presses Enter; once for all hosts of a batch.

    Without a terminal nobody is asked and the run goes on, with a warning. Check mode waits for nothing. What was
    typed is registered as `user_input`.

    Examples:
        - name: Caches get a moment to fill
          pause:
            seconds: 1
    """

    always_acts: ClassVar[bool] = True
    for_all: ClassVar[bool] = True  # once for a batch, not once for a host
    not_both: ClassVar[tuple[tuple[str, str], ...]] = (("seconds", "minutes"),)  # pairs that exclude each other

    seconds: float | None = None  # how long to wait
    minutes: float | None = None  # the same in minutes
    prompt: str | None = None  # what the person is asked; with a time it is not waited for an answer
    echo: bool = True  # show what the person types

    def __post_init__(self) -> None:
        check_not_both(self, self.not_both)
        if (self._seconds() or 0) < 0:
            raise ArgumentRefusedError("a time cannot be negative", hint="give a number of seconds: seconds: 10")

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        seconds = self._seconds()
        limit = (seconds or 0) + 3600
        because = "the playbook waits here" if seconds is not None else "the playbook waits for a person here"
        yield Pause(seconds=seconds, prompt=self.prompt or "", echo=self.echo, timeout=limit, because=because)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What was typed, and how long was waited for."""
        typed = done[-1].output if done else ""
        waited = f"Paused for {self._seconds():g} seconds" if self._seconds() is not None else ""
        return {"user_input": typed, "echo": self.echo, "stdout": waited, "stdout_lines": waited.splitlines()}

    def _seconds(self) -> float | None:
        return self.seconds if self.minutes is None else self.minutes * 60
