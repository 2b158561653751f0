"""`reboot`: the host is restarted, and waited for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar

from deployer.facts.system import Boot
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Reconnect, Script
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

# The shell that starts it has ended, and said so, before the host goes down.
_LATER = """\
PATH=$PATH:/usr/sbin:/sbin
{search}command -v {program} >/dev/null || {{ echo "{program} is not on this host" >&2; exit 127; }}
$(command -v setsid) sh -c {line} </dev/null >/dev/null 2>&1 &
"""


@module("reboot")
@dataclass(frozen=True, kw_only=True)
class Reboot:
    """Restart the host and wait until it is up again: logged in to, with another boot id, and `test_command` ends well.

    Containers start again if their restart policy says so; follow it with a gate or `wait_for`.

    Examples:
        - name: The new kernel runs
          reboot:
            reboot_timeout: 300
            test_command: systemctl is-active docker
    """

    always_acts: ClassVar[bool] = True
    given: ClassVar[Mapping[str, str]] = {"connection": "ansible_connection"}

    reboot_timeout: int = 600  # seconds that the host has to be up again
    connect_timeout: int = 5  # seconds for one try to connect
    pre_reboot_delay: int = 0  # seconds before it goes down
    post_reboot_delay: int = 0  # seconds between going down and the first try to connect
    test_command: str = "whoami"  # what must end well before the host counts as up
    boot_time_command: str = "cat /proc/sys/kernel/random/boot_id"  # what prints something else after a restart
    reboot_command: str | None = None  # instead of `shutdown -r now MSG`
    msg: str = "Reboot initiated by deploy"  # what is told to users of the host
    search_paths: list[str] = field(default_factory=list)  # folders that are searched for the command, too
    connection: str | None = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        times = (self.reboot_timeout, self.connect_timeout, self.pre_reboot_delay, self.post_reboot_delay)
        if min(times) < 0:
            raise ArgumentRefusedError("a time cannot be negative", hint="give a number of seconds")
        if self.reboot_command is not None and not self.reboot_command.split():
            raise ArgumentRefusedError("reboot_command is empty", hint="leave it out: `shutdown -r now` is the default")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._boot(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        if self.connection == "local":
            hint = "leave it out, or delegate it to another host"
            raise HostRefusedError("Running reboot with local connection would reboot the control node.", hint=hint)
        before = seen[self._boot()]
        if not before:
            hint = "say with boot_time_command what does"
            raise HostRefusedError(f"`{self.boot_time_command}` does not tell one boot from another", hint=hint)
        because = "the playbook restarts the host"
        yield Script(text=self._text(), label=f"restart the host: {self._command()}", because=because)
        yield Reconnect(
            delay=self.pre_reboot_delay + self.post_reboot_delay, connect_timeout=max(1, self.connect_timeout),
            timeout=self.reboot_timeout + self.pre_reboot_delay + self.post_reboot_delay,
            asks=f"({self.test_command}) >/dev/null && {self.boot_time_command}", unlike=before, because=because,
        )  # fmt: skip

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """Whether it was restarted, and how long that took, in seconds."""
        return {"rebooted": len(done) == 2, "elapsed": int(sum(one.seconds for one in done))}

    def _boot(self) -> Boot:
        return Boot(self.boot_time_command)

    def _command(self) -> str:
        return self.reboot_command or f"shutdown -r now {shlex.quote(self.msg)}"

    def _text(self) -> str:
        folders = ":".join(self.search_paths)
        return _LATER.format(
            search=f"PATH=$PATH:{shlex.quote(folders)}\n" if folders else "",
            program=shlex.quote(self._command().split()[0]),
            line=shlex.quote(f"sleep {max(1, self.pre_reboot_delay)}; {self._command()}"),
        )
