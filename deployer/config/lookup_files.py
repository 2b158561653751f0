"""Lookups on the machine that deploys: its environment, its files, what its commands print.

Relative names are looked for in the playbook's folder, and first in `files/` or `templates/` there, as Ansible does.
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Undefined

from deployer.config.keywords import kind
from deployer.config.operands import expect
from deployer.config.rendering import current
from deployer.config.template_errors import Absent
from deployer.errors import PlaybookError

TAKE_UNDEFINED = frozenset({"env"})  # as a default that says no


def environment(terms: tuple[Any, ...], *, default: Any = "") -> list[Any]:
    """`env`: variables of the environment, empty ones for those that are not set. Their names may say: a secret."""
    found = []
    for term in terms:
        name = expect("lookup('env')", str(term), str).split()[0]
        missing = Absent(f"the environment variable `{name}` is not set") if isinstance(default, Undefined) else default
        value = os.environ.get(name, missing)
        current().scope.templates.vault.keep_out_named(value, name)
        found.append(value)
    return found


def content(terms: tuple[Any, ...], *, rstrip: bool = True, lstrip: bool = False) -> list[Any]:
    """`file`: texts of files, without the white space at their ends."""
    found = []
    for term in terms:
        text = _read("file", _path("file", term, "files"))
        text = text.rstrip() if rstrip else text
        found.append(text.lstrip() if lstrip else text)
    return found


def template(terms: tuple[Any, ...], *, template_vars: Mapping[str, Any] | None = None, **options: Any) -> list[Any]:
    """`template`: what template files come to; a file that is one `{{ expression }}` keeps its type."""
    now = current()
    scope = now.scope.extended(template_vars or {})
    found = []
    for term in terms:
        path = _path("template", term, "templates")
        folders = (path.parent, now.folder / "templates", now.folder)
        found.append(scope.templates.file(_read("template", path), scope, path, folders, options, shown=str(term)))
    return found


def pipe(terms: tuple[Any, ...]) -> list[Any]:
    """What commands print, without the white space at its end."""
    return [_printed("pipe", term).rstrip() for term in terms]


def lines(terms: tuple[Any, ...]) -> list[Any]:
    """The lines that commands print."""
    return [line for term in terms for line in _printed("lines", term).splitlines()]


def first_found(terms: tuple[Any, ...], *, files: Any = (), paths: Any = (), skip: bool = False) -> list[Any]:
    """The first of the files that is there; nothing at all with `skip` if none is."""
    options = {"paths": paths, "skip": skip}
    wanted, skip = _candidates(list(terms) or _names(files, ",;"), options)
    for name in wanted:
        path = current().folder / Path(name).expanduser()
        if path.exists():
            return [os.path.abspath(path)]
    if skip:
        return []
    raise PlaybookError("lookup `first_found`: none of the files is there", hint="skip=true if there may be none")


def fileglob(terms: tuple[Any, ...]) -> list[Any]:
    """The files that patterns of names mean; folders are no patterns."""
    found = []
    for term in terms:
        folder, name = os.path.split(expect("lookup('fileglob')", term, str))
        base = current().folder / Path(folder).expanduser()
        places = [_found_in("files", folder) or base] if folder else [base / "files", base]
        matches = ([path for path in glob.glob(str(place / name)) if os.path.isfile(path)] for place in places)
        found += next((one for one in matches if one), [])
    return found


def _candidates(terms: Any, options: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The names to look for, folder by folder; a mapping among the terms brings its own options."""
    wanted: list[str] = []
    skip = bool(options["skip"])
    for term in terms:
        if isinstance(term, Mapping):
            own = {"files": (), "paths": (), "skip": False, **term}
            wanted += _placed(_names(own["files"], ",;"), own["paths"])
            options, skip = own, bool(own["skip"])
        elif isinstance(term, str):
            wanted += _placed(_names(term, ",;"), options["paths"])
        elif isinstance(term, list | tuple):
            inner, skip = _candidates(term, options)
            wanted += inner
        else:
            raise PlaybookError(f"lookup `first_found` needs names of files, got {kind(term)}")
    return wanted, skip


def _names(given: Any, separators: str) -> list[str]:
    parts = [given] if isinstance(given, str) else list(given)
    return [name for part in parts for name in re.split(f"[{separators}]", str(part))]


def _placed(files: list[str], paths: Any) -> list[str]:
    folders = _names(paths, ",:;")
    return [os.path.join(folder, name) for folder in folders for name in files] if folders else files


def _found_in(folder: str, name: str) -> Path | None:
    base, path = current().folder, Path(name).expanduser()
    inner = [] if path.is_absolute() or path.parts[:1] == (folder,) else [base / folder / path]
    return next((place for place in (*inner, base / path) if place.exists()), None)


def _path(lookup: str, name: Any, folder: str) -> Path:
    found = _found_in(folder, str(name))
    if found is None:
        base = current().folder
        hint = f"it is looked for in {base / folder} and {base}"
        raise PlaybookError(f"lookup `{lookup}`: no file {name}", hint=None if os.path.isabs(str(name)) else hint)
    return found


def _read(lookup: str, path: Path) -> str:
    """A file's text, decrypted if need be."""
    try:
        return current().scope.templates.vault.content(path.read_bytes(), str(path)).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise PlaybookError(f"lookup `{lookup}`: {path} cannot be read: {type(error).__name__}") from None


def _printed(lookup: str, command: Any) -> str:
    """What a command of the shell prints in the playbook's folder; raises PlaybookError if it fails."""
    done = subprocess.run(  # noqa: S602 - a command of the shell is what a playbook writes
        str(command), shell=True, cwd=current().folder, stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        hint = "run the command in the playbook's folder to see what it says"
        raise PlaybookError(f"lookup `{lookup}`: the command ended with exit status {done.returncode}", hint=hint)
    try:
        return done.stdout.decode()
    except UnicodeDecodeError:
        raise PlaybookError(f"lookup `{lookup}`: the command printed what is no text") from None


LOOKUPS: Mapping[str, Callable[..., list[Any]]] = {
    "env": environment, "file": content, "template": template, "pipe": pipe, "lines": lines,
    "first_found": first_found, "fileglob": fileglob,
}  # fmt: skip
