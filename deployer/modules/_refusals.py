"""What modules refuse, in one voice: arguments that cannot be meant, and hosts that only a person may change.

Checks of single values that several modules share live here too; what they plan does not.
"""

from __future__ import annotations

import re
import shlex

from deployer.errors import DeployerError, ExitCode, PlaybookError

_DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


class ArgumentRefusedError(PlaybookError, ValueError):
    """A value of an argument cannot be what was meant; raised while the task is bound, before any host is changed."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)


class HostRefusedError(DeployerError, ValueError):
    """What the host has is in the way, and moving it is a person's decision; raised while planning: nothing changed."""

    exit_code = ExitCode.ROLLED_BACK

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)


def check_docker_name(kind: str, name: str) -> None:
    """Raise ArgumentRefusedError unless Docker takes this name for a network or a volume."""
    if not _DOCKER_NAME.fullmatch(name):
        raise ArgumentRefusedError(
            f"{name!r} is no name for a {kind}",
            hint="use letters, digits, `_`, `.` and `-`, and begin with a letter or digit",
        )


def check_absolute(argument: str, path: str) -> None:
    """Raise ArgumentRefusedError unless the path is absolute."""
    if not path.startswith("/") or "\0" in path:
        raise ArgumentRefusedError(
            f"{argument}: {path!r} is not an absolute path",
            hint="write it from the root of the host's file system: /etc/app.conf; `~` is not expanded",
        )


def parse_validate(command: str | None) -> tuple[str, ...]:
    """The words of a program that checks a file; raises ArgumentRefusedError if it does not say where the file goes."""
    if command is None:
        return ()
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ArgumentRefusedError(f"validate: {str(error).lower()}", hint="close the quotes") from error
    if not any("%s" in word for word in words):
        raise ArgumentRefusedError("validate: there is no %s", hint="it stands for the file: visudo -cf %s")
    return words


def check_account(argument: str, name: str) -> None:
    """Raise ArgumentRefusedError for what is neither a user's or group's name nor a number."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?", name):
        raise ArgumentRefusedError(
            f"{argument}: {name!r} is no name of an account", hint="use letters, digits, `_`, `.` and `-`"
        )


def check_regexp(argument: str, pattern: str | None) -> None:
    """Raise ArgumentRefusedError unless it is a regular expression of Python's, as Ansible's are."""
    try:
        re.compile((pattern or "").encode(errors="surrogateescape"))
    except re.error as error:
        raise ArgumentRefusedError(
            f"{argument}: {pattern!r} is no regular expression: {error}", hint="put `\\` before what is meant literally"
        ) from error


def check_one_of(arguments: object, first: str, second: str) -> None:
    """Raise ArgumentRefusedError unless exactly one of two arguments is given."""
    one, two = getattr(arguments, first), getattr(arguments, second)
    if (one is None) == (two is None):
        found = "neither is" if one is None else "both are"
        raise ArgumentRefusedError(f"either {first} or {second} is expected, {found} given", hint=f"give one: {first}")


def check_not_both(arguments: object, pairs: tuple[tuple[str, str], ...]) -> None:
    """Raise ArgumentRefusedError for two arguments that exclude each other."""
    for one, other in pairs:
        values = (getattr(arguments, one), getattr(arguments, other))
        if not any(value is None or value is False for value in values):
            raise ArgumentRefusedError(
                f"either {one} or {other} is expected, both are given", hint=f"give one of them: {one}"
            )


def parse_mode(mode: str | int | None) -> int | None:
    """Permission bits from "0644" or from YAML's octal 0644; raises ArgumentRefusedError for anything else."""
    if mode is None:
        return None
    if isinstance(mode, str) and re.fullmatch(r"0?o?[0-7]{1,4}", mode):
        return int(mode.replace("o", ""), 8)
    # 644 without its zero is decimal: 01204. No real mode is in that range, so it is the slip it looks like.
    slip = isinstance(mode, int) and 512 <= mode <= 777 and re.fullmatch(r"[0-7]{3}", str(mode))
    if isinstance(mode, int) and not isinstance(mode, bool) and 0 <= mode <= 0o7777 and not slip:
        return mode
    raise ArgumentRefusedError(f"mode: {mode!r} is not octal permission bits", hint='write them in quotes: "0644"')
