"""Reads ssh_config files as OpenSSH does (ssh_config(5)): Host, Match and Include say where an option holds.

The first value found for an option counts. What the options then mean is left to `route`.
"""

from __future__ import annotations

import getpass
import glob
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from deployer.errors import Place
from deployer.model.ssh_options import CONFIG_FILE, SEVERAL
from deployer.transport.tokens import expanded, local_tokens

LINE = re.compile(r"""^\s*"?([A-Za-z0-9]+)"?(?:\s*=\s*|\s+)(.*?)\s*$""")
WORD = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)""")
DEPTH = 16  # nested Includes, as in OpenSSH
SYSTEM = "/etc/ssh"
NEEDS_NOTHING = ("all", "canonical", "final")


class SshConfigError(Exception):
    """A file that cannot be understood, or that cannot be decided here."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(f"{place}: {message}")


@dataclass(frozen=True)
class Line:
    place: Place
    name: str  # lower case
    text: str  # what follows the name

    @property
    def words(self) -> tuple[str, ...]:
        return words_of(self.text)


@dataclass
class Found:
    """The values that hold for one host: by lower-case name, in the order in which they were found."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def keep(self, name: str, text: str) -> None:
        """Keep a value, unless an earlier one counts."""
        value = " ".join(words_of(text)) if name in SEVERAL else text
        known = self.values.setdefault(name, [])
        if not known or (name in SEVERAL and value not in known):
            known.append(value)

    def text(self, name: str) -> str | None:
        """The whole value, quotes included."""
        return self.values.get(name, [None])[0]

    def word(self, name: str) -> str | None:
        """The first word of the value."""
        return next(iter(self.words(name)), None)

    def words(self, name: str) -> tuple[str, ...]:
        return words_of(self.text(name) or "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self.values.get(name, ()))


def look_up(host: str, given: Sequence[tuple[str, str]], files: Sequence[str]) -> Found:
    """What the files say about a host as it is typed; `given` comes before them, as what ssh is given by flags.

    Raises SshConfigError, and OSError for a file that cannot be read.
    """
    search = _Search(host, Found())
    for name, value in given:
        if name != CONFIG_FILE:
            search.found.keep(name.lower(), value)
    named = next((value for name, value in given if name == CONFIG_FILE), None)
    paths = files if named is None else [] if named == "none" else [named]
    search.read(paths)
    if search.wants_final:
        search.found.values["hostname"] = [search.host_name()]
        search.final = True
        search.read(paths)
    return search.found


def words_of(text: str) -> tuple[str, ...]:
    """A line's words without their quotes, up to a comment."""
    found: list[str] = []
    for double, single, plain in WORD.findall(text):
        if plain.startswith("#"):
            break
        found.append(re.sub(r"\\([\"'\\])", r"\1", double or single) or plain)
    return tuple(found)


def matches(patterns: Sequence[str], value: str) -> bool:
    """Whether one of the patterns (`*`, `?`) fits, and none that is negated."""
    fits = [pattern for pattern in patterns if _fits(pattern.lstrip("!"), value)]
    return bool(fits) and not any(pattern.startswith("!") for pattern in fits)


def _fits(pattern: str, value: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]"))


@dataclass
class _Search:
    """One look-up while it goes through the files."""

    host: str
    found: Found
    final: bool = False
    wants_final: bool = False

    def read(self, paths: Sequence[str]) -> None:
        for path in map(os.path.expanduser, paths):
            if os.path.isfile(path):
                self._read(path, True, DEPTH)

    def _read(self, path: str, active: bool, depth: int) -> None:
        """One file; in an Include of a block that does not hold, nothing does."""
        on = active
        for line in _lines(path, os.stat(path).st_mtime_ns):
            if line.name == "host":
                on = active and matches(line.words, self.host)
            elif line.name == "match":
                on = active and self._matches(line)
            elif line.name == "include":
                for name in _included(line, path) if depth else ():
                    self._read(name, on, depth - 1)
            elif on:
                self.found.keep(line.name, line.text)

    def _matches(self, line: Line) -> bool:
        """Whether all criteria of a Match line hold; a command is run only if those before it do."""
        words = iter(line.words)
        holds = True
        for word in words:
            name, equals, value = word.partition("=")
            criterion = name.lstrip("!").lower()
            if criterion not in NEEDS_NOTHING and not equals:
                value = next(words, "")
            test = self._tests().get(criterion)
            if test is None:
                raise SshConfigError(f"`Match {criterion}` cannot be decided here", line.place)
            holds = holds and test(value) is not word.startswith("!")
        return holds

    def _tests(self) -> dict[str, Callable[[str], bool]]:
        user = getpass.getuser()
        return {
            "all": lambda _: True,
            "canonical": lambda _: self.final,
            "final": lambda _: self._is_final(),
            "host": lambda value: matches(value.lower().split(","), self.host_name().lower()),
            "originalhost": lambda value: matches(value.split(","), self.host),
            "user": lambda value: matches(value.split(","), self.found.word("user") or user),
            "localuser": lambda value: matches(value.split(","), user),
            "tagged": lambda value: matches(value.split(","), self.found.word("tag") or ""),
            "sessiontype": lambda value: matches(value.split(","), "exec"),
            "exec": lambda value: _succeeds(expanded(value, self._tokens())),
        }

    def _is_final(self) -> bool:
        self.wants_final = True
        return self.final

    def host_name(self) -> str:
        return expanded(self.found.word("hostname") or self.host, {"h": self.host})

    def _tokens(self) -> dict[str, str]:
        address, user = self.host_name(), self.found.word("user") or getpass.getuser()
        return local_tokens(self.host, address, self.found.word("port") or "22", user)


@lru_cache(maxsize=64)
def _lines(path: str, _mtime: int) -> tuple[Line, ...]:
    text = Path(path).read_text(errors="replace")
    return tuple(_parsed(path, text))


def _parsed(path: str, text: str) -> Iterator[Line]:
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        found = LINE.match(raw)
        if found is None or not found[2]:
            raise SshConfigError(f"`{raw.strip()}` has no value", Place(path, number))
        yield Line(Place(path, number), found[1].lower(), found[2])


def _included(line: Line, path: str) -> Iterator[str]:
    """The files that an Include means; relative ones are beside the user's or the system's configuration."""
    home = SYSTEM if path.startswith(f"{SYSTEM}/") else os.path.expanduser("~/.ssh")
    for pattern in line.words:
        yield from sorted(filter(os.path.isfile, glob.glob(os.path.join(home, os.path.expanduser(pattern)))))


@lru_cache(maxsize=256)
def _succeeds(command: str) -> bool:
    """Whether the user's shell runs it with success; each command is run once."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    null = subprocess.DEVNULL
    return subprocess.run([shell, "-c", command], stdin=null, stdout=null, check=False).returncode == 0
