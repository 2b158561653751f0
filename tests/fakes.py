"""Doubles for where a real host cannot be made to fail: whatever is not scripted raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from deployer.errors import ConnectError, DeployerError
from deployer.model.connection import Endpoint, Result, Traffic
from deployer.protocols import Fact, OnBytes, OnLine, Probe, Sharing
from deployer.transport.local import LocalRemote

Answer = Callable[[str], Result] | Result | DeployerError


def script_of(fact: Fact[Any]) -> str:
    """A fact's script with the functions that it calls."""
    return (fact.functions if isinstance(fact, Sharing) else "") + fact.script()


class UnscriptedError(AssertionError):
    """The double was asked for something that its script does not have."""


class ScriptedRemote:
    """A Remote that gives these answers, one for each `run`, in order; connecting and closing are allowed."""

    def __init__(self, name: str, answers: Iterable[Answer], *, connects: Sequence[DeployerError | None] = ()) -> None:
        self.name = name
        self.scripts: list[str] = []
        self.users: list[str | None] = []
        self.closed = False
        self.renewed = 0
        self._answers = list(answers)
        self._connects = list(connects)

    def connect(self, *, patience: float | None = None) -> None:
        refused = self._connects.pop(0) if self._connects else None
        if refused is not None:
            raise refused

    def run(
        self,
        script: str,
        *,
        become: str | None = None,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
        lane: str = "main",
    ) -> Result:
        if not self._answers:
            raise UnscriptedError(f"{self.name} was asked to run:\n{script}")
        self.scripts.append(script)
        self.users.append(become)
        answer = self._answers.pop(0)
        if isinstance(answer, DeployerError):
            raise answer
        result = answer(script) if callable(answer) else answer
        for line in result.stdout.splitlines() if on_line else ():
            on_line(line, False)  # type: ignore[misc]
        return result

    def stream(
        self,
        script: str,
        source: Iterable[bytes],
        *,
        become: str | None = None,
        timeout: float = 3600.0,
        on_bytes: OnBytes | None = None,
    ) -> Result:
        raise UnscriptedError(f"{self.name} was asked to stream")

    def probe(self, *, become: str | None = None) -> Probe:
        raise UnscriptedError(f"{self.name} was asked for a probe")

    def traffic(self) -> Traffic:
        return Traffic(connections=1, execs=len(self.scripts))

    def renew(self) -> None:
        self.renewed += 1

    def close(self) -> None:
        self.closed = True


class DroppingRemote(LocalRemote):
    """This machine, whose connection is lost whenever a script holds one of the given words, once for each of them.

    As over SSH, what runs after that connects again; after `close` nothing does.
    """

    def __init__(self, name: str, *words: str) -> None:
        super().__init__(Endpoint(name=name, address="localhost", local=True))
        self.words = list(words)

    def run(self, script: str, **rest: Any) -> Result:
        for word in self.words:
            if word in script:
                self.words.remove(word)
                raise ConnectError("the connection was lost", host=self.name)
        return super().run(script, **rest)


class GoneRemote(LocalRemote):
    """This machine, which goes away for good as soon as a script holds the given word."""

    def __init__(self, name: str, word: str) -> None:
        super().__init__(Endpoint(name=name, address="localhost", local=True))
        self.word = word
        self.gone = False

    def connect(self, *, patience: float | None = None) -> None:
        if self.gone:
            raise ConnectError("no route to the host", host=self.name)
        super().connect(patience=patience)

    def run(self, script: str, **rest: Any) -> Result:
        if self.word in script:
            self.gone = True
            raise ConnectError("the connection was lost", host=self.name)
        return super().run(script, **rest)
