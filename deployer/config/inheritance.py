"""What tasks inherit: the words of plays, blocks, imports and their own, each read on top of what is around it.

A condition, a tag, a variable or a notification is added to what is there; any other word replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from deployer.config import keyword_values as values
from deployer.model.playbook import Inherited

FLAGS = ("ignore_errors", "ignore_unreachable", "any_errors_fatal", "check_mode", "diff", "run_once", "no_log")
REPLACING: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    **dict.fromkeys(FLAGS, values.flag_or_template),
    "become": values.flag,
    "become_user": values.text,
    "delegate_to": values.text,
    "throttle": values.number,
    "timeout": values.number,
}
OF_PLAYS = ("ignore_errors", "ignore_unreachable", "check_mode", "diff", "run_once", "no_log", "throttle", "timeout")


def of_play(raw: Mapping[str, Any]) -> Inherited:
    """What all tasks of a play inherit; what the play itself says of become, variables and failures stays with it."""
    return replace(Inherited(tags=values.tags(raw)), **_given(raw, OF_PLAYS))


def inside(around: Inherited, raw: Mapping[str, Any]) -> Inherited:
    """What is inherited inside a block or a task with these words."""
    return replace(
        around,
        when=(*around.when, *values.conditions(raw, "when")),
        tags=around.tags | values.tags(raw),
        notify=(*around.notify, *values.texts(raw, "notify")),
        variables={**around.variables, **values.variables(raw)},
        environment={**around.environment, **values.mapping(raw, "environment")},
        **_given(raw, tuple(REPLACING)),
    )


def words_of(found: Inherited) -> dict[str, Any]:
    """The fields, for a Task that has them."""
    return {one.name: getattr(found, one.name) for one in fields(Inherited)}


def _given(raw: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    read = {key: REPLACING[key](raw, key) for key in keys}
    return {key: value for key, value in read.items() if value is not None}
