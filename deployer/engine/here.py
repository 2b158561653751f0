"""What a task does on this machine instead of a host: waiting for a time or a person, keeping a host's file."""

from __future__ import annotations

import base64
import hashlib
import shlex
import tempfile
from pathlib import Path
from threading import Event as Flag

from deployer.engine.ports import Ask, Emit
from deployer.errors import CommandError
from deployer.model.action import Fetch, Pause
from deployer.model.event import Note, PersonAnswered, PersonAsked
from deployer.protocols import Remote


def pause(action: Pause, *, emit: Emit, host: str, ask: Ask | None, stop: Flag) -> str:
    """Wait as the action says, or until `stop`; what a person has typed.

    With nobody to ask, a pause without seconds is over at once, with a warning: as Ansible does.
    """
    if action.seconds is not None:
        stop.wait(action.seconds)
        return ""
    if ask is None:
        emit(Note(host=host, warning=True, message="not waiting for an answer: this is no terminal"))
        return ""
    emit(PersonAsked(prompt=action.prompt))
    try:
        return ask(action.prompt, action.echo, stop)
    finally:
        emit(PersonAnswered())


def fetch(remote: Remote, action: Fetch, *, become: str | None) -> None:
    """Bring a file here, whole or not at all; raises CommandError if it cannot be read, is another, or has no place."""
    result = remote.run(f"base64 <{shlex.quote(action.path)}", become=become, timeout=action.timeout)
    content = base64.b64decode(result.stdout) if result.status == 0 else b""
    if result.status != 0:
        raise CommandError(f"{action.path} cannot be read", status=result.status, output=result.stderr)
    if hashlib.sha1(content, usedforsecurity=False).hexdigest() != action.sha1:
        raise CommandError(f"{action.path} changes while it is read", status=None, hint="fetch it when it is at rest")
    try:
        _keep(Path(action.dest), content)
    except OSError as wrong:
        raise CommandError(f"{wrong.filename or action.dest}: {wrong.strerror}", status=None) from wrong


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
        try:
            new.write(content)
            new.close()
            Path(new.name).chmod(0o644)
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise
