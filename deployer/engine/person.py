"""`--step`: a person is asked before each task."""

from __future__ import annotations

from threading import Event as Flag

from deployer.engine.ports import Emit, Options
from deployer.model.event import PersonAnswered, PersonAsked
from deployer.model.playbook import Task


class Stepper:
    """Asks, until a person says that the rest shall just run."""

    def __init__(self, options: Options, emit: Emit, stop: Flag) -> None:
        self._ask, self._emit, self._stop = options.ask if options.step else None, emit, stop

    def wants(self, task: Task) -> bool:
        """Whether a task is to be run."""
        if self._ask is None:
            return True
        prompt = f"Perform task: {task.name} (N)o/(y)es/(c)ontinue: "
        self._emit(PersonAsked(prompt=prompt))
        try:
            answer = self._ask(prompt, True, self._stop).strip().lower()
        finally:
            self._emit(PersonAnswered())
        if answer in ("c", "continue"):
            self._ask = None
        return answer in ("y", "yes", "c", "continue")
