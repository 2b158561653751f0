"""The words of plays and tasks: which are known, which of Ansible's are not, and what values they take.

Which word may stand where in a file, and what a module's arguments are, is `playbook`'s and `binding`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from deployer.config.values import nearest, place_of
from deployer.errors import Place, PlaybookError

SHARED = ("name", "vars", "environment", "become", "become_user", "tags")
PLAY = (
    *SHARED, "hosts", "serial", "order", "any_errors_fatal", "max_fail_percentage", "pause_after", "tasks",
    "after_batch", "handlers", "gather_facts",
)  # fmt: skip
TASK = (
    *SHARED, "args", "when", "register", "loop", "notify", "listen", "ignore_errors", "changed_when", "failed_when",
    "run_once", "once", "no_log",
)  # fmt: skip

_IN_ORDER = "write the tasks in the play's `tasks`, in order"
_INVENTORY = "set `ansible_connection`, `ansible_port` or `ansible_user` in the inventory"
_OWN_PLAY = "put the task into a play of its own, with the host that it is for as `hosts`"
_ONE_BY_ONE = "write the tasks one after the other; each may have its own `when`, `become` and `ignore_errors`"
_VARIABLES = "put the variables into group_vars or the play's `vars`, or give them with `-e @file.yml`"
_LOOK = "facts are asked for by the modules that need them; leave it out"
_COMMAND_LINE = "leave it out, and give it on the command line"
_RETRY = "write the loop into the command, for example `until …; do sleep 1; done`"
_ESCALATE = "only sudo is spoken: use `become` and `become_user`"

UNSUPPORTED: Mapping[str, str] = {
    **dict.fromkeys(("roles", "include_role", "import_role", "pre_tasks", "post_tasks"), _IN_ORDER),
    **dict.fromkeys(("include", "include_tasks", "import_tasks"), _IN_ORDER),
    "import_playbook": "write the plays into one file, or run the files one after the other",
    **dict.fromkeys(("block", "rescue", "always"), _ONE_BY_ONE),
    **dict.fromkeys(("delegate_to", "delegate_facts", "local_action"), _OWN_PLAY),
    "action": "write the module's name as the key: `command: …`",
    **dict.fromkeys(("async", "poll"), "leave it out: a task ends when its command ends"),
    **dict.fromkeys(("until", "retries", "delay"), _RETRY),
    "loop_control": "the item of a `loop` is always called `item`",
    **dict.fromkeys(("vars_files", "vars_prompt", "include_vars"), _VARIABLES),
    **dict.fromkeys(("connection", "port", "remote_user"), _INVENTORY),
    **dict.fromkeys(("become_method", "become_flags", "become_exe"), _ESCALATE),
    **dict.fromkeys(("strategy", "throttle"), "leave it out; `serial` and `--forks` say how many hosts go at a time"),
    "force_handlers": "leave it out: handlers of a failed host do not run",
    **dict.fromkeys(("check_mode", "diff"), _COMMAND_LINE),
    **dict.fromkeys(("gather_subset", "gather_timeout", "fact_path"), _LOOK),
    **dict.fromkeys(("ignore_unreachable", "debugger", "timeout"), "leave it out"),
    "module_defaults": "write the arguments on each task",
    "collections": "leave it out: modules are called by their short names",
}

ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")

TRUE = frozenset({"true", "yes", "on", "y", "t", "1"})
FALSE = frozenset({"false", "no", "off", "n", "f", "0"})


def is_template(text: str) -> bool:
    """Whether Jinja2 would do anything with it."""
    return "{{" in text or "{%" in text or "{#" in text


def kind(value: object) -> str:
    """What a value is, in a message's words; never the value itself, which may be a secret."""
    if value is None:
        return "nothing"
    words = ((bool, "a boolean"), (str, "a string"), (int, "an integer"), (float, "a number"), (bytes, "bytes"))
    known = (*words, (Mapping, "a mapping"), ((Sequence, set, frozenset), "a list"))
    return next((word for types, word in known if isinstance(value, types)), f"a {type(value).__name__}")


def refuse(raw: Any, key: Any, message: str, hint: str | None = None) -> NoReturn:
    """Raise PlaybookError at the place of a key."""
    raise PlaybookError(message, place=place_of(raw, key), hint=hint)


def refuse_unknown(raw: Any, key: Any, what: str, words: tuple[str, ...]) -> NoReturn:
    """Raise PlaybookError for a word that `what` (a play, a task) does not know: unsupported, misplaced or misspelt."""
    word = str(key)
    if word.startswith("with_"):
        refuse(raw, key, f"`{word}` is not supported", "use `loop` with a list")
    if word in UNSUPPORTED:
        refuse(raw, key, f"`{word}` is not supported", UNSUPPORTED[word])
    if word in {*PLAY, *TASK}:
        other = "play" if word in PLAY else "task"
        refuse(raw, key, f"`{word}` belongs to a {other}, not to a {what}", f"move it to the {other}")
    refuse(raw, key, f"a {what} has no `{word}`", did_you_mean(word, words))


def did_you_mean(word: object, words: Any) -> str | None:
    """The hint for a misspelt word, if there is a word close enough."""
    close = nearest(word, words)
    return f"did you mean `{close}`?" if close else None


