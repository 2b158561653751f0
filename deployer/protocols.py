"""The extension points and nothing else: Fact, Module, Remote, Probe, Reporter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from deployer.model.action import Action, HttpCheck, Outcome
from deployer.model.connection import Result, Traffic
from deployer.model.event import Event
from deployer.model.release import Container

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

OnLine = Callable[[str, bool], None]  # a line of output, and whether it came from stderr
OnBytes = Callable[[int], None]  # bytes sent so far


@runtime_checkable
class Fact(Protocol[T_co]):
    """A question to a host. A frozen, hashable value: equal facts are asked once.

    Facts must not change the host. Many of them travel in one script, each in a subshell of its own, run as root
    where the play becomes root.
    """

    constant: ClassVar[bool]  # no action of ours changes it (the operating system): kept when others are forgotten

    def script(self) -> str:
        """POSIX shell that prints the answer; every value in it is quoted."""
        ...

    def parse(self, output: str, status: int) -> T_co:
        """The answer from what the script printed on stdout and its exit status. Absence is an answer, no error."""
        ...


@runtime_checkable
class Sharing(Protocol):
    """A Fact whose script calls shell functions that others of the same look may call too."""

    functions: ClassVar[str]  # their definitions; equal ones travel once


class Facts(Protocol):
    """What was seen on one host."""

    def __getitem__(self, fact: Fact[T]) -> T:
        """The answer; KeyError if the fact was not looked at."""
        ...


@runtime_checkable
class Module(Protocol):
    """A decision about one host: a frozen dataclass whose fields are its YAML arguments."""

    def facts(self) -> tuple[Fact[Any], ...]:
        """What must be seen before planning."""
        ...

    def plan(self, seen: Facts) -> Iterator[Action]:
        """The actions that bring the host to what the arguments say; none means unchanged."""
        ...


@runtime_checkable
class Inquiring(Protocol):
    """A Module that asks more where something is not as wanted; a host that is costs no second look."""

    def further_facts(self, seen: Facts) -> tuple[Fact[Any], ...]:
        """What else `plan` has to know, from what `facts()` have answered."""
        ...


@runtime_checkable
class Returning(Protocol):
    """A Module that has more to tell than what it did."""

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What `register` gives, under Ansible's names, from what was seen before the actions and how they ended.

        After a failure the last one in `done` is the one that failed. Some names are read by the engine: `changed`,
        `failed` with `msg`, and `skipped` have the last word on how the task ended; `ansible_facts` become variables
        of the host.
        """
        ...


@runtime_checkable
class Saying(Protocol):
    """A Module that has a word for people."""

    def says(self) -> str | None:
        """The message of a task that did not fail."""
        ...


class Remote(Protocol):
    """One host, over one connection. Methods may be called from several threads; each is one exchange at a time."""

    @property
    def name(self) -> str:
        """The host's name in the inventory."""
        ...

    def connect(self, *, patience: float | None = None) -> None:
        """Open the connection; raises ConnectError, AuthError or HostKeyError. Again: does nothing.

        `patience` is how many seconds the host has to answer; then one try must do.
        """
        ...

    def run(
        self,
        script: str,
        *,
        become: str | None = None,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
        lane: str = "main",
    ) -> Result:
        """Run POSIX shell text; the text may hold secrets: it reaches the host on the connection, never in argv.

        `become` is the user to run as (None: who logged in). Scripts of one lane follow one another, those of two run
        side by side. A status other than 0 is a Result, no error. After `timeout` seconds the remote process group is
        ended and CommandTimeoutError raised. Raises ConnectError when the connection is lost.
        """
        ...

    def stream(
        self,
        script: str,
        source: Iterable[bytes],
        *,
        become: str | None = None,
        timeout: float = 3600.0,
        on_bytes: OnBytes | None = None,
    ) -> Result:
        """Run POSIX shell text (no secrets: it may show in the process list) with `source` as its standard input."""
        ...

    def probe(self, *, become: str | None = None) -> Probe:
        """The host's Docker Engine, over this connection."""
        ...

    def traffic(self) -> Traffic:
        """What this Remote has cost so far."""
        ...

    def renew(self) -> None:
        """Let the connection go, with whatever runs on it; the next call makes a new one."""
        ...

    def close(self) -> None:
        """End the connection and whatever still runs on it. Again: does nothing."""
        ...


class Probe(Protocol):
    """What the gate asks a host while a release proves itself."""

    def containers(self, project: str) -> tuple[Container, ...]:
        """All containers of a compose project, stopped and one-off ones included, by name."""
        ...

    def logs(self, container: str, tail: int = 20) -> tuple[str, ...]:
        """A container's last lines, both streams in order of time."""
        ...

    def http(self, check: HttpCheck) -> str | None:
        """None if the answer, asked for from where the check says, is as expected; else what came instead."""
        ...

    def close(self) -> None:
        """Let go of the connection's channel."""
        ...


class Reporter(Protocol):
    """Turns events into words. Called from one thread at a time."""

    def handle(self, event: Event) -> None: ...

    def close(self) -> None:
        """Finish the output; called once, also after an error."""
        ...
