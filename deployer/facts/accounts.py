"""Users and groups of a host, and what belongs to a user: the crontab, the keys that may log in."""

from __future__ import annotations

import base64
import shlex
from typing import ClassVar

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class UserSeen:
    """One account."""

    uid: int
    gid: int
    group: str  # name of its own group
    groups: tuple[str, ...] = ()  # further ones
    comment: str = ""
    home: str = ""
    shell: str = ""
    password: str | None = None  # its hash; None: it may not be read


@dataclass(frozen=True)
class User:
    """The account of a name; None if there is none."""

    constant: ClassVar[bool] = False

    name: str

    def script(self) -> str:
        return (
            f"u={shlex.quote(self.name)}\n"
            'awk -F: -v u="$u" \'$1 == u { print; exit }\' /etc/passwd | grep . || getent passwd "$u" || exit 1\n'
            'id -gn -- "$u" 2>/dev/null || echo; id -Gn -- "$u" 2>/dev/null || echo\n'
            '[ -r /etc/shadow ] && awk -F: -v u="$u" \'$1 == u { print "=" $2; exit }\' /etc/shadow\ntrue'
        )

    def parse(self, output: str, status: int) -> UserSeen | None:
        if status != 0:
            return None
        entry, group, groups, password = [*output.split("\n"), *[""] * 4][:4]
        _, _, uid, gid, comment, home, shell = entry.split(":")
        return UserSeen(
            uid=int(uid), gid=int(gid), group=group, groups=tuple(sorted(set(groups.split()) - {group})),
            comment=comment, home=home, shell=shell, password=password[1:] if password.startswith("=") else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Group:
    """The number of the group of a name; None if there is none."""

    constant: ClassVar[bool] = False

    name: str

    def script(self) -> str:
        return (
            f"g={shlex.quote(self.name)}\n"
            'awk -F: -v g="$g" \'$1 == g { print; exit }\' /etc/group | grep . || getent group "$g"'
        )

    def parse(self, output: str, status: int) -> int | None:
        return int(output.split(":")[2]) if status == 0 and output.count(":") >= 2 else None


@dataclass(frozen=True)
class Crontab:
    """A user's crontab, or a file of the same kind; empty if there is none."""

    constant: ClassVar[bool] = False

    user: str | None = None  # None: who asks
    path: str | None = None  # a file instead

    def script(self) -> str:
        if self.path is not None:
            return f"cat -- {shlex.quote(self.path)}"
        return f"crontab{f' -u {shlex.quote(self.user)}' if self.user else ''} -l"

    def parse(self, output: str, status: int) -> str:
        return output if status == 0 else ""


@dataclass(frozen=True, kw_only=True)
class KeysSeen:
    """The file of keys with which a user may log in."""

    path: str
    owner: str  # "1000:1000": who must own it
    text: str | None = None  # its content; None: there is no such file
    mode: int = 0
    folder_mode: int | None = None  # of the folder that it is in; None: there is none


@dataclass(frozen=True)
class AuthorizedKeys:
    """That file of a user; None if there is no such user."""

    constant: ClassVar[bool] = False

    user: str
    path: str | None = None  # instead of ~/.ssh/authorized_keys

    def script(self) -> str:
        path = shlex.quote(self.path) if self.path else '"$home/.ssh/authorized_keys"'
        return (
            f"u={shlex.quote(self.user)}\n"
            'e=$(awk -F: -v u="$u" \'$1 == u { print; exit }\' /etc/passwd | grep . || getent passwd "$u") || exit 1\n'
            'home=$(echo "$e" | cut -d: -f6)\n'
            f'p={path}; echo "$p"; echo "$e" | cut -d: -f3,4\n'
            '{ stat -L -c %a -- "$p" 2>/dev/null || echo; }\n'
            'stat -L -c %a -- "$(dirname -- "$p")" 2>/dev/null || echo\n'
            '[ ! -f "$p" ] || { echo; base64 <"$p"; }'
        )

    def parse(self, output: str, status: int) -> KeysSeen | None:
        if not output:
            return None
        path, owner, mode, folder, *rest = output.split("\n")
        text = base64.b64decode("".join(rest[1:])).decode(errors="surrogateescape") if len(rest) > 1 else None
        return KeysSeen(
            path=path, owner=owner, text=text, mode=int(mode or "0", 8), folder_mode=int(folder, 8) if folder else None
        )
