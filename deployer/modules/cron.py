"""`cron`: a named job in a crontab. What an edit does to one is `_crontab`'s to say."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.facts.accounts import Crontab
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Put, run
from deployer.modules._crontab import names, with_job, without_job
from deployer.modules._refusals import ArgumentRefusedError, check_account
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("cron")
@dataclass(frozen=True, kw_only=True)
class Cron:
    """Make sure that a crontab has a job, or has it not. The job is known by its name, in a line before it.

    `register` gives the names of the crontab's jobs as `jobs`.

    Examples:
        - name: A backup every night
          cron:
            name: backup
            cron_file: shop
            user: root
            hour: "2"
            minute: "30"
            job: /usr/local/bin/backup --all
    """

    aliases: ClassVar[Mapping[str, str]] = {"value": "job", "dom": "day", "dow": "weekday"}

    name: str  # by which it is found again
    job: str | None = None  # the command
    state: Literal["present", "absent"] = "present"  # absent: the job is taken out
    minute: str = "*"  # 0 to 59, `*`, `*/5` …
    hour: str = "*"  # 0 to 23
    day: str = "*"  # of the month, 1 to 31
    month: str = "*"  # 1 to 12
    weekday: str = "*"  # 0 to 6, from Sunday, or names
    special_time: Literal["reboot", "hourly", "daily", "weekly", "monthly", "yearly", "annually"] | None = (
        None  # instead of the five
    )
    user: str | None = None  # whose crontab, or in `cron_file` as whom it runs; default: who runs the task
    cron_file: str | None = None  # a file of its own: a name in /etc/cron.d, or an absolute path; needs `user`
    disabled: bool = False  # leave it in as a comment
    backup: bool = False  # only false

    def __post_init__(self) -> None:
        if self.backup:
            raise ArgumentRefusedError("backup: crontabs are not kept", hint="leave it out; --diff shows the change")
        if re.search(r"[\r\n]", self.name + (self.job or "")) or not self.name:
            raise ArgumentRefusedError("name and job are one line each", hint="put several lines into a script")
        if self.state == "present" and not self.job:
            raise ArgumentRefusedError("there is no job", hint="give one: job: /usr/local/bin/backup")
        if self.user is not None:
            check_account("user", self.user)
        if self.cron_file is not None and self.user is None and self.state == "present":
            raise ArgumentRefusedError("cron_file needs user", hint="say as whom the job runs: user: root")
        times = (self.minute, self.hour, self.day, self.month, self.weekday)
        if any(not re.fullmatch(r"[\w*/,-]+", one, re.ASCII) for one in times):
            raise ArgumentRefusedError("a time is no crontab field", hint="such as 5, */10, 1-5 or mon,fri")
        if self.special_time is not None and set(times) != {"*"}:
            raise ArgumentRefusedError("special_time stands instead of the others", hint="leave one of them out")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        old = seen[self._fact()]
        new = self._edited(old)
        if new == old:
            return
        known = self.name in names(old)
        because = (
            f"the job {self.name!r} is {'there' if self.state == 'absent' else 'another' if known else 'not there'}"
        )
        path = self._path()
        if path is not None:
            yield Put(path=path, content=new.encode(), before=old.encode() or None, because=because)
            return
        whose = ("-u", self.user) if self.user is not None else ()
        yield run("crontab", *whose, "-", stdin=new.removesuffix("\n"), because=because)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The names of all jobs, as they are then."""
        return {"jobs": names(self._edited(seen[self._fact()])), "envs": []}

    def _edited(self, old: str) -> str:
        return without_job(old, self.name) if self.state == "absent" else with_job(old, self.name, self._line())

    def _line(self) -> str:
        times = f"{self.minute} {self.hour} {self.day} {self.month} {self.weekday}"
        when = f"@{self.special_time}" if self.special_time else times
        user = f" {self.user}" if self.cron_file is not None else ""
        return f"{'#' if self.disabled else ''}{when}{user} {self.job}"

    def _path(self) -> str | None:
        return None if self.cron_file is None else posixpath.join("/etc/cron.d", self.cron_file)

    def _fact(self) -> Crontab:
        path = self._path()
        return Crontab(path=path) if path is not None else Crontab(user=self.user)
