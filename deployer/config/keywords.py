"""The words of plays and tasks: which are known, which of Ansible's are not, and what values they take.

Which word may stand where in a file, and what a module's arguments are, is `playbook`'s and `binding`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from deployer.config.values import nearest, place_of
from deployer.errors import PlaybookError
from deployer.model.literal import Literal

BASE = (  # of plays, blocks and tasks
    "name", "vars", "environment", "become", "become_user", "tags", "any_errors_fatal", "check_mode", "diff",
    "ignore_errors", "ignore_unreachable", "no_log", "run_once", "throttle", "timeout",
)  # fmt: skip
PLAY = (
    *BASE, "hosts", "serial", "order", "max_fail_percentage", "pause_after", "vars_files", "pre_tasks", "tasks",
    "post_tasks", "after_batch", "handlers", "force_handlers", "gather_facts",
)  # fmt: skip
SHARED = (*BASE, "when", "delegate_to", "notify")  # of blocks and tasks
BLOCK = (*SHARED, "block", "rescue", "always")
TASK = (
    *SHARED, "args", "register", "loop", "loop_control", "listen", "changed_when", "failed_when", "until", "retries",
    "delay", "once",
)  # fmt: skip
IMPORT = (*SHARED, "args")  # of import_tasks
INCLUDE = (  # of include_tasks: all else is for the tasks in its file
    "name", "when", "loop", "loop_control", "tags", "vars", "args", "register", "ignore_errors", "run_once", "no_log",
    "timeout", "listen", "notify",
)  # fmt: skip
IMPORT_PLAYBOOK = ("name", "import_playbook", "vars", "when", "tags")
LOOP_CONTROL = ("loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when")
DIRECTIVES = ("meta", "include_tasks", "import_tasks")
FREE_FORM = {"meta": "action", "include_tasks": "file", "import_tasks": "file"}
METAS = ("flush_handlers", "end_play", "end_batch", "end_host", "clear_facts", "clear_host_errors", "noop")

_ROLES = "write the role's tasks into a file, and `import_tasks` it"
_INVENTORY = "set `ansible_connection`, `ansible_port` or `ansible_user` in the inventory"
_LOOK = "facts are asked for by the modules that need them; leave it out"
_ESCALATE = "only sudo is spoken: use `become` and `become_user`"

UNSUPPORTED: Mapping[str, str] = {
    **dict.fromkeys(("roles", "include_role", "import_role"), _ROLES),
    "include": "write `include_tasks`, `import_tasks` or `import_playbook`",
    "delegate_facts": "leave it out: what a task registers belongs to its own host; `hostvars` reads it anywhere",
    **dict.fromkeys(("local_action", "action"), "write the module's name as the key, and `delegate_to: localhost`"),
    **dict.fromkeys(("async", "poll"), "leave it out: a task ends when its command ends"),
    "vars_prompt": "give the value with `-e name=value`, or keep it in a file that ansible-vault has encrypted",
    **dict.fromkeys(("connection", "port", "remote_user"), _INVENTORY),
    **dict.fromkeys(("become_method", "become_flags", "become_exe"), _ESCALATE),
    "strategy": "leave it out: hosts go task by task; `serial`, `throttle` and `--forks` say how many at a time",
    **dict.fromkeys(("gather_subset", "gather_timeout", "fact_path"), _LOOK),
    "debugger": "leave it out",
    "module_defaults": "write the arguments on each task",
    "collections": "leave it out: modules are called by their short names",
}


def is_template(text: str) -> bool:
    """Whether Jinja2 would do anything with it, and may."""
    return type(text) is not Literal and ("{{" in text or "{%" in text or "{#" in text)


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
    for other, theirs in (("play", PLAY), ("task", TASK), ("block", BLOCK)):
        if word in theirs:
            refuse(raw, key, f"`{word}` belongs to a {other}, not to {_a(what)}", f"move it to the {other}")
    refuse(raw, key, f"{_a(what)} has no `{word}`", did_you_mean(word, words))


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def did_you_mean(word: object, words: Any) -> str | None:
    """The hint for a misspelt word, if there is a word close enough."""
    close = nearest(word, words)
    return f"did you mean `{close}`?" if close else None
