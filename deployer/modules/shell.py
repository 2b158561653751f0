"""`shell`: an escape hatch, a piece of shell. A single program is better off with `command`."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._guards import did_not_run, guard_facts, reason, said
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_TITLE_LIMIT = 80  # characters


@module("shell")
@dataclass(frozen=True, kw_only=True)
class Shell:
    """Run a piece of shell; always, unless `creates` or `removes` says that there is nothing to do.

    The text reaches the host on the connection and shows in no process list; what it starts may.

    Examples:
        - name: The three largest folders
          shell: du -s /srv/* | sort -n | tail -n 3
          register: largest
          changed_when: false

        - name: The index is made once
          shell:
            cmd: ls -R /srv >/srv/index
            creates: /srv/index
    """

    always_acts: ClassVar[bool] = True
    free_form: ClassVar[str] = "cmd"

    cmd: str  # the text, as after `sh -c`; its status is that of its last command
    chdir: str | None = None  # folder to run it in
    creates: str | None = None  # not run if this path exists; `*` and `?` match, relative to `chdir`
    removes: str | None = None  # not run unless this path exists; `*` and `?` match, relative to `chdir`
    stdin: str | None = None  # its standard input; nothing otherwise
    executable: str = "/bin/sh"  # another shell: /bin/bash

    def __post_init__(self) -> None:
        if not self.cmd.strip():
            raise ArgumentRefusedError("there is no text to run", hint="give some: cmd: uptime | cut -d, -f1")

    def facts(self) -> tuple[Fact[Any], ...]:
        return guard_facts(self.chdir, self.creates, self.removes)

    def plan(self, seen: Facts) -> Iterator[Action]:
        because = reason(seen, chdir=self.chdir, creates=self.creates, removes=self.removes)
        if because is not None:
            yield Script(text=self._script(), label=_title(self.cmd), cwd=self.chdir, because=because, apart=True)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """What was run and what it said."""
        skipped = did_not_run(seen, chdir=self.chdir, creates=self.creates, removes=self.removes)
        return {"cmd": self.cmd, **said(done), **skipped}

    def _script(self) -> str:
        """A shell of its own: our `set -eu` is not the user's, nor is a slip in his quotes ours."""
        stdin = "</dev/null" if self.stdin is None else _here(0, self.stdin)[0]
        bodies = _here(3, self.cmd)[1] + ("" if self.stdin is None else _here(0, self.stdin)[1])
        return f"{shlex.quote(self.executable)} /dev/fd/3 {_here(3, self.cmd)[0]} {stdin}\n{bodies}"


def _here(descriptor: int, text: str) -> tuple[str, str]:
    """A here-document as its redirection and its body; the body's end mark is one that the text cannot hold."""
    mark = f"END_{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:20]}"
    return f"{descriptor}<<'{mark}'", text.removesuffix("\n") + f"\n{mark}\n"


def _title(text: str) -> str:
    first, *rest = text.strip().splitlines()
    return first[:_TITLE_LIMIT] + (" …" if rest or len(first) > _TITLE_LIMIT else "")
