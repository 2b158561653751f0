"""`include_vars`: variables from a file of this machine, from now on. It asks no host and changes none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Literal

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome
from deployer.model.vars_source import EXTENSIONS, VarsSource
from deployer.modules._refusals import ArgumentRefusedError, check_one_of
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("include_vars")
@dataclass(frozen=True, kw_only=True)
class IncludeVars:
    """Give the host the variables of a YAML or JSON file, or of all files in a folder, for the rest of the run.

    They stand above variables of plays and tasks, and below what `set_fact` and `register` give.

    Examples:
        - name: What only some hosts need to know
          include_vars: vars/web.yml
    """

    free_form: ClassVar[str] = "file"
    one_of: ClassVar[tuple[str, str]] = ("file", "dir")  # one of them must be given, and not both
    loads: ClassVar[bool] = True  # the variables that `source` names come as `loaded`, the files' names as `files`

    file: str | None = None  # beside the playbook, or in `vars` there
    dir: str | None = None  # a folder beside the playbook, instead of a file; later files win, by their names
    name: str | None = None  # one variable that holds them all, instead of one each
    depth: int = 0  # how many levels of the folder are read; 0: all
    files_matching: str | None = None  # regular expression that a file's name must hold
    ignore_files: str | list[str] = field(default_factory=list)  # regular expressions for ends of names to leave out
    extensions: list[str] = field(default_factory=lambda: list(EXTENSIONS))  # of the files that are read
    ignore_unknown_extensions: bool = False  # pass over other files; else they are an error
    hash_behaviour: Literal["replace"] | None = None  # mappings are replaced; the filter `combine` merges them
    loaded: Mapping[str, Any] = field(default_factory=dict, metadata={"internal": True})
    files: tuple[str, ...] = field(default=(), metadata={"internal": True})

    def __post_init__(self) -> None:
        check_one_of(self, *self.one_of)
        if self.dir is None and (self.depth or self.files_matching or self.ignore_files):
            raise ArgumentRefusedError(
                "depth, files_matching and ignore_files are for dir", hint="name a folder: dir: x"
            )
        for pattern in (self.files_matching or "", *self._ignored()):
            try:
                re.compile(pattern)
            except re.error as wrong:
                hint = "write a regular expression"
                raise ArgumentRefusedError(f"{pattern!r} is no regular expression: {wrong}", hint=hint) from None

    def source(self) -> VarsSource:
        """The files that are to be read."""
        return VarsSource(
            file=self.file, folder=self.dir, depth=self.depth, matching=self.files_matching, ignored=self._ignored(),
            extensions=tuple(self.extensions), ignores_others=self.ignore_unknown_extensions,
        )  # fmt: skip

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        return iter(())

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The variables, for the engine to note."""
        found = dict(self.loaded)
        facts = {self.name: found} if self.name else found
        return {"ansible_facts": facts, "ansible_included_var_files": list(self.files)}

    def _ignored(self) -> tuple[str, ...]:
        return tuple(self.ignore_files.split() if isinstance(self.ignore_files, str) else self.ignore_files)
