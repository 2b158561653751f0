"""Ansible's `lookup` in templates: the environment and the files of the machine that deploys.

What is read is never taken for a template: that is `templates`' doing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from deployer.errors import PlaybookError

LOOKUPS = ("env", "file", "ansible.builtin.env", "ansible.builtin.file")


@pass_context
def lookup(context: Context, plugin: str, *terms: Any, default: str = "") -> str:
    """Ansible's `lookup`: `env` (empty if not set) and `file`, several terms joined by commas."""
    name = plugin.removeprefix("ansible.builtin.")
    if name == "env":
        return ",".join(os.environ.get(str(term), default) for term in terms)
    if name == "file":
        folder = context.get("playbook_dir")
        return ",".join(_content(str(term), folder if isinstance(folder, str) else ".") for term in terms)
    raise unknown_lookup(plugin)


def unknown_lookup(plugin: str) -> PlaybookError:
    return PlaybookError(f"lookup `{plugin}` is not supported", hint="`env` and `file` are")


def _content(name: str, folder: str) -> str:
    """A file's text without trailing white space, looked for in `files/` and beside the playbook, as Ansible does."""
    wanted = Path(name).expanduser()
    places = [wanted] if wanted.is_absolute() else [Path(folder, "files", name), Path(folder, name)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise PlaybookError(f"lookup `file`: no file {' or '.join(map(str, places))}")
    try:
        return found.read_text(encoding="utf-8").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise PlaybookError(f"lookup `file`: {found} cannot be read: {type(error).__name__}") from None
