"""Everything that can go wrong, and what it says about the hosts.

    DeployerError
    ├ ConfigError              the text is wrong; no host was contacted           exit 3
    │ ├ InventoryError           inventories, group_vars, host patterns
    │ ├ PlaybookError            plays, tasks, modules, arguments, templates
    │ ├ ProjectError             the project folder and its compose files
    │ ├ SecretMissingError       a value that must be given is not
    │ ├ VaultError               what ansible-vault has encrypted cannot be opened
    │ └ ConfigGroupError         several of these at once
    ├ RemoteError              something between here and one host                exit 4 before a change
    │ ├ ConnectError             no connection; the host may be down
    │ │ └ LostError                there was one, and it broke
    │ ├ AuthError                connected, but not let in
    │ ├ HostKeyError             the host's key is unknown or has changed
    │ ├ TransferError            bytes did not arrive as they were sent
    │ ├ CommandError             a remote command failed, or ended without a status
    │ └ CommandTimeoutError      a remote command outlived its deadline
    ├ LockHeldError            another run holds a host                           exit 5
    ├ InterruptedRolloutError  an earlier rollout has begun and not ended         exit 7, or 9 if it is paused
    ├ FencedError              this run has lost its lease on a host              exit 7
    ├ UnhealthyError           a release did not prove itself                     exit 6 or 7
    ├ UndecidedError           nobody can say whether a release is healthy         exit 9
    ├ RollbackError            a host that is neither on the old nor on the new   exit 7
    └ LabError                 throw-away hosts cannot be made on this machine    exit 1

Each carries what a person needs next: the host, the place in a file, and a hint (what to type).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum

from deployer.frozen import dataclass


class ExitCode(IntEnum):
    """In what state are the hosts? One number, one meaning."""

    OK = 0, "every host is on the wanted release and healthy"
    BUG = 1, "a bug of ours, or no lab on this machine; the traceback is in the log file"
    USAGE = 2, "wrong usage of the command line"
    CONFIG = 3, "configuration refused; no host was contacted"
    UNREACHABLE = 4, "a host could not be reached or logged in to; nothing changed anywhere"
    LOCKED = 5, "locked by another run; nothing changed"
    ROLLED_BACK = 6, "failed, and every touched host is back on its previous release and healthy"
    MIXED = 7, "failed, and hosts are mixed or down: a person is needed; the recap names them and the next command"
    PENDING = 8, "`--check --detailed-exitcode`: changes are pending"
    PAUSED = 9, "paused: some hosts serve the new release, the rest the old"
    INTERRUPTED = 130, "interrupted before any change"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


@dataclass(frozen=True)
class Place:
    """A position in a file that a person can open: path, line and column (both from 1, 0 is unknown)."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])


NOWHERE = Place("?")


class DeployerError(Exception):
    """The root. `str()` is the whole message on one or more lines, place and host first, without the hint."""

    exit_code = ExitCode.BUG

    def __init__(
        self, message: str, *, host: str | None = None, place: Place | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.host = host
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        return ": ".join([str(part) for part in (self.place, self.host) if part] + [self.message])

    def reword(self, change: Callable[[str], str]) -> None:
        """Change message and hint in place, such as to take secrets out of them."""
        self.message, self.hint = change(self.message), self.hint and change(self.hint)


class ConfigError(DeployerError):
    """Text that cannot be what was meant; raised before any host is contacted."""

    exit_code = ExitCode.CONFIG


class InventoryError(ConfigError):
    """An inventory, a group_vars or host_vars file, or a host pattern is wrong."""


class TooManyHostsError(InventoryError):
    """An inventory names more hosts than any fleet has; reading on would only take time and memory."""


class PlaybookError(ConfigError):
    """A play, a task, a module's name or arguments, or a template is wrong."""


class ProjectError(ConfigError):
    """The project folder or one of its compose files is wrong."""


class SecretMissingError(ConfigError):
    """A value that must be given is not; names the variable, never a value."""


class VaultError(ConfigError):
    """Something that is encrypted with ansible-vault cannot be opened: no password, a wrong one, or it is damaged."""


class ConfigGroupError(ConfigError):
    """All that is wrong in a configuration, each with its own place and hint, in the order of files and lines."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(sorted(errors, key=_position))
        super().__init__("")
        self._sum_up()

    def reword(self, change: Callable[[str], str]) -> None:
        for error in self.errors:
            error.reword(change)
        self._sum_up()

    def _sum_up(self) -> None:
        self.message, self.hint = "\n".join(map(str, self.errors)), self.errors[0].hint


def _position(error: ConfigError) -> tuple[str, int, int]:
    place = error.place or Place("")
    return place.path, place.line, place.column


class RemoteError(DeployerError):
    """Something between here and one host; always carries the host."""

    exit_code = ExitCode.UNREACHABLE


class ConnectError(RemoteError):
    """No connection could be made, or it was lost."""


class LostError(ConnectError):
    """A connection that was there broke; the next call makes a new one."""


class AuthError(RemoteError):
    """The host answered and did not let us in, or sudo asked for a password."""


class HostKeyError(RemoteError):
    """The host's key is not known, is revoked, or is not the one that is known."""


class TransferError(RemoteError):
    """Bytes did not arrive as they were sent."""


class CommandError(RemoteError):
    """A remote command exited with another status than expected; `status` is None if it had none."""

    exit_code = ExitCode.ROLLED_BACK

    def __init__(self, message: str, *, status: int | None, output: str = "", **rest: str | None) -> None:
        super().__init__(message, host=rest.get("host"), hint=rest.get("hint"))
        self.status = status
        self.output = output


class CommandTimeoutError(RemoteError):
    """A remote command outlived its deadline and was ended."""

    exit_code = ExitCode.ROLLED_BACK


class LockHeldError(DeployerError):
    """Another run holds a host's lock; the message says who, since when, and for which release."""

    exit_code = ExitCode.LOCKED


class InterruptedRolloutError(DeployerError):
    """An earlier rollout has begun and not ended; the message says where each host stands, the hint how to go on."""

    exit_code = ExitCode.MIXED
    ways_on: tuple[str, ...] = ()  # the verbs that end it: resume or promote, if it can be finished, and abort


class PausedRolloutError(InterruptedRolloutError):
    """An earlier rollout waits to be promoted or aborted."""

    exit_code = ExitCode.PAUSED


class FencedError(DeployerError):
    """This run's lease on a host has run out or was taken over: the host refuses its changes."""

    exit_code = ExitCode.MIXED


class UnhealthyError(DeployerError):
    """A release did not prove itself; the message says which container and why."""

    exit_code = ExitCode.ROLLED_BACK


class UndecidedError(DeployerError):
    """The gate is over and cannot say whether the release is healthy: a person has to."""

    exit_code = ExitCode.PAUSED


class RollbackError(DeployerError):
    """A host could not be put back: it is neither on the old release nor on the new one."""

    exit_code = ExitCode.MIXED


class LabError(DeployerError):
    """Throw-away hosts cannot be made on this machine; the hint says what is missing."""
