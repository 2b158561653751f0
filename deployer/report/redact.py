"""Secrets out of events before anyone turns them into words. Which values are secret is told by the caller."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from deployer.model.event import Event
from deployer.model.secret_names import URL_LOGIN, is_secret_name
from deployer.protocols import Reporter
from deployer.report.secret_forms import forms_of, loosely

MASK = "***"
T = TypeVar("T")


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; None if it is none. Events are many, their kinds few."""
    return tuple(field.name for field in fields(kind) if field.init) if is_dataclass(kind) else None


class Redactor:
    """Knows secret values in the forms in which they show up, and replaces each by `***`.

    Passwords in URLs, and texts under keys that are a secret's by name, are replaced whether they are known or not.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: frozenset[tuple[int, str]] = frozenset()  # exact forms go before loose ones
        self._compiled: tuple[frozenset[tuple[int, str]], re.Pattern[str] | None] = (frozenset(), None)
        self._lock = threading.Lock()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Know more secrets, from now on. Values shorter than three characters are not kept out."""
        forms = {(0, re.escape(form)) for secret in secrets for form in forms_of(secret)}
        forms |= {(1, pattern) for secret in secrets for pattern in loosely(secret)}
        with self._lock:
            self._known |= forms

    @property
    def _pattern(self) -> re.Pattern[str] | None:
        """What finds every secret, made when it is needed: many are added one by one."""
        known, (compiled, pattern) = self._known, self._compiled
        if known and compiled is not known:
            longest_first = sorted(known, key=lambda form: (form[0], -len(form[1]), form[1]))
            pattern = re.compile("|".join(form for _, form in longest_first))
            self._compiled = known, pattern
        return pattern

    def text(self, text: str) -> str:
        """The text without any secret."""
        pattern = self._pattern
        clean = pattern.sub(MASK, text) if pattern else text
        return URL_LOGIN.sub(_without_login, clean) if "@" in clean else clean

    def redact(self, value: T) -> T:
        """The value without any secret: dataclasses, mappings and sequences are walked; the same object if clean."""
        found: T = self._walk(value)
        return found

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, Enum):
            return self.text(value)
        if value is None or isinstance(value, (bool, Enum)):
            return value
        if (names := _names(type(value))) is not None:  # type: ignore[arg-type]  # mypy takes no class for hashable
            return self._dataclass(value, names)
        if isinstance(value, Mapping):
            return {self._walk(key): self._of_key(key, item) for key, item in value.items()}
        if isinstance(value, (tuple, list, set, frozenset)):
            kind = next(kind for kind in (tuple, list, set, frozenset) if isinstance(value, kind))
            return kind(self._walk(item) for item in value)
        return self._other(value)

    def _of_key(self, key: Any, value: Any) -> Any:
        return MASK if value and isinstance(value, str) and is_secret_name(str(key)) else self._walk(value)

    def _dataclass(self, value: Any, names: tuple[str, ...]) -> Any:
        """Numbers in a dataclass's own fields are counts and seconds, no secrets."""
        changed = {}
        for name in names:
            old = getattr(value, name)
            if not (old is None or isinstance(old, (int, float))) and (new := self._walk(old)) != old:
                changed[name] = new
        return replace(value, **changed) if changed else value

    def _other(self, value: Any) -> Any:
        """Bytes, numbers, paths …: kept as they are unless their text holds a secret."""
        if isinstance(value, (bytes, bytearray)):
            text = bytes(value).decode("utf-8", "surrogateescape")
            clean = self.text(text)
            return value if clean == text else clean.encode("utf-8", "surrogateescape")
        shown = str(value)
        redacted = self.text(shown)
        if isinstance(value, (int, float)):
            return MASK if redacted == MASK else value
        return value if redacted == shown else redacted


class Redacting:
    """A Reporter that hands on events without secrets."""

    def __init__(self, inner: Reporter, redactor: Redactor) -> None:
        self._inner = inner
        self._redactor = redactor

    def handle(self, event: Event) -> None:
        self._inner.handle(self._redactor.redact(event))

    def close(self) -> None:
        self._inner.close()


def _without_login(found: re.Match[str]) -> str:
    kind = "password" if found["password"] else "token"
    return found[0][: found.start(kind) - found.start()] + MASK + "@"
