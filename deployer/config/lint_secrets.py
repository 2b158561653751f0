"""Secrets that stand in clear text in files: by the names of keys, and by what secrets look like.

`# lint: allow-clear-text` at the line allows one, at the line of a mapping's key all that is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deployer.config.inventory_draft import Draft
from deployer.config.inventory_sources import read_source
from deployer.config.secret_values import is_clear
from deployer.config.text import load_yaml
from deployer.config.values import place_of
from deployer.config.vault import is_encrypted
from deployer.errors import ConfigError, Place
from deployer.frozen import dataclass
from deployer.model.finding import Finding
from deployer.model.secret_names import is_secret_name

ALLOWED = re.compile(r"#.*\blint:\s*allow-clear-text\b")
ALL_SECRET = frozenset({"deploy_secrets"})  # mappings whose values are secrets, whatever their names
LOOKS = (  # what it is, and how it looks
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})")),
    ("a GitLab token", re.compile(r"\bglpat-[\w\-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abeoprs]-[\w\-]{10,}")),
    ("a Stripe key", re.compile(r"\b[sr]k_live_[A-Za-z0-9]{16,}")),
    ("a Google API key", re.compile(r"\bAIza[\w\-]{35}(?![\w\-])")),
    ("a Docker token", re.compile(r"\bdckr_(?:pat|oat)_[\w\-]{20,}")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a PyPI token", re.compile(r"\bpypi-AgEI[\w\-]{50,}")),
    ("a Vault token", re.compile(r"\bhvs\.[\w\-]{20,}")),
    ("a SendGrid key", re.compile(r"\bSG\.[\w\-]{16,}\.[\w\-]{16,}")),
)
URL = re.compile(r"\b[a-z][a-z0-9+.\-]*://[^\s/:@'\"{}$<]*:(?P<password>[^\s/@'\"{}$<>*]+)@(?=[\w\[{$])")
HINT = "encrypt it (`deploy vault encrypt-string`), or take it from the environment: \"{{ lookup('env', 'NAME') }}\""


@dataclass(frozen=True)
class Leak:
    """A secret in clear text, and what is said of it."""

    finding: Finding
    value: str


def leaks_in(path: Path, *, is_inventory: bool = False) -> Iterator[Leak]:
    """The secrets in one file; none in one that is encrypted or cannot be read, which is not said here."""
    try:
        data = path.read_bytes()
    except OSError:
        return
    if is_encrypted(data):
        return
    text = data.decode("utf-8", "replace")
    lines = ["", *text.splitlines()]
    by_looks = list(_by_looks(path, lines))
    yield from by_looks
    told = {leak.finding.place.line for leak in by_looks}
    by_names = {leak.finding.place: leak for leak in _by_names(path, text, lines, is_inventory)}
    yield from (leak for place, leak in by_names.items() if place.line not in told)


def _by_looks(path: Path, lines: list[str]) -> Iterator[Leak]:
    for number, line in enumerate(lines):
        if ALLOWED.search(line):
            continue
        for what, pattern in LOOKS:
            if found := pattern.search(line):
                yield _leak(f"{what} in clear text", Place(str(path), number, found.start() + 1), found[0])
        if not line.lstrip().startswith(("#", ";")) and (found := URL.search(line)):
            place = Place(str(path), number, found.start() + 1)
            yield _leak("an address with a password in clear text", place, found["password"])


def _by_names(path: Path, text: str, lines: list[str], is_inventory: bool) -> Iterator[Leak]:
    for value in _values(path, text, is_inventory):
        yield from _in(value, lines, all_secret=False)


def _values(path: Path, text: str, is_inventory: bool) -> Iterable[Any]:
    """What a file says, with places."""
    draft = Draft()
    try:
        if not is_inventory:
            return [load_yaml(path, text, warn=draft.warn)]
        read_source(path, draft)
    except (ConfigError, RecursionError):  # which the loaders say
        return []
    return [*draft.hosts.values(), *(group.variables for group in draft.groups.values())]


def _in(value: Any, lines: list[str], *, all_secret: bool) -> Iterator[Leak]:
    """The secrets in a value; `all_secret`: whatever the keys are called."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            place = place_of(value, key)
            if not _is_allowed(lines, place):
                yield from _of_key(str(key), one, place, lines, all_secret)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            place = place_of(value, at)
            if _is_allowed(lines, place):
                continue
            name, equals, rest = one.partition("=") if isinstance(one, str) else ("", "", "")
            if equals and name.isidentifier():  # as in a compose file's `environment`
                yield from _of_key(name, rest, place, lines, all_secret)
            else:
                yield from _in(one, lines, all_secret=all_secret)


def _of_key(key: str, value: Any, place: Place, lines: list[str], all_secret: bool) -> Iterator[Leak]:
    if isinstance(value, Mapping | list):
        yield from _in(value, lines, all_secret=all_secret or key in ALL_SECRET)
    elif (all_secret or is_secret_name(key)) and is_clear(value) and (isinstance(value, str) or "pass" in key.lower()):
        column = place.column or lines[place.line].find(key) + 1 if 0 < place.line < len(lines) else 0
        yield _leak(f"`{key}` looks like a secret in clear text", Place(place.path, place.line, column), str(value))


def _is_allowed(lines: list[str], place: Place) -> bool:
    return 0 < place.line < len(lines) and ALLOWED.search(lines[place.line]) is not None


def _leak(message: str, place: Place, value: str) -> Leak:
    return Leak(Finding(rule="clear-text-secret", message=message, place=place, hint=HINT), value)
