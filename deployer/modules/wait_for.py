"""`wait_for`: until a port answers, a file is there, or a time has passed. It changes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._ere import Pattern, to_ere
from deployer.modules._refusals import ArgumentRefusedError, check_absolute, check_not_both
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_LOOP = """\
{probe}
start=$(date +%s)
sleep {delay}
while :; do
  if {negation}probe; then echo "done $(($(date +%s) - start))"; exit 0; fi
  if [ $(($(date +%s) - start)) -ge {timeout} ]; then echo "late $(($(date +%s) - start))"; exit 0; fi
  sleep {sleep}
done
"""
_PORT = """\
probe() {{
  if command -v bash >/dev/null 2>&1; then
    timeout {patience} bash -c 'exec 3<>"/dev/tcp/$0/$1"{read}' {host} {port} 2>/dev/null{check}
  elif command -v nc >/dev/null 2>&1; then
    timeout {patience} nc -w {patience} {host} {port} </dev/null 2>/dev/null{nc_check}
  else
    echo "neither bash nor nc is on this host"; exit 3
  fi
}}"""


@module("wait_for")
@dataclass(frozen=True, kw_only=True)
class WaitFor:
    """Wait until a port of a host answers, or a path is there, or is no more; the task is *ok*, never *changed*.

    The host itself tries, a port with its bash or nc. With neither `port` nor `path` it waits for `timeout` seconds.

    Examples:
        - name: The shop listens
          wait_for:
            port: 8000
            timeout: 30
    """

    always_acts: ClassVar[bool] = True
    not_both: ClassVar[tuple[tuple[str, str], ...]] = (("port", "path"),)  # pairs that exclude each other

    port: int | None = None  # of TCP
    path: str | None = None  # absolute path on the host, instead of `port`
    host: str = "127.0.0.1"  # whose port, as the host sees it
    state: Literal["started", "present", "stopped", "absent"] = "started"  # the last two: not there any more
    search_regex: str | None = None  # what must be in the file, or in what the port says; as `grep -E` understands it
    timeout: int = 300  # seconds until it fails
    delay: int = 0  # seconds before the first try
    sleep: int = 1  # seconds between two tries
    connect_timeout: int = 5  # seconds for one try
    msg: str | None = None  # what is said when it fails

    def __post_init__(self) -> None:
        check_not_both(self, self.not_both)
        if self.path is not None:
            check_absolute("path", self.path)
        if self.port is not None and not 0 < self.port < 65536:
            raise ArgumentRefusedError(f"port: {self.port} is none", hint="a number from 1 to 65535")
        if self.search_regex is not None:
            self._pattern()
            if self.port is None and self.path is None:
                raise ArgumentRefusedError("search_regex needs port or path", hint="say what to read")
        if min(self.timeout, self.delay, self.sleep, self.connect_timeout) < 0:
            raise ArgumentRefusedError("a time cannot be negative", hint="give a number of seconds")

    def facts(self) -> tuple[Fact[Any], ...]:
        return ()

    def plan(self, seen: Facts) -> Iterator[Action]:
        text = _LOOP.format(
            probe=self._probe(), delay=self.delay, timeout=self.timeout, sleep=max(1, self.sleep),
            negation="! " if self._gone() else "",
        )  # fmt: skip
        yield Script(
            text=text, label=f"wait until {self._what()}", changes=False, answers=True,
            timeout=self.timeout + self.delay + 60, because="the playbook waits here",
        )  # fmt: skip

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """How long it took; that it failed if it took too long."""
        values: dict[str, Any] = {"port": self.port, "path": self.path}
        if self.path is None:
            values["state"] = self.state
        if self.search_regex is not None:
            values["search_regex"] = self.search_regex
        if not done or done[-1].status != 0:
            return values
        word, seconds = done[-1].output.split()
        if word == "done" or (self.port is None and self.path is None):
            return {**values, "elapsed": int(seconds)}
        return {**values, "elapsed": int(seconds), "failed": True, "msg": self.msg or self._late()}

    def _gone(self) -> bool:
        return self.state in ("stopped", "absent")

    def _probe(self) -> str:
        if self.port is not None:
            return self._port_probe(self.port)
        if self.path is None:
            return "probe() { false; }" if not self._gone() else "probe() { true; }"
        path = shlex.quote(self.path)
        there = f"[ -e {path} ]" if self.search_regex is None else f"{self._grep()} {path} 2>/dev/null"
        return f"probe() {{ {there}; }}"

    def _port_probe(self, port: int) -> str:
        searched = self.search_regex is not None
        return _PORT.format(
            patience=max(1, self.connect_timeout), host=shlex.quote(self.host), port=port,
            read="; cat <&3" if searched else "", check=f" | {self._grep()}" if searched else "",
            nc_check=f" | {self._grep()}" if searched else " >/dev/null",
        )  # fmt: skip

    def _grep(self) -> str:
        pattern = self._pattern()
        return f"grep -Eq{'i' if pattern.ignore_case else ''} -e {shlex.quote(pattern.text)}"

    def _pattern(self) -> Pattern:
        return to_ere("search_regex", self.search_regex or "")

    def _what(self) -> str:
        """What is waited for, as a person reads it."""
        if self.port is None and self.path is None:
            return f"{self.timeout} s have passed"
        where = f"{self.host}:{self.port}" if self.port is not None else self.path
        if self.search_regex is not None:
            return f"{where} {'no longer ' if self._gone() else ''}has {self.search_regex!r}"
        verb = "answers" if self.port is not None else "is there"
        return f"{where} is gone" if self._gone() else f"{where} {verb}"

    def _late(self) -> str:
        where = f"{self.host}:{self.port}" if self.port is not None else f"file {self.path}"
        if self.search_regex is not None:
            return f"Timeout when waiting for search string {self.search_regex} in {where.removeprefix('file ')}"
        if self._gone():
            return f"Timeout when waiting for {where} to {'stop' if self.port is not None else 'be absent'}."
        return f"Timeout when waiting for {where}"
