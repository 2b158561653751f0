"""Secrets out of events before anyone turns them into words. Which values are secret is told by the caller."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from deployer.model.event import Event
from deployer.model.secret_names import URL_LOGIN, is_secret_name
from deployer.protocols import Reporter

MASK = "***"
SHORTEST = 3  # characters: shorter values would blot out ordinary text
WRAPPED = (76, 64)  # columns at which base64 and openssl break lines
SHORTEST_INNER = 8  # characters of a base64 form that is a part of a longer one

_SAFE = ("", "/", "!*'()", "!~*'()", "$&+,;=", "$&+,/:;=@")  # what URL encoders of other languages leave as it is
_PERCENT = re.compile("%[0-9A-F]{2}")
_GO = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&"})  # as Go writes JSON

T = TypeVar("T")


class Redactor:
    """Knows secret values in the forms in which they show up, and replaces each by `***`.

    Passwords in URLs, and texts under keys that are a secret's by name, are replaced whether they are known or not.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self._compiled: tuple[frozenset[str], re.Pattern[str] | None] = (frozenset(), None)
        self._lock = threading.Lock()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Know more secrets, from now on. Values shorter than three characters are not kept out."""
        forms = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
        with self._lock:
            self._known |= forms

    @property
    def _pattern(self) -> re.Pattern[str] | None:
        """What finds every secret, made when it is needed: many are added one by one."""
        known, (compiled, pattern) = self._known, self._compiled
        if known and compiled is not known:
            longest_first = sorted(known, key=lambda form: (-len(form), form))
            pattern = re.compile("|".join(map(re.escape, longest_first)))
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
        if value is None or isinstance(value, (bool, Enum)):
            return value
        if isinstance(value, str):
            return self.text(value)
        if is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value)
        if isinstance(value, Mapping):
            return {self._walk(key): self._of_key(key, item) for key, item in value.items()}
        if isinstance(value, (tuple, list, set, frozenset)):
            kind = next(kind for kind in (tuple, list, set, frozenset) if isinstance(value, kind))
            return kind(self._walk(item) for item in value)
        return self._other(value)

    def _of_key(self, key: Any, value: Any) -> Any:
        return MASK if value and isinstance(value, str) and is_secret_name(str(key)) else self._walk(value)

    def _dataclass(self, value: Any) -> Any:
        """Numbers in a dataclass's own fields are counts and seconds, no secrets."""
        old = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        walked = {name: item if isinstance(item, (int, float)) else self._walk(item) for name, item in old.items()}
        changed = {name: item for name, item in walked.items() if item != old[name]}
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


def _parts(secret: str) -> Iterator[str]:
    """The whole value and each of its lines, as far as they are long enough: output comes line by line."""
    for part in (secret, secret.strip(), *(line.strip() for line in secret.splitlines())):
        if len(part.strip()) >= SHORTEST:
            yield part


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from _quoted(secret)
    yield repr(secret)[1:-1]
    for text in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield text
        yield json.dumps(text)[1:-1]  # JSON in JSON
        yield text.translate(_GO)
    raw = secret.encode("utf-8", "surrogateescape")
    for safe in _SAFE:
        encoded = quote(raw, safe=safe)
        yield from (encoded, _PERCENT.sub(lambda code: code[0].lower(), encoded))
    yield quote_plus(raw)
    yield from (html.escape(secret), html.escape(secret, quote=False), raw.hex(), raw.hex().upper())
    yield from _base64(raw)


def _quoted(secret: str) -> Iterator[str]:
    """As shells and compose files quote it; without the outer quotes."""
    yield secret.replace("'", "'\"'\"'")  # inside shlex.quote's quotes
    yield secret.replace("'", "'\\''")  # as bash prints what it runs
    yield re.sub(r'([$`"\\])', r"\\\1", secret)  # between double quotes
    yield re.sub(r"([^\w@%+=:,./\-])", r"\\\1", secret)  # word by word, as printf %q
    yield secret.replace("$", "$$")  # in a compose file


def _base64(raw: bytes) -> Iterator[str]:
    """Encoded alone, with a newline at its end, or somewhere inside of a longer text (`user:password`)."""
    for whole in (raw, raw + b"\n"):
        for encoded in (base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode()):
            yield from (encoded, encoded.rstrip("="))
            yield from (line for width in WRAPPED for line in _wrapped(encoded, width))
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw).decode()
        inner = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        if len(inner) >= SHORTEST_INNER:
            yield from (inner, inner.replace("+", "-").replace("/", "_"))


def _wrapped(encoded: str, width: int) -> Iterator[str]:
    """The lines of a longer text; a last one of few characters could be anything."""
    if len(encoded) > width:
        lines = (encoded[at : at + width] for at in range(0, len(encoded), width))
        yield from (line for line in lines if len(line) >= SHORTEST_INNER)
