"""`--start-at-task`: what is left of a playbook from the first task of a name on."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from deployer.model.playbook import Block, Play, Playbook, Step, Task, tasks_of


def start_at(playbook: Playbook, name: str) -> Playbook | None:
    """The playbook without what comes before; wildcards match. None if no task is called so.

    A rescue is never entered before something has failed, so no task in one is found.
    """
    for number, play in enumerate(playbook.plays):
        left = _of_play(play, name)
        if left is not None:
            return replace(playbook, plays=(left, *playbook.plays[number + 1 :]))
    return None


def names(playbook: Playbook) -> tuple[str, ...]:
    """All names that can be meant."""
    return tuple(task.name for play in playbook.plays for steps in play.sections for task in tasks_of(steps))


def _of_play(play: Play, name: str) -> Play | None:
    pre, tasks, post = (_of_steps(steps, name) for steps in play.sections)
    if pre is not None:
        return replace(play, pre_tasks=pre)
    if tasks is not None:
        return replace(play, pre_tasks=(), tasks=tasks)
    return None if post is None else replace(play, pre_tasks=(), tasks=(), post_tasks=post)


def _of_steps(steps: tuple[Step, ...], name: str) -> tuple[Step, ...] | None:
    for number, step in enumerate(steps):
        left = _of_step(step, name)
        if left is not None:
            return (left, *steps[number + 1 :])
    return None


def _of_step(step: Step, name: str) -> Step | None:
    if isinstance(step, Task):
        return step if step.name == name or fnmatchcase(step.name, name) else None
    return _of_block(step, name)


def _of_block(block: Block, name: str) -> Block | None:
    tasks = _of_steps(block.tasks, name)
    if tasks is not None:
        return replace(block, tasks=tasks)
    always = _of_steps(block.always, name)
    return None if always is None else replace(block, tasks=(), always=always)
