"""The INI form of an inventory, with Ansible's typing rules; fills a Draft.

Files, group_vars and precedence are `inventory`'s.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from typing import Any

from deployer.config.collector import Collector
from deployer.config.inventory_draft import Draft
from deployer.config.values import Mapping, nearest
from deployer.errors import InventoryError, Place

SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
GROUP = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
SHELL_SIGNS = frozenset("'\"\\#")
WORD = re.compile(r"[^ \t\r\n]+")
KINDS = ("hosts", "children", "vars")


def read_ini(text: str, path: str, draft: Draft) -> None:
    """Add what an INI inventory says to the draft; raises InventoryError with the line of what is wrong.

    ConfigGroupError if several lines are; those below a broken header are not read.
    """
    reader = IniReader(path, draft)
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and stripped[0] not in "#;":
            with reader.errors.collecting():
                reader.read_line(stripped, Place(path, number))
    if reader.whole:
        reader.close()
    reader.errors.settle()


class IniReader:
    """Where in the file we are, and which groups were named and not yet defined."""

    def __init__(self, path: str, draft: Draft) -> None:
        self.path = path
        self.draft = draft
        self.section = "ungrouped"  # lines before the first section
        self.kind = "hosts"
        self.defined = set(draft.groups)
        self.waiting: dict[str, list[tuple[str, Place]]] = {}  # child -> its parents
        self.only_vars: dict[str, Place] = {}  # [x:vars] of a group not defined so far
        self.errors = Collector()
        self.whole = True  # every header could be read

    def read_line(self, line: str, place: Place) -> None:
        header = SECTION.fullmatch(line)
        if header:
            self.open_section(header[1], header[2] or "hosts", place)
        elif line.startswith("[") and (line.endswith("]") or "]" not in line):
            self.kind, self.whole = "unknown", False
            raise InventoryError(
                f"broken section header: {line}", place=place, hint="write `[group]`, `[group:vars]` or `[a:children]`"
            )
        elif self.kind in KINDS:
            {"hosts": self.read_host, "children": self.read_child, "vars": self.read_variable}[self.kind](line, place)

    def open_section(self, name: str, kind: str, place: Place) -> None:
        self.section, self.kind = name, kind
        if kind not in KINDS:
            self.whole = False
            meant = nearest(kind, KINDS)
            raise InventoryError(
                f"unknown section [{name}:{kind}]",
                place=place,
                hint=f"did you mean [{name}:{meant}]?" if meant else "sections are [x], [x:children] and [x:vars]",
            )
        self.draft.group(name)
        if kind == "vars":
            self.only_vars.setdefault(name, place)
            return
        self.defined.add(name)
        for parent, named_at in self.waiting.pop(name, ()):
            self.draft.add_child(parent, name, named_at)

    def read_host(self, line: str, place: Place) -> None:
        pattern, *tokens = _split_host(line, place)
        variables = Mapping()
        for token in tokens:
            self.assign(variables, token, place)
        self.draft.add_hosts(self.section, pattern, variables, place)

    def read_child(self, line: str, place: Place) -> None:
        match = GROUP.fullmatch(line)
        if not match:
            raise InventoryError(
                f"expected the name of a group, found: {line}",
                place=place,
                hint=f"variables go under [{self.section}:vars]" if "=" in line else "one group on each line",
            )
        if match[1] in self.defined:
            self.draft.add_child(self.section, match[1], place)
        else:
            self.waiting.setdefault(match[1], []).append((self.section, place))

    def read_variable(self, line: str, place: Place) -> None:
        variables = Mapping()
        self.assign(variables, line, place)
        self.draft.set_variables(self.section, variables)

    def assign(self, variables: Mapping, text: str, place: Place) -> None:
        name, equals, value = text.partition("=")
        if not equals:
            raise InventoryError(
                f"expected key=value, found: {name}", place=place, hint="quote a value that holds spaces"
            )
        name = name.strip() if self.kind == "vars" else name
        if not name:
            raise InventoryError("expected key=value, found no key", place=place, hint="write a name before the `=`")
        variables[name] = ini_value(value.strip() if self.kind == "vars" else value)
        variables.places[name] = place

    def close(self) -> None:
        """Refuse groups that were named, and never defined."""
        for name, places in self.waiting.items():
            parent, place = places[-1]
            message = f"[{parent}:children] names group '{name}', which is not defined"
            self.errors.add(InventoryError(message, place=place, hint=self.meant(name)))
        for name, place in self.only_vars.items():
            if name not in self.defined:
                message = f"[{name}:vars] is for group '{name}', which is not defined"
                self.errors.add(InventoryError(message, place=place, hint=self.meant(name)))

    def meant(self, name: str) -> str:
        meant = nearest(name, self.defined)
        return f"did you mean '{meant}'?" if meant else f"add a section [{name}]"


def _split_host(line: str, place: Place) -> list[str]:
    """A host's line in words, as a shell would cut it; a `#` begins a comment even inside a word."""
    if not SHELL_SIGNS.intersection(line):
        return WORD.findall(line)
    try:
        return shlex.split(line, comments=True)
    except ValueError as problem:
        raise InventoryError(
            f"cannot be split into words: {str(problem).lower()}", place=place, hint="close the quote"
        ) from None


def ini_value(text: str) -> Any:
    """A value as Ansible types it: a Python literal if it is one, else the text itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd escapes in what is no Python anyway
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if value is ...:
        return "..."
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return str(value) if isinstance(value, complex) else value
