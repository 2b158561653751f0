"""`authorized_key`: an SSH key with which a user may log in."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from deployer.facts.accounts import AuthorizedKeys, KeysSeen
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Put, run
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError, check_absolute, check_account
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_KEY = re.compile(
    r"(?:(?P<options>(?:[^\s\"]|\"(?:\\.|[^\"\\])*\")+)\s+)??"
    r"(?P<type>(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+)\s+(?P<blob>[A-Za-z0-9+/]+={0,3})(?:\s+(?P<comment>.*))?"
)


@dataclass(frozen=True)
class Key:
    """One line of the file."""

    options: str
    type: str
    blob: str
    comment: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.options, self.type, self.blob, self.comment) if part)


def parse_key(line: str) -> Key | None:
    """The key of a line; None for what is none: a comment, a blank line."""
    found = _KEY.fullmatch(line.strip())
    return (
        Key(found["options"] or "", found["type"], found["blob"], (found["comment"] or "").strip()) if found else None
    )


@module("authorized_key")
@dataclass(frozen=True, kw_only=True)
class AuthorizedKey:
    """Make sure that a user may log in with an SSH key, or may not. `ansible.posix.authorized_key` is the same.

    Examples:
        - name: Ann may log in to deploy
          authorized_key:
            user: deploy
            key: "{{ lookup('file', 'files/ann.pub') }}"
    """

    user: str  # login name
    key: str  # public key, as in a `.pub` file; several are one a line
    state: Literal["present", "absent"] = "present"  # absent: the key is taken out
    key_options: str | None = None  # what stands before the key: `no-pty,from="10.0.0.0/8"`
    comment: str | None = None  # instead of the key's own
    exclusive: bool = False  # take out all other keys
    path: str | None = None  # absolute path of the file; default: the user's ~/.ssh/authorized_keys
    manage_dir: bool = True  # make the folder, and give it the rights that sshd asks for

    def __post_init__(self) -> None:
        check_account("user", self.user)
        if self.path is not None:
            check_absolute("path", self.path)
        if re.match(r"https?://", self.key):
            raise ArgumentRefusedError("key is a URL", hint="put the key itself there, or a lookup of a file")
        self._keys()

    def facts(self) -> tuple[Fact[Any], ...]:
        return (self._fact(),)

    def plan(self, seen: Facts) -> Iterator[Action]:
        found = seen[self._fact()]
        if found is None:
            raise HostRefusedError(f"{self.user} has no account on this host", hint="make it first: user: {name: …}")
        old = found.text or ""
        new = self._edited(old)
        if self.state == "present" and self.manage_dir:
            yield from _plan_folder(found)
        if new != old:
            because = "a key is to go" if self.state == "absent" else "a key is not there, or not like this"
            yield Put(
                path=found.path, content=new.encode(errors="surrogateescape"), mode=0o600, owner=found.owner,
                before=None if found.text is None else old.encode(errors="surrogateescape"), because=because,
            )  # fmt: skip
        elif found.text is not None and found.mode & 0o022:
            yield run("chmod", "go-w", "--", found.path, because=f"others may write it: {found.mode:04o}")

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """Whose keys, and where they are."""
        found = seen[self._fact()]
        return {"user": self.user, "keyfile": found.path if found else None, "key": self.key}

    def _keys(self) -> tuple[Key, ...]:
        """The keys that are meant, with the options and comments that they shall have."""
        lines = [line.strip() for line in self.key.splitlines()]
        keys = tuple(parse_key(line) for line in lines if line and not line.startswith("#"))
        if not keys or None in keys:
            raise ArgumentRefusedError("key is no public SSH key", hint="it begins with its type: ssh-ed25519 AAAA…")
        own = {"options": self.key_options, "comment": self.comment}
        return tuple(replace(key, **{n: v for n, v in own.items() if v is not None}) for key in keys if key)

    def _edited(self, old: str) -> str:
        wanted = {key.blob: key for key in self._keys()}
        lines: list[str] = []
        for line in old.splitlines():
            key = parse_key(line)
            if key is None or (key.blob not in wanted and not (self.exclusive and self.state == "present")):
                lines.append(line)
            elif key.blob in wanted and self.state == "present":
                new = wanted.pop(key.blob)
                lines.append(line if key == new else str(new))
        rest = [str(key) for key in wanted.values()] if self.state == "present" else []
        return old if lines + rest == old.splitlines() else "".join(f"{line}\n" for line in lines + rest)

    def _fact(self) -> AuthorizedKeys:
        return AuthorizedKeys(self.user, self.path)


def _plan_folder(found: KeysSeen) -> Iterator[Action]:
    """The folder of the file, the user's own and closed to others."""
    folder = posixpath.dirname(found.path)
    if found.folder_mode is None:
        yield run("mkdir", "-m", "0700", "--", folder, because=f"{folder} not found")
        yield run("chown", found.owner, "--", folder, because=f"{folder} is made now")
    elif found.folder_mode != 0o700:
        yield run("chmod", "0700", "--", folder, because=f"the mode is {found.folder_mode:04o}")