def text(raw: Mapping[str, Any], key: str) -> str | None:
    """The value of a keyword that is one piece of text; a number counts as text."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        refuse(raw, key, f"`{key}` must be a string, got {kind(value)}")
    return None if value is None else str(value)


def texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The value of a keyword that is a string or a list of them."""
    value = raw.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, str | int):
            refuse(raw, key, f"`{key}` must be a string or a list of strings, got {kind(item)}")
    return tuple(str(item) for item in items)


def tags(raw: Mapping[str, Any]) -> frozenset[str]:
    """Tags, split at commas as in Ansible."""
    found = texts(raw, "tags")
    if any(is_template(tag) for tag in found):
        refuse(raw, "tags", "`tags` cannot be a template", "write the tags as they are; use `when` for what varies")
    return frozenset(part.strip() for tag in found for part in tag.split(",") if part.strip())


def flag(raw: Mapping[str, Any], key: str) -> bool | None:
    """True, false, or one of YAML's and Ansible's words for them."""
    value = raw.get(key)
    if value is None or isinstance(value, bool):
        return value
    if str(value).lower() in TRUE | FALSE:
        return str(value).lower() in TRUE
    return refuse(raw, key, f"`{key}` must be true or false, got {kind(value)}")


def flag_or_template(raw: Mapping[str, Any], key: str) -> bool | str:
    """A flag that may also be decided by a template."""
    value = raw.get(key)
    if isinstance(value, str) and is_template(value):
        return value
    return flag(raw, key) or False


def conditions(raw: Mapping[str, Any], key: str) -> tuple[str | bool, ...]:
    """Bare expressions and booleans, all of which must be true."""
    value = raw.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    for item in items:
        if not isinstance(item, str | bool):
            refuse(raw, key, f"`{key}` must be an expression, true or false, got {kind(item)}")
        if isinstance(item, str) and not item.strip():
            refuse(raw, key, f"`{key}` is empty", "write an expression such as `x is defined`, or leave it out")
    return tuple(items)


def mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping, kept as it was read so that its places are not lost."""
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        refuse(raw, key, f"`{key}` must be a mapping, got {kind(value)}", f"write `{key}:` and below it `name: value`")
    return value


def variables(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """`vars`: a mapping whose keys are names that a template can use."""
    found = mapping(raw, "vars")
    for name in found:
        if not is_name(name):
            refuse(found, name, f"`{name}` cannot be the name of a variable", "use letters, digits and `_`")
    return found


def is_name(name: object) -> bool:
    """Whether a template can use it as a variable."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is not None


def steps(raw: Mapping[str, Any], key: str) -> list[Any]:
    """`tasks`, `after_batch` or `handlers`: a list, or nothing."""
    value = raw.get(key)
    if not isinstance(value, list | None):
        refuse(raw, key, f"`{key}` must be a list of tasks, got {kind(value)}", "begin every task with `- `")
    return value or []


def serial(raw: Mapping[str, Any]) -> Any:
    """A number of hosts, a percentage, a list of both, or a template."""
    value = raw.get("serial")
    for item in value if isinstance(value, list) else [value]:
        if not _is_size(item):
            refuse(raw, "serial", "`serial` must be a number, a percentage or a list of them", 'such as [1, "25%"]')
    return value


def order(raw: Mapping[str, Any]) -> str:
    """In which order a play takes its hosts."""
    value = text(raw, "order") or "inventory"
    if value not in ORDERS:
        refuse(raw, "order", f"`order` is {value!r}", f"it is one of {', '.join(ORDERS)}")
    return value


def percentage(raw: Mapping[str, Any], key: str) -> Any:
    """A number from 0 to 100, or a template that gives one."""
    value = raw.get(key)
    if isinstance(value, str) and is_template(value):
        return value
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100):
        return value
    refuse(raw, key, f"`{key}` must be a number from 0 to 100", f"such as `{key}: 20`")


def batch_number(raw: Mapping[str, Any], key: str) -> Any:
    """The number of a batch, from 1, or a template that gives one; None: no batch."""
    value = raw.get(key)
    if value is None or (isinstance(value, str) and is_template(value)):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    refuse(raw, key, f"`{key}` must be the number of a batch, from 1", f"such as `{key}: 1`")


def once(raw: Mapping[str, Any]) -> bool:
    """True if a task is for one host of the whole rollout: `once: rollout`."""
    value = text(raw, "once")
    if value not in (None, "rollout"):
        refuse(raw, "once", f"`once` is {value!r}", "`once: rollout`, or `run_once: true`: once in each batch")
    return value is not None


def _is_size(item: object) -> bool:
    if isinstance(item, str):
        return is_template(item) or re.fullmatch(r"\d+%?", item.strip()) is not None
    return item is None or (isinstance(item, int) and not isinstance(item, bool))


def hosts(raw: Mapping[str, Any], place: Place) -> str:
    """A play's host pattern; the items of a list become one pattern with the same meaning."""
    found = [pattern.strip() for pattern in texts(raw, "hosts") if pattern.strip()]
    if not found:
        where = place_of(raw, "hosts") if "hosts" in raw else place
        raise PlaybookError("a play without hosts", place=where, hint="say for whom it is: `hosts: all`")
    if len(found) == 1 or not any("," in pattern for pattern in found):
        return ":".join(found)
    if any(":" in pattern and "," not in pattern for pattern in found):  # with a comma, colons no longer split
        refuse(raw, "hosts", "`hosts` mixes `,` and `:`", "write one pattern an item")
    return ",".join(found)
