"""`creates` and `removes`: whether a command has anything left to do. Running it is the modules' business."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from deployer.facts.files import PathExists
from deployer.model.action import Outcome
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


def did_not_run(seen: Facts, *, chdir: str | None, creates: str | None, removes: str | None) -> Mapping[str, Any]:
    """What `register` gives where the command is not run, in Ansible's words; empty if it is."""
    if reason(seen, chdir=chdir, creates=creates, removes=removes) is not None:
        return {}
    if creates is not None and seen[_at(chdir, creates)]:
        why, skipped = f"'{creates}' exists", f"skipped, since {creates} exists"
    else:
        why, skipped = f"'{removes}' does not exist", f"skipped, since {removes} does not exist"
    return {"stdout": skipped, "stdout_lines": [skipped], "msg": f"Did not run command since {why}"}


def said(done: Sequence[Outcome]) -> Mapping[str, Any]:
    """What a command has said, without the ends of its last lines; one that was run has changed something.

    That is Ansible's view also of one that has failed.
    """
    texts = {"stdout": done[-1].output.rstrip("\r\n"), "stderr": done[-1].errors.rstrip("\r\n")} if done else {}
    changed = {"changed": True} if done else {}
    return {**changed, **texts, **{f"{name}_lines": text.splitlines() for name, text in texts.items()}}


def _at(chdir: str | None, path: str) -> PathExists:
    return PathExists(posixpath.join(chdir or "", path))
