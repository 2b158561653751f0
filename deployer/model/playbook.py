"""Plays and tasks as they were read: still templates, every one with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.errors import NOWHERE, Place


@dataclass(frozen=True, kw_only=True)
class Task:
    """One call of a module; strings in `args`, `when`, `loop` … may hold Jinja2 templates."""

    name: str
    module: str
    args: Mapping[str, Any] = field(default_factory=dict)
    place: Place = NOWHERE
    when: tuple[str | bool, ...] = ()  # all of them must be true
    loop: Any = None  # a list, or a template that gives one; None: no loop
    register: str | None = None
    notify: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()  # handlers only
    tags: frozenset[str] = frozenset()  # its own and its play's
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    become: bool | None = None  # None: as the play says
    become_user: str | None = None
    ignore_errors: bool | str = False
    changed_when: tuple[str | bool, ...] | None = None
    failed_when: tuple[str | bool, ...] | None = None
    run_once: bool | str = False  # once per batch, as in Ansible
    once: bool = False  # for one host of the whole rollout, whatever the batches
    no_log: bool | str = False


@dataclass(frozen=True, kw_only=True)
class Play:
    """Tasks for the hosts that a pattern names, batch by batch."""

    name: str
    hosts: str
    place: Place = NOWHERE
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    become: bool | None = None
    become_user: str | None = None
    serial: Any = None  # int, "30%", a list of both, or a template that gives one; None: all at once
    order: str = "inventory"
    any_errors_fatal: bool | str = False
    max_fail_percentage: Any = None  # of a batch's hosts that may fail and the rest goes on; None: see any_errors_fatal
    pause_after: Any = None  # number of a batch after which the rollout waits to be promoted, or a template
    tasks: tuple[Task, ...] = ()
    after_batch: tuple[Task, ...] = ()  # after a batch that changed something, on the hosts of all batches so far
    handlers: tuple[Task, ...] = ()

    @property
    def all_tasks(self) -> tuple[Task, ...]:
        """Whatever the play may run."""
        return (*self.tasks, *self.after_batch, *self.handlers)


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """The plays of one file, in order."""

    path: str
    plays: tuple[Play, ...] = ()
