"""`apt`: packages of Debian and its kin, and the lists of what there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from deployer.facts.packages import AptCacheAge, Packages
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._docker_install import REFRESH
from deployer.modules._packages import ENV, State, Wish, check_names, is_idle
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("apt")
@dataclass(frozen=True, kw_only=True)
class Apt:
    """Make sure that packages are installed with apt, or are not; renew the lists of packages.

    Installing never removes another package; removing leaves configuration and data where they are. Configuration
    files that were changed stay as they are. It waits while another program holds dpkg's lock.

    Examples:
        - name: The lists are of today, and curl is there
          apt:
            name: curl
            update_cache: true
            cache_valid_time: 3600
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "pkg": "name", "package": "name", "update-cache": "update_cache", "install-recommends": "install_recommends",
        "default-release": "default_release",
    }  # fmt: skip

    name: tuple[str, ...] = ()  # one or several; `nginx=1.24*` asks for a version
    state: State = "present"  # present (or installed), latest, absent (or removed)
    update_cache: bool = False  # renew the lists first
    cache_valid_time: int = 0  # seconds for which the lists are fresh enough; implies update_cache
    install_recommends: bool | None = None  # default: as apt is configured
    default_release: str | None = None  # install from this one: bookworm-backports
    only_upgrade: bool = False  # leave out what is not installed
    purge: bool = False  # only false: configuration and data stay
    autoremove: bool = False  # only false: what others have installed stays

    def __post_init__(self) -> None:
        check_names(self.name)
        if self.purge or self.autoremove:
            word = "purge" if self.purge else "autoremove"
            raise ArgumentRefusedError(
                f"{word}: removes more than the packages", hint=f"if it must be: command: apt-get -y {word}"
            )
        if not (self.name or self.update_cache or self.cache_valid_time):
            raise ArgumentRefusedError("there is nothing to do", hint="give name, or update_cache: true")

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._fact(), AptCacheAge()) if self.update_cache or self.cache_valid_time else (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[self._fact()]
        if found.manager != "apt":
            raise HostRefusedError("there is no apt-get on this host", hint="package speaks to other managers too")
        renew = self._renewal(seen)
        if renew:
            yield Script(
                text=f"{REFRESH}refresh", label="apt-get update", because=renew, env=ENV, timeout=900,
                changes=not self.name,
            )  # fmt: skip
        if self.name:
            yield from self._wish(fresh=renew is not None).plan(found)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """Whether the lists were renewed; nothing changed, if apt has said so."""
        renewed = self._renewal(seen) is not None
        idle = self.name and is_idle(done, seen[self._fact()])
        return {"cache_updated": renewed, **({"changed": False} if idle else {})}

    def _renewal(self, seen: Facts) -> str | None:
        """Why the lists are to be renewed; None: they need not be."""
        if not (self.update_cache or self.cache_valid_time):
            return None
        age = seen[AptCacheAge()]
        if self.cache_valid_time and age is not None:
            return f"the lists are {age} s old" if age > self.cache_valid_time else None
        return "renewing the lists is asked for"

    def _wish(self, *, fresh: bool) -> Wish:
        recommends = {True: "--install-recommends", False: "--no-install-recommends"}.get(self.install_recommends)  # type: ignore[arg-type]
        options = [*([recommends] if recommends else []), *(["--only-upgrade"] if self.only_upgrade else [])]
        options += [f"--target-release={self.default_release}"] if self.default_release else []
        return Wish(names=self.name, state=self.state, options=tuple(options), fresh=fresh)

    def _fact(self) -> Packages:
        return Packages(Wish(names=self.name, state=self.state).bare())
