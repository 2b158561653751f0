"""What a task does on this machine instead of a host: waiting for a time or a person."""

from __future__ import annotations

from threading import Event as Flag

from deployer.engine.ports import Ask, Emit
from deployer.model.action import Pause
from deployer.model.event import Note, PersonAnswered, PersonAsked


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
