"""`creates` and `removes`: whether a command has anything left to do. Running it is the modules' business."""

from __future__ import annotations

import posixpath

from deployer.facts.files import PathExists
from deployer.protocols import Facts

ALWAYS = "commands always run, unless creates or removes says that there is nothing to do"


def guard_facts(chdir: str | None, creates: str | None, removes: str | None) -> tuple[PathExists, ...]:
    """The facts that `reason` looks up."""
    return tuple(_at(chdir, path) for path in (creates, removes) if path is not None)


def reason(seen: Facts, *, chdir: str | None, creates: str | None, removes: str | None) -> str | None:
    """Why the command is to run, as a sentence; None: it is not."""
    if creates is not None and seen[_at(chdir, creates)]:
        return None
    if removes is not None and not seen[_at(chdir, removes)]:
        return None
    if removes is not None:
        return f"{removes} exists"
    return ALWAYS if creates is None else f"{creates} not found"


def _at(chdir: str | None, path: str) -> PathExists:
    return PathExists(posixpath.join(chdir or "", path))
