"""`command`: an escape hatch, one program without a shell. Its shell sibling is `shell`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, run
from deployer.modules._guards import did_not_run, guard_facts, reason, said
from deployer.modules._refusals import ArgumentRefusedError, check_one_of
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("command")
@dataclass(frozen=True, kw_only=True)
class Command:
    """Run one program, without a shell; always, unless `creates` or `removes` says that there is nothing to do.

    Arguments show in the host's process list while it runs: give secrets as `stdin` or through `environment`.

    Examples:
        - name: Which kernel runs
          command: uname -r
          register: kernel
          changed_when: false

        - name: A key is made once
          command:
            argv: [openssl, rand, -out, /srv/site.key, "32"]
            creates: /srv/site.key
    """

    always_acts: ClassVar[bool] = True
    free_form: ClassVar[str] = "cmd"
    one_of: ClassVar[tuple[str, str]] = ("cmd", "argv")  # one of them must be given, and not both

    cmd: str | None = None  # the program and its arguments in one line, quoted as for a shell; nothing is expanded
    argv: tuple[str, ...] | None = None  # the same as a list, instead of `cmd`
    chdir: str | None = None  # folder to run it in
    creates: str | None = None  # not run if this path exists; `*` and `?` match, relative to `chdir`
    removes: str | None = None  # not run unless this path exists; `*` and `?` match, relative to `chdir`
    stdin: str | None = None  # its standard input; nothing otherwise

    def __post_init__(self) -> None:
        check_one_of(self, *self.one_of)
        if not self._argv():
            raise ArgumentRefusedError("there is no program to run", hint="give one: cmd: uptime")

    def facts(self) -> tuple[Fact[Any], ...]:
        return guard_facts(self.chdir, self.creates, self.removes)

    def plan(self, seen: Facts) -> Iterator[Action]:
        because = reason(seen, chdir=self.chdir, creates=self.creates, removes=self.removes)
        if because is not None:
            yield run(*self._argv(), because=because, cwd=self.chdir, stdin=self.stdin, apart=True)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What was run and what it said."""
        skipped = did_not_run(seen, chdir=self.chdir, creates=self.creates, removes=self.removes)
        return {"cmd": list(self._argv()), **said(done), **skipped}

    def _argv(self) -> tuple[str, ...]:
        if self.argv is not None:
            return self.argv
        try:
            return tuple(shlex.split(self.cmd or ""))
        except ValueError as error:
            raise ArgumentRefusedError(f"cmd: {str(error).lower()}", hint="close the quotes, or use argv") from error
