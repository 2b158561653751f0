"""One run at a time: a lock on every host, taken before the first change."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict

from deployer.errors import CommandError, LockHeldError
from deployer.model.lock import Holder
from deployer.protocols import Remote

_HELD = 75  # EX_TEMPFAIL of sysexits.h


def take_lock(remote: Remote, root: str, holder: Holder, *, become: str | None) -> None:
    """Take a project's lock on a host; raises LockHeldError, saying who has it, or CommandError."""
    folder = shlex.quote(f"{root}/.deploy")
    script = (
        f"mkdir -p {shlex.quote(root)} && umask 077 && mkdir -p {folder} || exit 1\n"
        f"mkdir {folder}/lock 2>/dev/null || {{ cat {folder}/lock/holder; exit {_HELD}; }}\n"
        f"printf '%s\\n' {shlex.quote(json.dumps(asdict(holder)))} >{folder}/lock/holder\n"
    )
    result = remote.run(script, become=become, timeout=60)
    if result.status == _HELD:
        raise held(remote.name, _read(result.stdout))
    if not result.ok:
        raise CommandError(
            f"the lock could not be taken: {result.stderr.strip()}",
            status=result.status,
            host=remote.name,
            hint=f"the login user must be able to write {root}, by itself or with sudo",
        )


def drop_lock(remote: Remote, root: str, holder: Holder | None, *, become: str | None) -> bool:
    """Give a lock back if it is this holder's (None: whoever's it is); True if there was one to give back."""
    lock = shlex.quote(f"{root}/.deploy/lock")
    mine = f"grep -qF -- {shlex.quote(holder.run)} {lock}/holder && " if holder else ""
    return remote.run(f"{mine}rm -r -- {lock}", become=become, timeout=60).ok


def held(host: str, holder: str | Holder) -> LockHeldError:
    """The error that says who holds a host and how to go on."""
    return LockHeldError(
        f"locked by {holder}",
        host=host,
        hint="wait for that run, or if it is dead: deploy unlock ENV",
    )


def _read(text: str) -> str:
    try:
        return str(Holder(**json.loads(text)))
    except (ValueError, TypeError):
        return "another run"
