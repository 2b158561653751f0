"""`script`: an escape hatch, a script of this machine run on the host. Reading it here is the engine's business."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._guards import did_not_run, guard_facts, reason, said
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("script")
@dataclass(frozen=True, kw_only=True)
class RunScript:
    """Run a script of this machine on the host; always, unless `creates` or `removes` says that it need not.

    It is brought to a temporary file, run by what its first line names (without one, by sh), and taken away again.

    Examples:
        - name: The cache is filled once
          script: files/fill-cache.sh --all
          args:
            creates: /srv/cache
    """

    always_acts: ClassVar[bool] = True
    free_form: ClassVar[str] = "cmd"
    reads: ClassVar[str] = "source"  # the first word of `cmd`; its bytes come as `loaded`

    cmd: str  # the script's path here, relative to the playbook, and arguments as a shell reads them
    chdir: str | None = None  # folder on the host to run it in
    creates: str | None = None  # not run if this path exists; `*` and `?` match, relative to `chdir`
    removes: str | None = None  # not run unless this path exists; `*` and `?` match, relative to `chdir`
    executable: str | None = None  # program that runs it, with its own arguments: `bash -x`
    loaded: bytes | None = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        if not self.source:
            raise ArgumentRefusedError("there is no script to run", hint="give its path: script: files/setup.sh")

    @property
    def source(self) -> str:
        """The script's path on this machine."""
        try:
            return next(iter(shlex.split(self.cmd)), "")
        except ValueError as error:
            raise ArgumentRefusedError(f"cmd: {str(error).lower()}", hint="close the quotes") from error

    def facts(self) -> tuple[Fact[Any], ...]:
        return guard_facts(self.chdir, self.creates, self.removes)

    def plan(self, seen: Facts) -> Iterator[Action]:
        because = reason(seen, chdir=self.chdir, creates=self.creates, removes=self.removes)
        if because is not None:
            yield Script(text=self._text(), label=f"script {self.cmd}", cwd=self.chdir, apart=True, because=because)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What it said."""
        skipped = did_not_run(seen, chdir=self.chdir, creates=self.creates, removes=self.removes)
        return {**said(done), **skipped}

    def _text(self) -> str:
        if self.loaded is None:
            raise TypeError(f"the bytes of {self.source} were not loaded")
        content = base64.encodebytes(self.loaded).decode()
        program = f"{self.executable} " if self.executable else ""
        return (
            "script=$(mktemp)\ntrap 'rm -f -- \"$script\"' EXIT\n"
            f"base64 -d >\"$script\" <<'END_SCRIPT'\n{content}END_SCRIPT\n"
            f'chmod 0700 "$script"\nset +eu\n{program}"$script"{self._arguments()}\n'
        )

    def _arguments(self) -> str:
        """What follows the script's path, as it was written."""
        text = self.cmd.strip()
        quotes = 2 if text[0] in "'\"" else 0
        return text[len(self.source) + quotes :]
