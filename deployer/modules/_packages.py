"""Packages of a host's distribution, as `package` and `apt` plan them. Which are there is the facts' to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from deployer.facts.packages import PackagesSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, run
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError

State = Literal["present", "installed", "latest", "absent", "removed"]
APT = (
    "apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
)  # fmt: skip
ENV = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
_IDLE = {"apt": r"\b0 upgraded, 0 newly installed, 0 to remove", "dnf": "Nothing to do", "yum": "Nothing to do"}
_LONG = 1800.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Packages and what shall become of them; `name=1.2*` wants a version, where apt is."""

    names: tuple[str, ...]
    state: State
    options: tuple[str, ...] = ()  # further ones for installing
    fresh: bool = False  # the lists are renewed first, so that nobody knows yet what is the latest

    def bare(self) -> tuple[str, ...]:
        """The names without versions."""
        return tuple(name.partition("=")[0] for name in self.names)

    def plan(self, seen: PackagesSeen) -> Iterator[Action]:
        """Install or remove what has to be; raises HostRefusedError where no manager is known."""
        if seen.manager == "":
            raise HostRefusedError("no package manager is known here", hint="apt, dnf, yum and apk are; use a command")
        if self.state in ("absent", "removed"):
            there = tuple(name for name in self.bare() if name in seen.installed)
            if there:
                because = f"{_list(there)} {'is' if len(there) == 1 else 'are'} installed"
                yield run(*_removal(seen.manager), *there, because=because, env=ENV, timeout=_LONG)
            return
        missing = tuple(name for name in self.names if self._is_missing(name, seen))
        if missing:
            options = self.options if seen.manager == "apt" else ()
            yield run(
                *_installation(seen.manager, latest=self.state == "latest"), *options, *missing,
                because=self._because(missing, seen), env=ENV, timeout=_LONG,
            )  # fmt: skip

    def _is_missing(self, name: str, seen: PackagesSeen) -> bool:
        bare, _, version = name.partition("=")
        have = seen.installed.get(bare)
        if have is None or (version and not fnmatchcase(have, version)):
            return True
        if self.state != "latest":
            return False
        return self.fresh or seen.manager != "apt" or seen.candidates.get(bare, have) != have

    def _because(self, missing: Sequence[str], seen: PackagesSeen) -> str:
        new = [name for name in missing if name.partition("=")[0] not in seen.installed]
        if new:
            return f"{_list(new)} {'is' if len(new) == 1 else 'are'} not installed"
        return f"the latest {_list(missing)} is asked for" if self.state == "latest" else "another version is asked for"


def is_idle(done: Sequence[Outcome], seen: PackagesSeen) -> bool:
    """Whether the package manager has said that it had nothing to do."""
    texts = [one.output for one in done if one.status == 0 and one.action.changes]
    if not texts or seen.manager == "apk":
        return bool(texts) and not any(re.search(r"^\(\d+/\d+\)", text, re.M) for text in texts)
    return all(re.search(_IDLE[seen.manager], text) for text in texts)


def check_names(names: Sequence[str]) -> None:
    """Raise ArgumentRefusedError for what is no package's name."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9@][A-Za-z0-9.+_:@-]*(=[A-Za-z0-9.+:~*-]+)?", name):
            raise ArgumentRefusedError(
                f"name: {name!r} is no package's name",
                hint="no files, no URLs: use get_url and a command",
            )


def _installation(manager: str, *, latest: bool) -> tuple[str, ...]:
    if manager == "apt":
        return (*APT, "--no-remove", "install")
    if manager == "apk":
        return ("apk", "add", "--no-progress", *(("--upgrade",) if latest else ()))
    return (manager, "-y", "install")


def _removal(manager: str) -> tuple[str, ...]:
    if manager == "apt":
        return (*APT, "remove")
    return ("apk", "del", "--no-progress") if manager == "apk" else (manager, "-y", "remove")


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
