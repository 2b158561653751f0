"""What is said at the head of a template file, and what a template file can know of itself.

`#jinja2: lstrip_blocks: True` in its first line sets Jinja2's options, as in Ansible.
"""

from __future__ import annotations

import ast
import datetime
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deployer.config.keywords import did_you_mean
from deployer.errors import PlaybookError

HEAD = "#jinja2:"
OPTIONS: Mapping[str, Any] = {
    "block_start_string": "{%", "block_end_string": "%}", "variable_start_string": "{{",
    "variable_end_string": "}}", "comment_start_string": "{#", "comment_end_string": "#}",
    "line_statement_prefix": None, "line_comment_prefix": None, "trim_blocks": True, "lstrip_blocks": False,
    "newline_sequence": "\n", "keep_trailing_newline": False,
}  # fmt: skip


def is_file_template(text: str, options: Mapping[str, Any]) -> bool:
    """Whether Jinja2 would do anything with a file's text."""
    marks = ("block_start_string", "variable_start_string", "comment_start_string")
    return text.startswith(HEAD) or any({**OPTIONS, **options}[mark] in text for mark in marks)


def split_head(text: str) -> tuple[str, dict[str, Any]]:
    """The template without its head line, and the options in it; raises PlaybookError."""
    if not text.startswith(HEAD):
        return text, {}
    head, newline, rest = text.partition("\n")
    if not newline:
        raise PlaybookError(f"`{HEAD}` must be a line of its own")
    return rest, dict(_option(pair) for pair in head.removeprefix(HEAD).split(","))


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that are not as they are by default; raises PlaybookError for an unknown one."""
    for name in options:
        if name not in OPTIONS:
            hint = did_you_mean(name, OPTIONS) or f"there are {', '.join(OPTIONS)}"
            raise PlaybookError(f"a template has no option `{name}`", hint=hint)
    return {name: value for name, value in options.items() if value != OPTIONS[name]}


def about(path: Path, shown: str) -> dict[str, Any]:
    """The variables that a template file has beside the others, as far as the file is there."""
    try:
        state = path.stat()
        written, user = state.st_mtime, state.st_uid
    except OSError:
        return {"ansible_managed": "Ansible managed"}
    return {
        "ansible_managed": "Ansible managed",
        "template_host": os.uname().nodename,
        "template_path": shown,
        "template_fullpath": str(path.absolute()),
        "template_uid": _name(user),
        "template_mtime": datetime.datetime.fromtimestamp(written),
        "template_run_date": datetime.datetime.now(),
    }


def _option(pair: str) -> tuple[str, Any]:
    name, colon, value = pair.partition(":")
    try:
        return name.strip(), ast.literal_eval(value.strip() if colon else "")
    except (SyntaxError, ValueError):
        hint = f"such as `{HEAD} lstrip_blocks: True`"
        raise PlaybookError(f"the head of a template file says `{name.strip()}` without a value", hint=hint) from None


def _name(user: int) -> str | int:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return user
