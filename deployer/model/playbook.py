"""Plays and tasks as they were read: still templates, every one with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from deployer.errors import NOWHERE, Place
from deployer.frozen import dataclass

Conditions = tuple[str | bool, ...]  # all of them must be true
META = "meta"
INCLUDE_TASKS = "include_tasks"
JOINING = ("add_host", "group_by")  # after them the run has more hosts or groups
FLOW = (META, INCLUDE_TASKS)  # steps that change what runs where; they look at no host


@dataclass(frozen=True, kw_only=True)
class Inherited:
    """What a task has from the play, the blocks and the imports around it, its own words among it."""

    when: Conditions = ()
    tags: frozenset[str] = frozenset()
    notify: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    become: bool | None = None  # None: as the play says
    become_user: str | None = None
    delegate_to: str | None = None  # the host that the actions are for, instead of the task's own
    ignore_errors: bool | str = False
    ignore_unreachable: bool | str = False
    any_errors_fatal: bool | str | None = None  # None: as the play says
    check_mode: bool | str | None = None  # None: as the command line says
    diff: bool | str | None = None
    run_once: bool | str = False  # once per batch, as in Ansible
    no_log: bool | str = False
    throttle: Any = 0  # hosts at a time; 0: as many as forks
    timeout: Any = 0  # seconds; 0: each action's own
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of includes: above all that hosts have learnt
    folders: tuple[str, ...] = ()  # where the files stand that it is written in, the nearest first


@dataclass(frozen=True, kw_only=True)
class LoopControl:
    """How a loop calls its items, and how it goes from one to the next."""

    loop_var: str = "item"
    index_var: str | None = None
    label: Any = None  # what stands for an item in messages
    pause: Any = 0  # seconds between two items
    extended: bool | str = False  # `ansible_loop` is wanted
    allitems: bool | str = True  # … with all items
    break_when: Conditions = ()


@dataclass(frozen=True, kw_only=True)
class Task(Inherited):
    """One call of a module; strings in `args`, `when`, `loop` … may hold Jinja2 templates."""

    name: str
    module: str
    args: Mapping[str, Any] = field(default_factory=dict)
    place: Place = NOWHERE
    loop: Any = None  # a list, or a template that gives one; None: no loop
    loop_control: LoopControl = LoopControl()
    register: str | None = None
    listen: tuple[str, ...] = ()  # handlers only
    changed_when: Conditions | None = None
    failed_when: Conditions | None = None
    until: Conditions | None = None
    retries: Any = None  # after the first try; None: 3 with `until`, else none
    delay: Any = 5  # seconds between two tries
    once: bool = False  # for one host of the whole rollout, whatever the batches
    around: Inherited = Inherited()  # of an include: what the tasks of its file inherit


@dataclass(frozen=True, kw_only=True)
class Block:
    """Steps that fail together: `rescue` is for hosts that failed in `tasks`, `always` for all that can be reached."""

    tasks: tuple[Step, ...]
    rescue: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()
    name: str = ""
    place: Place = NOWHERE


Step = Task | Block


def tasks_of(steps: tuple[Step, ...]) -> Iterator[Task]:
    """The tasks in steps, in the order in which they are written."""
    for step in steps:
        if isinstance(step, Task):
            yield step
        else:
            yield from tasks_of((*step.tasks, *step.rescue, *step.always))


@dataclass(frozen=True, kw_only=True)
class Play:
    """Tasks for the hosts that a pattern names, batch by batch."""

    name: str
    hosts: str
    place: Place = NOWHERE
    tags: frozenset[str] = frozenset()
    variables: Mapping[str, Any] = field(default_factory=dict)
    vars_files: tuple[tuple[str, ...], ...] = ()  # of each, the first that exists
    environment: Mapping[str, Any] = field(default_factory=dict)
    become: bool | None = None
    become_user: str | None = None
    serial: Any = None  # int, "30%", a list of both, or a template that gives one; None: all at once
    order: str = "inventory"
    any_errors_fatal: bool | str = False
    max_fail_percentage: Any = None  # of a batch's hosts that may fail and the rest goes on; None: see any_errors_fatal
    force_handlers: bool | str = False  # handlers of a failed host run too
    pause_after: Any = None  # number of a batch after which the rollout waits to be promoted, or a template
    folder: str = ""  # where its playbook stands, if that is another than the one that is run
    pre_tasks: tuple[Step, ...] = ()
    tasks: tuple[Step, ...] = ()
    post_tasks: tuple[Step, ...] = ()
    after_batch: tuple[Step, ...] = ()  # after a batch that changed something, on the hosts of all batches so far
    handlers: tuple[Task, ...] = ()

    @property
    def sections(self) -> tuple[tuple[Step, ...], ...]:
        """What is run in a batch; handlers are flushed after each section."""
        return self.pre_tasks, self.tasks, self.post_tasks

    @property
    def all_tasks(self) -> tuple[Task, ...]:
        """Whatever the play may run, as far as it was read."""
        return tuple(tasks_of((*self.pre_tasks, *self.tasks, *self.post_tasks, *self.after_batch, *self.handlers)))


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """The plays of one file, in order."""

    path: str
    plays: tuple[Play, ...] = ()
