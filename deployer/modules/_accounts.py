"""What `user` and `group` read of what a new account's script has printed."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.model.action import Outcome


def entry_of(name: str, done: Sequence[Outcome], *, fields: int) -> list[str] | None:
    """The fields of an entry in /etc/passwd or /etc/group among the output, which may hold warnings and errors too."""
    lines = (line.split(":") for one in done if one.status == 0 for line in one.output.splitlines())
    return next((line for line in lines if line[0] == name and len(line) == fields), None)
