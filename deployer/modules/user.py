"""`user`: an account on the host. Its keys are `authorized_key`'s."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from deployer.facts.accounts import Group, User, UserSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Run, Script, run
from deployer.modules._accounts import entry_of
from deployer.modules._refusals import ArgumentRefusedError, check_absolute, check_account
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts


@module("user")
@dataclass(frozen=True, kw_only=True)
class MakeUser:
    """Make sure that an account is there and is like this, or is not there; homes are never removed.

    With the host's useradd and usermod; where there are none (busybox), adduser makes accounts, and none is changed.

    Examples:
        - name: An account for the CI
          user:
            name: ci
            groups: [docker]
            append: true
            shell: /bin/sh
    """

    aliases: ClassVar[Mapping[str, str]] = {"user": "name", "createhome": "create_home"}

    name: str  # login name
    state: Literal["present", "absent"] = "present"  # absent: the account goes, its home stays
    uid: int | None = None  # number
    group: str | None = None  # its own group, by name or number; must be there
    groups: tuple[str, ...] | None = None  # further groups; empty: none
    append: bool = False  # leave it in other groups that it is in
    comment: str | None = None  # full name, or what it is for
    home: str | None = None  # path of its home; what is in an old one is not moved
    create_home: bool = True  # make the home with a new account
    shell: str | None = None  # login shell
    system: bool = False  # an account of the system, with a low number; for a new one
    password: str | None = None  # hash, as `openssl passwd -6` prints it; `!` locks
    update_password: Literal["always", "on_create"] = "always"  # whether an account that is there gets it too
    remove: bool = False  # only false: homes stay
    force: bool = False  # only false: nobody is thrown out

    def __post_init__(self) -> None:
        check_account("name", self.name)
        for name in (*(self.groups or ()), *([self.group] if self.group else [])):
            check_account("groups", name)
        if self.remove or self.force:
            raise ArgumentRefusedError(
                "remove, force: no built-in module removes a home",
                hint=f"if it must go: command: userdel -r {self.name}",
            )
        if self.home is not None:
            check_absolute("home", self.home)
        for argument in ("comment", "home", "shell", "password"):
            if re.search(r"[:\n]", getattr(self, argument) or ""):
                raise ArgumentRefusedError(
                    f"{argument} holds a colon or a line end", hint="/etc/passwd has no room for it"
                )

    def facts(self) -> tuple[Fact[Any], ...]:
        return (User(self.name), Group(self.name))

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[User(self.name)]
        if self.state == "absent":
            if found is not None:
                yield run("userdel", self.name, because=f"{self.name} has an account")
        elif found is None:
            yield self._creation(beside_group=seen[Group(self.name)] is not None)
            yield from self._password(f"{self.name} is new")
        else:
            yield from self._changes(found)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The account as it is then, as far as it is known."""
        values: dict[str, Any] = {"name": self.name, "state": self.state}
        if self.state == "absent":
            return {**values, "force": False, "remove": False}
        entry = entry_of(self.name, done, fields=7)
        found = seen[User(self.name)]
        if entry and found is None:
            _, _, uid, gid, comment, home, shell = entry
            values |= {"uid": int(uid), "group": int(gid), "comment": comment, "home": home, "shell": shell}
            values |= {"create_home": self.create_home, "system": self.system}
        elif found is not None:
            values |= {"uid": found.uid if self.uid is None else self.uid, "group": found.gid, "append": self.append}
            values |= {name: getattr(self, name) or getattr(found, name) for name in ("comment", "home", "shell")}
        return {**values, **({} if self.groups is None else {"groups": ",".join(self.groups)})}

    def _creation(self, *, beside_group: bool) -> Action:
        """A new account; a group of its own name that is there already is not made again."""
        options = self._options({"uid": "-u", "group": "-g", "comment": "-c", "home": "-d", "shell": "-s"})
        if self.group is None and beside_group:
            options = ["-N", *options]
        if self.groups:
            options += ["-G", ",".join(self.groups)]
        options += [*(["-r"] if self.system else []), "-m" if self.create_home else "-M"]
        small = [*(["-S"] if self.system else []), *([] if self.create_home else ["-H"])]
        small += self._options({"uid": "-u", "group": "-G", "comment": "-g", "home": "-h", "shell": "-s"})
        text = (
            f"if command -v useradd >/dev/null; then {shlex.join(['useradd', *options, self.name])}\n"
            f"else {shlex.join(['adduser', '-D', *small, self.name])}\n"
            + "".join(f"{shlex.join(['addgroup', self.name, one])}\n" for one in self.groups or ())
            + f"fi\nawk -F: -v u={shlex.quote(self.name)} '$1 == u' /etc/passwd"
        )
        title = shlex.join(["useradd", *options, self.name])
        return Script(text=text, label=title, answers=True, because=f"{self.name} has no account")

    def _changes(self, found: UserSeen) -> Iterator[Action]:
        options, why = self._differing(found)
        if options:
            because = f"{' and '.join(why)} {'is another' if len(why) == 1 else 'are others'}"
            yield run("usermod", *options, self.name, because=because)
        if self.update_password != "on_create" and self.password not in (None, found.password):
            yield from self._password("the password is another")

    def _differing(self, found: UserSeen) -> tuple[list[str], list[str]]:
        """What usermod has to be told, and what is other than it shall be."""
        pairs = {
            "the number": ("-u", self.uid, found.uid), "the comment": ("-c", self.comment, found.comment),
            "the home": ("-d", self.home, found.home), "the shell": ("-s", self.shell, found.shell),
        }  # fmt: skip
        options, why = list[str](), list[str]()
        for word, (letter, wanted, have) in pairs.items():
            if wanted is not None and wanted != have:
                options += [letter, str(wanted)]
                why.append(word)
        if self.group is not None and self.group not in (found.group, str(found.gid)):
            options += ["-g", self.group]
            why.append("the group")
        if self.groups is not None:
            have_groups, wanted_groups = set(found.groups), set(self.groups)
            missing = wanted_groups - have_groups - {found.group}
            if missing or (not self.append and have_groups - wanted_groups):
                options += [*(["-a"] if self.append else []), "-G", ",".join(self.groups)]
                why.append("the list of groups")
        return options, why

    def _options(self, letters: Mapping[str, str]) -> list[str]:
        """A program's options for the arguments that are given."""
        given = {letter: getattr(self, name) for name, letter in letters.items()}
        return [word for letter, value in given.items() if value is not None for word in (letter, str(value))]

    def _password(self, because: str) -> Iterator[Run]:
        if self.password is not None:
            yield run(
                "chpasswd", "-e", stdin=f"{self.name}:{self.password}", secret=True,
                label=f"set the password of {self.name}", because=because,
            )  # fmt: skip
